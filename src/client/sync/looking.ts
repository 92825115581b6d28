// Large groups: their messages are in no mailbox. Those of a group that the app looks at come by push, and what is missing
// is read by seq; of the others this device follows how many there are.
import { isGroupId } from '../../protocol/ids.ts';
import { clientLimits } from '../../protocol/client-limits.ts';
import { backoffMs, resendBackoff } from '../backoff.ts';
import type { Request } from '../connection/connection.ts';
import type { CancelTimer, Environment } from '../environment.ts';
import { toImError } from '../errors.ts';
import type { GroupPush } from '../extra-frames.ts';
import type { AnswerTo, Stay } from '../frames.ts';
import { isNameless } from '../needs.ts';
import type { ConversationRecord } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import type { HoleRepair } from './hole-repair.ts';
import type { Inbox } from './inbox.ts';
import { portions } from './portions.ts';
import type { Reads } from './reads.ts';
import { takeTurns } from './serial.ts';
import { takeRead } from './targets.ts';

export interface LookingOptions {
  readonly store: Store;
  readonly inbox: Inbox;
  readonly holes: HoleRepair;
  readonly reads: Reads;
  readonly request: Request;
  readonly environment: Environment;
}

interface Look {
  readonly conversationId: string;
  readonly end: () => void;
}

export class Looking {
  readonly #options: LookingOptions;
  readonly #looks = new Map<string, Look>();
  /** On the present connection; absent: there is none, or it is not synced. */
  #subscribed: Set<string> | undefined;
  #failures = 0;
  #cancelTimer: CancelTimer | undefined;
  readonly #inTurn = takeTurns();
  readonly #pushesInTurn = takeTurns();

  constructor(options: LookingOptions) {
    this.#options = options;
  }

  /** Resolves when it has ended. */
  begin(conversationId: string, lookId: string): Promise<void> {
    const ended = new Promise<void>((end) => this.#looks.set(lookId, { conversationId, end }));
    this.#reconcile();
    return ended;
  }

  end(lookId: string): void {
    this.#looks.get(lookId)?.end();
    this.#looks.delete(lookId);
    this.#reconcile();
  }

  endAll(): void {
    for (const { end } of this.#looks.values()) end();
    this.#looks.clear();
  }

  /** Synced to the head, on a connection that knows of nothing yet, or again. */
  resume(): void {
    if (this.#subscribed) return;
    this.#subscribed = new Set();
    this.#reconcile();
    for (const record of this.#options.store.conversations) if (isNameless(record)) this.#name(record);
  }

  pause(): void {
    this.#subscribed = undefined;
    this.#failures = 0;
    this.#cancelTimer?.();
  }

  noteChange(before: ConversationRecord, after: ConversationRecord): void {
    const isOther = before.large !== after.large || before.left !== after.left;
    if (isOther && this.#isOpen(after.conversationId)) this.#reconcile();
  }

  /** What comes before this device is synced, `resume` looks after. */
  noteStays(stays: readonly Stay[]): void {
    if (!this.#subscribed) return;
    const { reads, store } = this.#options;
    const records = stays.map(({ conversationId }) => store.conversation(conversationId));
    for (const record of records) if (isNameless(record)) this.#name(record);
    const heard = new Set(stays.flatMap(({ conversationId, large }) => (large ? [conversationId] : [])));
    void reads.ask([...heard].slice(0, clientLimits.positions));
  }

  /** A push may have been lost. */
  notePositions(positions: AnswerTo<'positions'>['positions']): void {
    for (const { conversationId, lastSeq } of positions) {
      const isFollowed = this.#isLarge(conversationId) && this.#isOpen(conversationId);
      if (isFollowed) this.#options.holes.reach(conversationId, lastSeq);
    }
  }

  takePush({ conversationId, messages, headSeq }: GroupPush): Promise<void> {
    return this.#pushesInTurn(async () => {
      if (!this.#isOpen(conversationId)) return;
      const slots = messages.flatMap((slot) => slot ?? []);
      try {
        const arrivals = slots.map((slot) => ({ slot, delivery: 'live' as const }));
        await takeRead(this.#options, { conversationId, read: async () => ({ arrivals }) });
      } catch {
        // It is read instead.
      }
      this.#options.holes.reach(conversationId, headSeq);
    });
  }

  #isOpen(conversationId: string): boolean {
    return [...this.#looks.values()].some((look) => look.conversationId === conversationId);
  }

  #isLarge(conversationId: string): boolean {
    const { large = false, left = false } = this.#options.store.conversation(conversationId);
    return large && !left;
  }

  /** Subscribes to what is open, and to nothing else; one change after the other, so that none overtakes another. */
  #reconcile(): void {
    void this.#inTurn(async () => {
      const subscribed = this.#subscribed;
      if (!subscribed) return;
      try {
        await this.#settle(subscribed);
        this.#failures = 0;
      } catch (error) {
        if (this.#subscribed === subscribed && toImError(error).retryable) this.#retryLater();
      }
    });
  }

  async #settle(subscribed: Set<string>): Promise<void> {
    const { request, store, holes } = this.#options;
    const ids = [...this.#looks.values()].map(({ conversationId }) => conversationId);
    const groups = [...new Set(ids)].filter(isGroupId);
    for (const id of groups) if (store.conversation(id).large === undefined) await this.#describe(id);
    const wanted = groups.filter((id) => this.#isLarge(id));
    const ended = [...subscribed].filter((id) => !wanted.includes(id));
    for (const id of ended) subscribed.delete(id);
    for (const conversationIds of portions(ended, clientLimits.subscriptions))
      await request('unsubscribe', { conversationIds });
    const added = wanted.filter((id) => !subscribed.has(id));
    for (const conversationIds of portions(added, clientLimits.subscriptions)) {
      const { heads } = await request('subscribe', { conversationIds });
      for (const id of conversationIds) subscribed.add(id);
      for (const [id, headSeq] of Object.entries(heads)) holes.reach(id, Number(headSeq), 0);
    }
  }

  #retryLater(): void {
    const { environment } = this.#options;
    const delayMs = backoffMs(resendBackoff, this.#failures++, environment.random());
    this.#cancelTimer?.();
    this.#cancelTimer = environment.setTimer(() => this.#reconcile(), delayMs);
  }

  /** Whatever goes wrong, the next connection asks again. */
  #name({ conversationId }: ConversationRecord): void {
    this.#describe(conversationId).catch(() => {});
  }

  /** Rejects with ImError that is worth trying again. */
  async #describe(conversationId: string): Promise<void> {
    const { inbox, request } = this.#options;
    try {
      const { title, avatar, memberCount, fanout } = await request('group', { conversationId });
      const group = { title, avatar, memberCount };
      await inbox.note([{ conversationId, group, large: fanout === 'read' }]);
      await this.#options.reads.ask([conversationId]);
    } catch (error) {
      if (toImError(error).retryable) throw error;
    }
  }
}
