// Where everything that was received goes: stored in one batch with the position that it brings, then shown, in the
// order of each conversation and each once. One intake at a time, so that what is decided is what is written.
import type { Message } from '../../protocol/messages.ts';
import { isVoid } from '../../protocol/slots.ts';
import type { ClientEvents } from '../client-events.ts';
import { ImError } from '../errors.ts';
import type { Emitter } from '../events.ts';
import { isLost, type ChangedSettings, type LostSlot, type Stay } from '../frames.ts';
import { tellGroup } from '../group-events.ts';
import { findHole, type Arrival } from '../store/gap-buffer.ts';
import type { Target } from '../store/versions.ts';
import { Drafts, type Draft } from './drafts.ts';
import { isCounted, moveRead, type ReadPosition } from './records.ts';
import { takeTurns } from './serial.ts';
import type { ConversationRecord, Meta } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import type { Change } from '../storage/storage.ts';

export interface Intake {
  readonly arrivals?: readonly Arrival[];
  /** What messages are by now, whether they were shown, wait, or did not come yet. */
  readonly targets?: readonly Target[];
  /** What this user wants of conversations by now: after all that has arrived. */
  readonly settings?: readonly ChangedSettings[];
  /** Groups that the user came into, or is in no more, in the order of the mailbox. */
  readonly stays?: readonly Stay[];
  /** Of one conversation: nothing at or below that seq will come (any more). */
  readonly settled?: { readonly conversationId: string; readonly seq: number };
  /** What to note of the mailbox in the same batch. */
  readonly meta?: Partial<Pick<Meta, 'mailbox' | 'position' | 'complete'>>;
  /** Asked in its turn: whether nothing of it counts any more. */
  readonly unless?: () => boolean;
}

export interface InboxOptions {
  readonly store: Store;
  readonly events: Emitter<ClientEvents>;
  /** In each conversation; a tenth more may be there. */
  readonly keepMessages: number;
  /** An own message is stored: what to change with it, and what to do after that. */
  readonly confirm: (
    message: Message,
  ) => { readonly changes: readonly Change[]; readonly done: () => void } | undefined;
  /** What of it the storage takes, if there is something in it that it will never take. */
  readonly withoutRefused: (intake: Intake) => Promise<Intake | undefined>;
  /** It was told as `message`. */
  readonly onShown: (message: Message) => void;
  readonly onChanged: (before: ConversationRecord, after: ConversationRecord) => void;
  /** Something waits for a hole to be filled. */
  readonly onHole: (conversationId: string) => void;
}

export class Inbox {
  readonly #options: InboxOptions;
  readonly #drafts: Drafts;
  /** One task at a time changes what was received. */
  readonly inTurn = takeTurns();
  /** They hear of every intake, before it is stored. */
  readonly watches = new Set<(intake: Intake) => void>();

  constructor(options: InboxOptions) {
    this.#options = options;
    this.#drafts = new Drafts(options);
  }

