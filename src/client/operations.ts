// What a device does when its client asks, each in one place: `Client` and `Conversation` ask for these by name, in this
// page or through the tab that holds the device. So what they take and give is plain data, without functions or classes.
// Those here are there at once, and without a network; `extra-operations.ts` is loaded with the first of the others.
import type { Message } from '../protocol/messages.ts';
import type { ClientEvents } from './client-events.ts';
import type { Environment } from './environment.ts';
import type { Emitter } from './events.ts';
import type { ExtraParts, extraOperations } from './extra-operations.ts';
import type { HistoryQuery } from './history.ts';
import type { Session } from './session.ts';
import type { ConversationRecord, PushTarget } from './store/schema.ts';
import type { Store } from './store/store.ts';
import { summarize, type ConversationSummary } from './summaries.ts';

const DEFAULT_LIMIT = 50;

export interface DeviceParts {
  readonly store: Store;
  readonly session: Session;
  readonly environment: Environment;
  readonly events: Emitter<ClientEvents>;
}

export const operations = {
  start: ({ session }, heir?: true) => session.start(heir),

  sync: ({ session }) => session.sync.refresh(),

  async conversations({ session, store }): Promise<ConversationSummary[]> {
    const writtenAt = new Map(
      session.outbox.messages.map(({ conversationId, createdAt }) => [conversationId, createdAt]),
    );
    const known = [...store.conversations].map(({ conversationId }) => conversationId);
    const recency = ({ conversationId, lastMessage }: ConversationSummary) =>
      Math.max(lastMessage?.serverTime ?? 0, writtenAt.get(conversationId) ?? 0);
    return [...new Set([...known, ...writtenAt.keys()])]
      .map((conversationId) => summarize(store.conversation(conversationId), store.meta.userId))
      .filter(({ left }) => !left)
      .toSorted((a, b) => Number(b.pinned) - Number(a.pinned) || recency(b) - recency(a));
  },

  registerForPush: ({ session }, target: PushTarget | null) => session.registerForPush(target),

  markRead: ({ session }, conversationId: string, seq?: number) => session.reads.mark(conversationId, seq),

  /** What was shown of a conversation, here or before it was dropped here; what is kept of it, if there is no other. */
  async shown(parts, conversationId: string, query: HistoryQuery): Promise<Message[]> {
    const { session, store } = parts;
    const { limit = DEFAULT_LIMIT } = query;
    const kept = await store.messages(conversationId, { ...query, limit });
    if (isAll(store.conversation(conversationId), query, kept.length >= limit)) return kept;
    try {
      const extras = await session.loadExtras();
      return await extras.completeShown(parts, conversationId, { ...query, limit }, kept);
    } catch (error) {
      if (kept.length === 0 || query.after !== undefined) throw error;
      return kept;
    }
  },
} satisfies Record<string, (parts: DeviceParts, ...takes: never[]) => Promise<unknown>>;

/** What is kept is all that there is to show; `isFull`: or all that was asked for. */
function isAll(
  { droppedSeq = 0, settings }: ConversationRecord,
  { after, before = Infinity }: HistoryQuery,
  isFull: boolean,
): boolean {
  const clearedSeq = settings?.clearedSeq ?? 0;
  if (droppedSeq <= clearedSeq) return true;
  return after === undefined ? isFull || before <= clearedSeq + 1 : after >= droppedSeq;
}

type Operations = typeof operations & typeof extraOperations;
export type OperationName = keyof Operations;
export type Takes<Name extends OperationName> = Operations[Name] extends (
  parts: ExtraParts,
  ...takes: infer Parameters
) => unknown
  ? Parameters
  : never;
export type Gives<Name extends OperationName> = ReturnType<Operations[Name]>;

/** Rejects with ImError. */
export type Ask = <Name extends OperationName>(name: Name, ...takes: Takes<Name>) => Gives<Name>;

/** All others may be done later, or twice: when a tab goes before it has answered, the next one is asked. */
export const notTwice: ReadonlySet<string> = new Set<OperationName>(['sendEphemeral', 'typing']);
