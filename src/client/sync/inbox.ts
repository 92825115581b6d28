// Where everything that was received goes: stored in one batch with the position that it brings, then shown, in the
// order of each conversation and each once. One intake at a time, so that what is decided is what is written.
import type { Message, Slot } from '../../protocol/messages.ts';
import { isLost, isVoid, type LostSlot } from '../frames.ts';
import { findHole, insert, settleUpTo, type Arrival, type Delivery, type Step } from '../store/gap-buffer.ts';
import { takeTurns } from './serial.ts';
import { key, type ConversationRecord, type Meta } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { tryToHold } from '../store/trial.ts';
import type { Change } from '../storage/storage.ts';

export interface Intake {
  readonly arrivals?: readonly Arrival[];
  /** Of one conversation: nothing at or below that seq will come (any more). */
  readonly settled?: { readonly conversationId: string; readonly seq: number };
  /** What to note of the mailbox in the same batch. */
  readonly meta?: Partial<Pick<Meta, 'mailbox' | 'position' | 'complete'>>;
}

export interface UnreadCount {
  readonly conversationId: string;
  readonly unread: number;
  readonly seq: number;
}

export interface InboxOptions {
  readonly store: Store;
  readonly userId: string;
  /** In each conversation; a tenth more may be there. */
  readonly keepMessages: number;
  /** An own message is stored: what to change with it, and what to do after that. */
  readonly confirm: (
    message: Message,
  ) => { readonly changes: readonly Change[]; readonly done: () => void } | undefined;
  readonly onMessage: (message: Message, delivery: Delivery) => void;
  /** In the place of a message that will never be shown here. */
  readonly onLost: (slot: LostSlot) => void;
  readonly onChanged: (before: ConversationRecord, after: ConversationRecord) => void;
  /** Something waits for a hole to be filled. */
  readonly onHole: (conversationId: string) => void;
}

interface Draft extends Step {
  readonly before: ConversationRecord;
  readonly record: ConversationRecord;
  /** Of messages that are not kept any more. */
  readonly removals: readonly Change[];
}

/** What an intake holds for one conversation. */
interface Part {
  readonly arrivals: readonly Arrival[];
  readonly floor: number | undefined;
  readonly complete: boolean;
}

export class Inbox {
  private readonly options: InboxOptions;
  private readonly inTurn = takeTurns();

  constructor(options: InboxOptions) {
    this.options = options;
  }

  /** Resolves when it is stored and shown; rejects, with nothing changed, when it cannot be stored. */
  take(intake: Intake): Promise<void> {
    return this.inTurn(() => this.process(intake));
  }

  /** Notes what the server counted: `unread` covers everything up to `seq`. What was counted here since knows more. */
  correctUnread(counts: readonly UnreadCount[]): Promise<void> {
    return this.inTurn(async () => {
      const { store } = this.options;
      const corrected = counts.flatMap(({ conversationId, unread, seq }) => {
        const before = store.conversation(conversationId);
        return before.countedSeq > seq ? [] : { before, record: { ...before, unread, countedSeq: seq } };
      });
      await store.update({
        conversations: corrected.map(({ record }) => ({
          record,
          timeline: store.timeline(record.conversationId),
        })),
      });
      for (const { before, record } of corrected) this.options.onChanged(before, record);
    });
  }

  /** Drops all that was received, to begin with this mailbox; in turn, like any intake. */
  forget(mailbox: string | undefined): Promise<void> {
    return this.inTurn(() => this.options.store.forgetMessages(mailbox));
  }

  private async process(intake: Intake): Promise<void> {
    const { arrivals = [] } = intake;
    const confirmations = arrivals.flatMap(({ slot }) => {
      const own = !isVoid(slot) && slot.from === this.options.userId;
      return (own && this.options.confirm(slot)) || [];
    });
    const changes = confirmations.flatMap((confirmation) => confirmation.changes);
    const drafts = await this.store(intake, changes).catch(async (error: unknown) => {
      const storable = await this.withoutRefused(arrivals);
      if (!storable) throw error;
      return this.store({ ...intake, arrivals: storable }, changes);
    });
    for (const { done } of confirmations) done();
    for (const draft of drafts) this.show(draft);
  }

  private async store(
    { arrivals = [], settled, meta }: Intake,
    changes: readonly Change[],
  ): Promise<Draft[]> {
    const { store } = this.options;
    const drafted = this.draft(arrivals, settled, meta?.complete ?? store.meta.complete);
    const drafts = await Promise.all(drafted.map((draft) => this.trim(draft)));
    await store.update({
      ...(meta && { meta: forward(meta, store.meta) }),
      conversations: drafts.map(({ record, timeline }) => ({ record, timeline })),
      changes: [...drafts.flatMap(({ removals }) => removals), ...drafts.flatMap(keptOf), ...changes],
    });
    return drafts;
  }

