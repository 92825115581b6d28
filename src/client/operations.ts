// What a device does when its client asks, each in one place: `Client` and `Conversation` ask for these by name, in this
// page or through the tab that holds the device. So what they take and give is plain data, without functions or classes.
// Those here are there at once, and without a network; `extra-operations.ts` is loaded with the first of the others.
import type { Message } from '../protocol/messages.ts';
import type { ClientEvents } from './client-events.ts';
import type { Environment } from './environment.ts';
import type { Emitter } from './events.ts';
import type { ExtraParts, extraOperations } from './extra-operations.ts';
import { pagesOf, type HistoryQuery } from './history.ts';
import type { Session } from './session.ts';
import { readShown } from './shown.ts';
import type { PushTarget } from './store/schema.ts';
import type { Store } from './store/store.ts';
import { summarize, type ConversationSummary } from './summaries.ts';

export interface DeviceParts {
  readonly store: Store;
  readonly session: Session;
  readonly environment: Environment;
  readonly events: Emitter<ClientEvents>;
}

export const operations = {
  start: ({ session }) => session.start(),

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

  /** What was shown of a conversation, here or before it was dropped here. */
  shown(parts, conversationId: string, query: HistoryQuery): Promise<Message[]> {
    const { session, store } = parts;
    const readPage = async (wanted: HistoryQuery) => {
      const extras = await session.loadExtras();
      const extraParts: ExtraParts = { ...parts, extras };
      return extras.operations.history(extraParts, conversationId, wanted);
    };
    return readShown({ store, conversationId, pages: (wanted) => pagesOf(readPage, wanted) }, query);
  },
} satisfies Record<string, (parts: DeviceParts, ...takes: never[]) => Promise<unknown>>;

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
