// Fills holes in conversations: gives what is missing 300 ms to come by itself, then asks history for it.
import { ImError, toImError } from '../errors.ts';
import type { CancelTimer, Environment } from '../environment.ts';
import { askHistory } from '../slots.ts';
import { findHole, type Hole } from '../store/gap-buffer.ts';
import type { Request } from '../connection/connection.ts';
import type { Inbox } from './inbox.ts';
import { backoffMs, repairBackoff } from '../backoff.ts';
import type { Store } from '../store/store.ts';
import { takeRead } from './targets.ts';

const PATIENCE_MS = 300;
const PAGE_SIZE = 100;

export interface HoleRepairOptions {
  readonly store: Store;
  readonly inbox: Inbox;
  readonly request: Request;
  readonly environment: Environment;
  readonly onError: (error: ImError) => void;
}

export class HoleRepair {
  readonly #options: HoleRepairOptions;
  #active = false;
  /** One at a time in each conversation: waiting, or asking. */
  readonly #repairs = new Map<string, CancelTimer>();
  /** Numbers that were given out: what is missing up to there may have nothing behind it that waits. */
  readonly #heads = new Map<string, number>();

  constructor(options: HoleRepairOptions) {
    this.#options = options;
  }

  /** Connected: looks after all holes there are, and those to come. */
  resume(): void {
    this.#active = true;
    for (const conversationId of this.#options.store.withHoles) this.notice(conversationId);
  }

  pause(): void {
    this.#active = false;
    for (const cancel of this.#repairs.values()) cancel();
    this.#repairs.clear();
    this.#heads.clear();
  }

  notice(conversationId: string): void {
    this.reach(conversationId, 0, PATIENCE_MS);
  }

  /** All up to that number is to be here: what does not come by itself is asked for, page by page. */
  reach(conversationId: string, headSeq: number, patienceMs: number = PATIENCE_MS): void {
    if (!this.#active) return;
    this.#heads.set(conversationId, Math.max(this.#heads.get(conversationId) ?? 0, headSeq));
    const isDue = !this.#repairs.has(conversationId) && this.#holeIn(conversationId);
    if (isDue) this.#schedule(conversationId, patienceMs, 0);
  }

  #holeIn(conversationId: string): Hole | undefined {
    const timeline = this.#options.store.timeline(conversationId);
    const { shownSeq } = timeline;
    const to = this.#heads.get(conversationId) ?? 0;
    const tail = to > (shownSeq ?? 0) ? { from: shownSeq === null ? null : shownSeq + 1, to } : undefined;
    return findHole(timeline) ?? tail;
  }

  #schedule(conversationId: string, delayMs: number, attempt: number): void {
    const cancel = this.#options.environment.setTimer(
      () => void this.#repair(conversationId, attempt, cancel),
      delayMs,
    );
    this.#repairs.set(conversationId, cancel);
  }

  async #repair(conversationId: string, attempt: number, ticket: CancelTimer): Promise<void> {
    const hole = this.#holeIn(conversationId);
    let progress = false;
    if (hole) {
      try {
        progress = await this.#fill(conversationId, hole);
      } catch (error) {
        const failure = toImError(error);
        if (!failure.retryable) this.#options.onError(failure);
      }
    }
    // Paused meanwhile: whoever resumed since began anew.
    if (this.#repairs.get(conversationId) !== ticket) return;
    this.#repairs.delete(conversationId);
    if (!this.#holeIn(conversationId)) return;
    const next = progress ? 0 : attempt + 1;
    this.#schedule(
      conversationId,
      progress ? 0 : backoffMs(repairBackoff, next, this.#options.environment.random()),
      next,
    );
  }

  /** Returns whether it brought anything. */
  async #fill(conversationId: string, { from, to }: Hole): Promise<boolean> {
    const { inbox, request, store } = this.#options;
    // An unknown beginning: this device begins with the page before the first message that it got.
    const fields =
      from === null
        ? { conversationId, before: to + 1, limit: PAGE_SIZE }
        : { conversationId, after: from - 1, limit: Math.min(PAGE_SIZE, to - from + 1) };
    try {
      const before = store.timeline(conversationId);
      const read = async () => {
        const { slots, floorSeq } = await askHistory(request, fields);
        const begin = (from === null ? (slots[0]?.seq ?? to + 1) : floorSeq) - 1;
        return {
          arrivals: slots.map((slot) => ({ slot, delivery: 'catch-up' as const })),
          settled: { conversationId, seq: Math.max(begin, floorSeq - 1) },
        };
      };
      await takeRead(this.#options, { conversationId, read });
      return store.timeline(conversationId).shownSeq !== before.shownSeq;
    } catch (error) {
      if (!(error instanceof ImError) || !isFinal(error)) throw error;
      // The user may read this conversation no more: what is missing will not come.
      await inbox.take({ settled: { conversationId, seq: to } });
      return true;
    }
  }
}

function isFinal({ code }: ImError): boolean {
  return code === 'not_member' || code === 'forbidden' || code === 'not_found';
}
