// What an intake makes of each conversation, before it is stored: what is to be shown, in which order, and what of it is
// kept. Nothing changes here but the memory of versions that are ahead of their message.
import type { Message, Slot } from '../../protocol/messages.ts';
import type { ConversationSettings } from '../../protocol/server-frames.ts';
import type { Change } from '../storage/storage.ts';
import { insert, settleUpTo, type Arrival, type Timeline } from '../store/gap-buffer.ts';
import { key, type ConversationRecord } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { isNewer, isOther, isShowable, newerOf, type Target } from '../store/versions.ts';
import type { Intake } from './inbox.ts';
import { count, revise, settle } from './records.ts';

export interface Draft {
  readonly before: ConversationRecord;
  /** The same as before: nothing is to be stored of it. */
  readonly record: ConversationRecord;
  readonly timeline: Timeline;
  /** To show now, in order. */
  readonly released: readonly Arrival[];
  /** Shown before, and another now. */
  readonly revised: readonly Message[];
  readonly changes: readonly Change[];
}

export interface DraftsOptions {
  readonly store: Store;
  /** In each conversation; a tenth more may be there. */
  readonly keepMessages: number;
}

/** What an intake holds for one conversation. */
interface Part {
  readonly arrivals: Arrival[];
  readonly targets: Target[];
  floor?: number;
  settings?: ConversationSettings;
  stay?: Pick<ConversationRecord, 'left' | 'large'>;
}

export class Drafts {
  readonly #options: DraftsOptions;
  /** Versions of messages that are not shown yet: an older one may still be under way. */
  readonly #ahead = new Map<string, Message>();

  constructor(options: DraftsOptions) {
    this.#options = options;
    const { store } = options;
    for (const { conversationId } of store.conversations) {
      const { waiting } = store.timeline(conversationId);
      for (const { target } of waiting) if (target) this.#expect(target);
    }
  }

