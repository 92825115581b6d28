// How far was read: what this user has read here is kept until it is told, and what others have read meanwhile is asked for
// where it matters, for the pushes that tell of it can be lost.
import { clientLimits } from '../../protocol/client-limits.ts';
import type { Request } from '../connection/connection.ts';
import type { AnswerTo, ReadPush } from '../frames.ts';
import type { ConversationRecord } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { peerIn } from '../summaries.ts';
import type { Inbox } from './inbox.ts';

export interface ReadsOptions {
  readonly store: Store;
  readonly inbox: Inbox;
  readonly request: Request;
  /** There is something to tell. */
  readonly onMarked: () => void;
  readonly onPositions: (positions: AnswerTo<'positions'>['positions']) => void;
}

export class Reads {
  readonly #options: ReadsOptions;

  constructor(options: ReadsOptions) {
    this.#options = options;
  }

  /** Resolves when it is kept; it is told within a second, or when there is a connection. */
  async mark(conversationId: string, seq = Infinity): Promise<void> {
    const { inbox, store } = this.#options;
    const { shownSeq, readSeq = 0 } = store.conversation(conversationId);
    const reached = Math.min(seq, shownSeq ?? 0);
    if (!(reached > readSeq)) return;
    await inbox.note([{ conversationId, readSeq: reached }]);
    this.#options.onMarked();
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
}