  /** Resolves when it is stored and shown; rejects, with nothing changed, when it cannot be stored. */
  take(intake: Intake): Promise<void> {
    return this.inTurn(() => (intake.unless?.() ? Promise.resolve() : this.#process(intake)));
  }

  /** Notes how far was read, and what the server counted; what was counted or read here since knows more. */
  note(positions: readonly ReadPosition[]): Promise<void> {
    return this.inTurn(async () => {
      const { store } = this.#options;
      const noted = await Promise.all(
        positions.map(async (position) => {
          const { conversationId, begin } = position;
          const before = store.conversation(conversationId);
          const isNew = begin && !store.knows(conversationId);
          const known = isNew ? { ...before, ...begin, droppedSeq: begin.shownSeq! } : before;
          return { before, record: await this.#place(known, position) };
        }),
      );
      const changed = noted.filter(({ before, record }) => isOther(before, record));
      await store.update({
        conversations: changed.map(({ record }) => ({
          record,
          timeline: store.timeline(record.conversationId),
        })),
      });
      for (const { before, record } of changed) this.#options.onChanged(before, record);
    });
  }

  async #place(before: ConversationRecord, position: ReadPosition): Promise<ConversationRecord> {
    const { conversationId, unread, countedSeq, readSeq = 0 } = before;
    const { group, large } = position;
    const record = {
      ...before,
      ...moveRead(before, position),
      ...(group && { group }),
      ...(large !== undefined && { large }),
    };
    const { counted } = position;
    // What is not told yet, the server did not take into account.
    const isInformed = (position.readSeq ?? record.toldSeq!) >= record.readSeq!;
    if (counted && counted.seq >= countedSeq && isInformed) {
      return { ...record, unread: counted.unread, countedSeq: counted.seq };
    }
    if (record.readSeq === readSeq || unread === 0) return record;
    if (record.readSeq! >= countedSeq) return { ...record, unread: 0 };
    const { store } = this.#options;
    const { userId } = store.meta;
    const unreadHere = await store.messages(conversationId, { after: record.readSeq!, limit: Infinity });
    const count = unreadHere.filter((message) => isCounted(message, userId)).length;
    // What the server counted may be on its way: at most all of it, until the server is asked again.
    const onTheirWay = Math.max(0, countedSeq - Math.max(record.readSeq!, record.shownSeq ?? 0));
    return { ...record, unread: Math.min(unread, count + onTheirWay) };
  }

  async #process(intake: Intake): Promise<void> {
    for (const hear of this.watches) hear(intake);
    const confirmations = (intake.arrivals ?? []).flatMap(({ slot }) => {
      const own = !isVoid(slot) && slot.from === this.#options.store.meta.userId;
      return (own && this.#options.confirm(slot)) || [];
    });
    const changes = confirmations.flatMap((confirmation) => confirmation.changes);
    const drafts = await this.#store(intake, changes).catch(async (error: unknown) => {
      const storable = await this.#options.withoutRefused(intake).catch(() => undefined);
      if (!storable) throw error;
      return this.#store({ ...intake, ...storable }, changes);
    });
    for (const { done } of confirmations) done();
    for (const draft of drafts) {
      this.#drafts.settle(draft);
      this.#show(draft);
    }
  }

  async #store(intake: Intake, changes: readonly Change[]): Promise<Draft[]> {
    const { store } = this.#options;
    const { meta } = intake;
    const drafts = await this.#drafts.make(intake);
    await store.update({
      ...(meta && { meta: forward(meta, store.meta) }),
      conversations: drafts.filter(({ before, record }) => record !== before),
      changes: [...drafts.flatMap((draft) => draft.changes), ...changes],
    });
    return drafts;
  }

  #show({ before, record, timeline, released, revised }: Draft): void {
    const { clearedSeq = 0 } = before.settings ?? {};
    const { conversationId } = record;
    const { events, onChanged, onHole, onShown } = this.#options;
    for (const { slot, delivery } of released) {
      if (isLost(slot)) events.emit('error', { error: lostError(slot) });
      else if (isVoid(slot)) continue;
      else if (slot.type === 'control') tellGroup(events, slot);
      else if (slot.seq > clearedSeq) {
        events.emit('message', { conversationId, message: slot, delivery });
        onShown(slot);
      }
    }
    for (const message of revised) events.emit('messageChanged', { conversationId, message });
    if (record !== before) onChanged(before, record);
    if (findHole(timeline)) onHole(conversationId);
  }
}

/** In the place of a message that will never be shown here. */
function lostError({ conversationId, seq, lost }: LostSlot): ImError {
  const [code, fate] =
    lost === 'unreadable' ? (['unreadable', 'read'] as const) : (['storage', 'stored'] as const);
  return new ImError(code, `Message ${seq} of ${conversationId} cannot be ${fate}`);
}

/** The position never goes back: what a connection that ended had asked for may come after its successor's. */
function forward(meta: NonNullable<Intake['meta']>, current: Meta): NonNullable<Intake['meta']> {
  const { position } = meta;
  const ahead = position === undefined || position === null || position > (current.position ?? -1);
  return ahead ? meta : { ...meta, position: current.position };
}

const isOther = (before: ConversationRecord, after: ConversationRecord) =>
  Object.entries(after).some(
    ([name, value]) => (value ?? 0) !== (before[name as keyof ConversationRecord] ?? 0),
  );