  make({ arrivals = [], targets = [], settings = [], stays = [], settled, meta }: Intake): Promise<Draft[]> {
    const parts = new Map<string, Part>();
    const partOf = (conversationId: string): Part => {
      const part = parts.get(conversationId) ?? { arrivals: [], targets: [] };
      parts.set(conversationId, part);
      return part;
    };
    if (settled) partOf(settled.conversationId).floor = settled.seq;
    for (const arrival of arrivals) partOf(arrival.slot.conversationId).arrivals.push(arrival);
    for (const target of targets) partOf(target.message.conversationId).targets.push(target);
    for (const changed of settings) partOf(changed.conversationId).settings = changed.settings;
    for (const { conversationId, ...stay } of stays) {
      const part = partOf(conversationId);
      part.stay = { ...part.stay, ...stay };
    }
    const complete = meta?.complete ?? this.#options.store.meta.complete;
    return Promise.all([...parts].map(([id, part]) => this.#draft(id, part, complete)));
  }

  /** It is stored. */
  settle({ released }: Draft): void {
    for (const { slot } of released) this.#ahead.delete(placeOf(slot));
  }

  async #draft(conversationId: string, part: Part, complete: boolean): Promise<Draft> {
    const { store } = this.#options;
    const { userId } = store.meta;
    const { arrivals, targets, floor, settings, stay } = part;
    const before = store.conversation(conversationId, complete);
    const { waiting, shownSeq } = store.timeline(conversationId, complete);
    for (const { message } of targets) if (message.seq > (shownSeq ?? 0)) this.#expect(message);
    // What waits already may come once more as it is by now.
    const seqs = new Set(waiting.map(({ slot }) => slot.seq));
    for (const { slot } of arrivals) if (isShowable(slot) && seqs.has(slot.seq)) this.#expect(slot);
    const timeline = { shownSeq, waiting: waiting.map(this.#newest) };
    // The slots first: those at or below the floor are shown too, if they are there.
    const told = new Map(targets.map(({ controlSeq, message }) => [controlSeq, message]));
    const inserted = insert(
      timeline,
      arrivals.map((arrival) => withTarget(this.#newest(arrival), told.get(arrival.slot.seq), shownSeq)),
    );
    const step = floor === undefined ? inserted : settleUpTo(inserted.timeline, floor);
    const released = floor === undefined ? inserted.released : [...inserted.released, ...step.released];
    const revisions = await this.#revisions(before, targets);
    const stored = revisions.filter(({ known }) => known);
    const isNew = waiting.some((arrival, index) => arrival !== timeline.waiting[index]);
    const isSame =
      released.length + inserted.held.length + stored.length === 0 && step.timeline.shownSeq === shownSeq;
    const revised = revisions.map(({ message }) => message);
    if (isSame && !isNew && !settings && !stay)
      return { before, record: before, timeline, released, revised, changes: [] };
    const counted = released.reduce((record, { slot }) => count(record, slot, userId), {
      ...stored.reduce((record, revision) => revise(record, revision, userId), before),
      shownSeq: step.timeline.shownSeq,
      ...stay,
    });
    const kept = released.map(({ slot }) => slot).filter(isShowable);
    const cleared = settings && (await this.#clear(counted, settings, kept));
    const trimmed = await this.#trim(before, cleared?.record ?? counted, released);
    const { record } = trimmed;
    const removals = [...(cleared?.removals ?? []), ...trimmed.removals];
    const goneSeq = Math.max(record.droppedSeq ?? 0, record.settings?.clearedSeq ?? 0);
    const changes = [...revised.filter((_, index) => revisions[index]!.known), ...kept]
      .filter(({ seq }) => seq > goneSeq)
      .map((message): Change => ({ key: key.message(conversationId, message.seq), value: message }));
    return { before, record, timeline: step.timeline, released, revised, changes: [...removals, ...changes] };
  }

  /** Those that are news of a message that was shown; `known`: as it is stored. */
  async #revisions(
    { conversationId, shownSeq }: ConversationRecord,
    targets: readonly Target[],
  ): Promise<Revision[]> {
    const latest = new Map<number, Target>();
    for (const target of targets) {
      const { seq } = target.message;
      const other = latest.get(seq);
      // Where this device does not know its beginning, the app may have read it from history.
      const isShown = shownSeq === null || seq <= shownSeq;
      if (isShown && (!other || !isNewer(other.message, target.message))) latest.set(seq, target);
    }
    const revisions = [...latest.values()].map(async (target): Promise<Revision[]> => {
      const known = await this.#options.store.message(conversationId, target.message.seq);
      return known && !isOther(target.message, known) ? [] : [{ ...target, known }];
    });
    return (await Promise.all(revisions)).flat();
  }

  #expect(message: Message): void {
    const place = placeOf(message);
    this.#ahead.set(place, newerOf(message, this.#ahead.get(place) ?? message));
  }

  readonly #newest = (arrival: Arrival): Arrival => {
    const { slot } = arrival;
    const known = this.#ahead.get(placeOf(slot));
    return known && isShowable(slot) && isOther(known, slot) ? { ...arrival, slot: known } : arrival;
  };

  async #clear(record: ConversationRecord, settings: ConversationSettings, kept: readonly Message[]) {
    const { store } = this.#options;
    const { userId } = store.meta;
    const { conversationId, settings: { clearedSeq: before = 0 } = {} } = record;
    const { clearedSeq } = settings;
    if (clearedSeq <= before) return { record: { ...record, settings }, removals: [] };
    const stored = await store.messages(conversationId, { after: clearedSeq, limit: Infinity });
    return {
      record: settle(record, settings, [...stored, ...kept], userId),
      removals: await store.removalsUpTo(conversationId, clearedSeq),
    };
  }

  /** In steps, so that not every message has to look for one to drop. */
  async #trim(
    before: ConversationRecord,
    record: ConversationRecord,
    released: readonly Arrival[],
  ): Promise<{ readonly record: ConversationRecord; readonly removals: readonly Change[] }> {
    const { keepMessages, store } = this.#options;
    const step = Math.ceil(keepMessages / 10) || 1;
    const edge = (shownSeq: number | null) => Math.floor(((shownSeq ?? 0) - keepMessages) / step) * step;
    const droppedSeq = edge(record.shownSeq);
    const isDue = droppedSeq > Math.max(record.droppedSeq ?? 0, edge(before.shownSeq));
    if (!isDue) return { record, removals: [] };
    const removals = await store.removalsUpTo(record.conversationId, droppedSeq);
    // Where this device began later, there is nothing to drop yet.
    const isNothing = removals.length === 0 && !released.some(({ slot }) => slot.seq <= droppedSeq);
    return isNothing ? { record, removals } : { record: { ...record, droppedSeq }, removals };
  }
}

export interface Revision extends Target {
  readonly known: Message | undefined;
}

/** Noted as long as the message is not shown: whoever starts again must know of it. */
const withTarget = (arrival: Arrival, target: Message | undefined, shownSeq: number | null): Arrival =>
  target && target.seq > (shownSeq ?? 0) ? { ...arrival, target } : arrival;

const placeOf = ({ conversationId, seq }: Slot) => key.message(conversationId, seq);