  /** With voids for what the storage will never take, if that is why it failed: the rest must not wait for it. */
  private async withoutRefused(arrivals: readonly Arrival[]): Promise<Arrival[] | undefined> {
    const storable: Arrival[] = [];
    for (const arrival of arrivals) {
      const { slot, delivery } = arrival;
      const verdict = isVoid(slot) ? 'held' : await tryToHold(this.options.store, slot);
      if (verdict === 'full') return undefined;
      storable.push(verdict === 'held' ? arrival : { slot: toLost(slot), delivery });
    }
    return storable.some(({ slot }, index) => slot !== arrivals[index]!.slot) ? storable : undefined;
  }

  private draft(arrivals: readonly Arrival[], settled: Intake['settled'], complete: boolean): Draft[] {
    const byConversation = new Map<string, Arrival[]>();
    if (settled) byConversation.set(settled.conversationId, []);
    for (const arrival of arrivals) {
      const { conversationId } = arrival.slot;
      const others = byConversation.get(conversationId);
      if (others) others.push(arrival);
      else byConversation.set(conversationId, [arrival]);
    }
    return [...byConversation].flatMap(([conversationId, list]) => {
      const floor = settled?.conversationId === conversationId ? settled.seq : undefined;
      return this.draftOne(conversationId, { arrivals: list, floor, complete }) ?? [];
    });
  }

  private draftOne(conversationId: string, { arrivals, floor, complete }: Part): Draft | undefined {
    const before = this.options.store.conversation(conversationId, complete);
    const timeline = this.options.store.timeline(conversationId, complete);
    // The slots first: those at or below the floor are shown too, if they are there.
    const inserted = insert(timeline, arrivals);
    const step = floor === undefined ? inserted : settleUpTo(inserted.timeline, floor);
    const released = floor === undefined ? inserted.released : [...inserted.released, ...step.released];
    if (released.length === 0 && inserted.held.length === 0 && step.timeline.shownSeq === before.shownSeq)
      return undefined;
    const record = released.reduce(
      (current, { slot }) => (isVoid(slot) ? current : count(current, slot, this.options.userId)),
      { ...before, shownSeq: step.timeline.shownSeq },
    );
    return { before, record, timeline: step.timeline, released, held: inserted.held, removals: [] };
  }

  /** In steps, so that not every message has to look for one to drop. */
  private async trim(draft: Draft): Promise<Draft> {
    const { keepMessages, store } = this.options;
    const { before, record, released } = draft;
    const step = Math.ceil(keepMessages / 10) || 1;
    const edge = (shownSeq: number | null) => Math.floor(((shownSeq ?? 0) - keepMessages) / step) * step;
    const droppedSeq = edge(record.shownSeq);
    const isDue = droppedSeq > Math.max(record.droppedSeq ?? 0, edge(before.shownSeq));
    if (!isDue) return draft;
    const removals = await store.removalsUpTo(record.conversationId, droppedSeq);
    // Where this device began later, there is nothing to drop yet.
    if (removals.length === 0 && !released.some(({ slot }) => slot.seq <= droppedSeq)) return draft;
    return { ...draft, record: { ...record, droppedSeq }, removals };
  }

  private show({ before, record, timeline, released }: Draft): void {
    for (const { slot, delivery } of released) {
      if (!isVoid(slot)) this.options.onMessage(slot, delivery);
      else if (isLost(slot)) this.options.onLost(slot);
    }
    if (record !== before) this.options.onChanged(before, record);
    if (findHole(timeline)) this.options.onHole(record.conversationId);
  }
}

/** The position never goes back: what a connection that ended had asked for may come after its successor's. */
function forward(meta: NonNullable<Intake['meta']>, current: Meta): NonNullable<Intake['meta']> {
  const { position } = meta;
  const ahead = position === undefined || position === null || position > (current.position ?? -1);
  return ahead ? meta : { ...meta, position: current.position };
}

/** A send implies that everything before it was read (the server sees it so, too). */
function count(record: ConversationRecord, message: Message, userId: string): ConversationRecord {
  const { seq } = message;
  if (seq <= record.countedSeq) return { ...record, last: message };
  const counts = !message.silent && message.type !== 'control';
  const unread = message.from === userId ? 0 : record.unread + (counts ? 1 : 0);
  return { ...record, unread, countedSeq: seq, last: message };
}

function keptOf({ record, released }: Draft): Change[] {
  const { droppedSeq = 0 } = record;
  return released.flatMap(({ slot }) => (isVoid(slot) || slot.seq <= droppedSeq ? [] : toChange(slot)));
}

const toLost = ({ conversationId, seq }: Slot): LostSlot => ({
  conversationId,
  seq,
  void: true,
  lost: 'unstorable',
});

const toChange = (message: Message): Change => ({
  key: key.message(message.conversationId, message.seq),
  value: message,
});
