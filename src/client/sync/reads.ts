// How far was read: what this user has read here is told until the server has it, and what others have read meanwhile is
// asked for where it matters, for the pushes that tell of it can be lost.
import { clientLimits } from '../../protocol/client-limits.ts';
import { backoffMs, resendBackoff } from '../backoff.ts';
import type { Request } from '../connection/connection.ts';
import type { CancelTimer, Environment } from '../environment.ts';
import { toImError } from '../errors.ts';
import type { AnswerTo, ReadPush } from '../frames.ts';
import type { ConversationRecord } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { peerIn } from '../summaries.ts';
import type { Inbox } from './inbox.ts';

const TELL_AFTER_MS = 1_000;

export interface ReadsOptions {
  readonly store: Store;
  readonly inbox: Inbox;
  readonly request: Request;
  readonly environment: Environment;
  readonly onPositions: (positions: AnswerTo<'positions'>['positions']) => void;
}

export class Reads {
  readonly #options: ReadsOptions;
  #active = false;
  #failures = 0;
  #cancelTimer: CancelTimer | undefined;

  constructor(options: ReadsOptions) {
    this.#options = options;
  }

  /** Synced to the head: tells what a connection before this one did not. */
  resume(): void {
    this.#active = true;
    void this.#tell();
  }

  pause(): void {
    this.#active = false;
    this.#failures = 0;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  /** Resolves when it is kept; it is told within a second, or when there is a connection. */
  async mark(conversationId: string, seq = Infinity): Promise<void> {
    const { inbox, store } = this.#options;
    const { shownSeq, readSeq = 0 } = store.conversation(conversationId);
    const reached = Math.min(seq, shownSeq ?? 0);
    if (!(reached > readSeq)) return;
    await inbox.note([{ conversationId, readSeq: reached }]);
    this.#schedule(TELL_AFTER_MS);
  }

  async takePush({ conversationId, userId, readSeq }: ReadPush): Promise<void> {
    const { inbox, store } = this.#options;
    if (!store.knows(conversationId)) return;
    if (userId !== store.meta.userId) return inbox.note([{ conversationId, peerReadSeq: readSeq }]);
    await inbox.note([{ conversationId, readSeq, isTold: true }]);
    if (store.conversation(conversationId).unread > 0) await this.ask([conversationId]);
  }

  /** Asks for the positions that matter. */
  async refresh(): Promise<void> {
    const recency = ({ last }: ConversationRecord) => last?.serverTime ?? 0;
    const inQuestion = [...this.#options.store.conversations]
      .filter((record) => !record.left && (record.unread > 0 || record.large || this.#isUnreadByPeer(record)))
      .toSorted((a, b) => recency(b) - recency(a))
      .map(({ conversationId }) => conversationId);
    await this.ask(inQuestion.slice(0, clientLimits.positions));
  }

  #isUnreadByPeer({ conversationId, ownSeq = 0, peerReadSeq = 0 }: ConversationRecord): boolean {
    return ownSeq > peerReadSeq && peerIn(conversationId, this.#options.store.meta.userId) !== undefined;
  }

  /** Whatever goes wrong, the next heartbeat asks again. */
  async ask(conversationIds: string[]): Promise<void> {
    if (conversationIds.length === 0) return;
    const { inbox, request } = this.#options;
    try {
      const { positions } = await request('positions', { conversationIds });
      await inbox.note(
        positions.map(({ unread, lastSeq, ...position }) => ({
          ...position,
          isTold: true,
          counted: { unread, seq: lastSeq },
        })),
      );
      this.#options.onPositions(positions);
    } catch {}
  }

  #schedule(delayMs: number): void {
    if (!this.#active) return;
    this.#cancelTimer ??= this.#options.environment.setTimer(() => {
      this.#cancelTimer = undefined;
      void this.#tell();
    }, delayMs);
  }

  async #tell(): Promise<void> {
    const { inbox, request, store } = this.#options;
    const unsure: string[] = [];
    for (const { conversationId, readSeq = 0, toldSeq = 0 } of store.conversations) {
      if (!this.#active) return;
      if (readSeq <= toldSeq) continue;
      try {
        const answer = await request('read', { conversationId, seq: readSeq });
        await inbox.note([{ conversationId, readSeq: answer.readSeq, isTold: true }]);
        if (answer.unread !== store.conversation(conversationId).unread) unsure.push(conversationId);
      } catch (error) {
        if (toImError(error).retryable) return this.#retryLater();
        // The user is not in this conversation any more.
        await inbox.note([{ conversationId, readSeq, isTold: true }]).catch(() => {});
      }
    }
    this.#failures = 0;
    await this.ask(unsure);
  }

  #retryLater(): void {
    this.#schedule(backoffMs(resendBackoff, this.#failures++, this.#options.environment.random()));
  }
}
