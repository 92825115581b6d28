// What a device does when its client asks, each in one place: `Client` and `Conversation` ask for these by name, in this
// page or through the tab that holds the device. So what they take and give is plain data, without functions or classes.
import type { Message } from '../protocol/messages.ts';
import type { RequestFields } from './connection/connection.ts';
import { pagesOf, readHistory, type HistoryPage, type HistoryQuery } from './history.ts';
import type { Composed } from './outbox/compose.ts';
import type { Session } from './session.ts';
import { readShown } from './shown.ts';
import type { Store } from './store/store.ts';
import { summarize, type ConversationSummary } from './summaries.ts';

export interface DeviceParts {
  readonly store: Store;
  readonly session: Session;
  /** A fresh id for what is not to be confused with anything before. */
  readonly newId: () => string;
}

/** What waits on the server for this device, counted without pulling it. */
export interface PendingSummary {
  /** Messages of others that this device does not have yet. */
  readonly total: number;
  readonly conversations: readonly {
    readonly conversationId: string;
    readonly unread: number;
    readonly waiting: number;
  }[];
}

export const operations = {
  start: ({ session }) => session.start(),

  sync: ({ session }) => session.sync.refresh(),

  async sendEphemeral({ session, newId }, to: string, content: Composed): Promise<void> {
    const fields = { to, clientMsgId: newId(), ephemeral: true, ...content };
    await session.link.request('send', fields as RequestFields<'send'>);
  },

  async conversations({ session, store }): Promise<ConversationSummary[]> {
    const writtenAt = new Map(
      session.outbox.messages.map(({ conversationId, createdAt }) => [conversationId, createdAt]),
    );
    const known = [...store.conversations].map(({ conversationId }) => conversationId);
    const recency = ({ conversationId, lastMessage }: ConversationSummary) =>
      Math.max(lastMessage?.serverTime ?? 0, writtenAt.get(conversationId) ?? 0);
    return [...new Set([...known, ...writtenAt.keys()])]
      .map((conversationId) => summarize(store.conversation(conversationId), store.meta.userId))
      .toSorted((a, b) => recency(b) - recency(a));
  },

  async pending({ session, store }): Promise<PendingSummary> {
    const { position } = store.meta;
    const answer = await session.link.ask('pending', position === null ? {} : { after: position });
    if ('reset' in answer) return { total: 0, conversations: [] };
    const { total, conversations } = answer;
    await session.inbox.correctUnread(
      conversations.map(({ conversationId, unread, lastSeq: seq }) => ({ conversationId, unread, seq })),
    );
    return { total, conversations };
  },

  history: ({ session }, conversationId: string, query: HistoryQuery): Promise<HistoryPage> =>
    readHistory(session.link.ask, conversationId, query),

  /** What was shown of a conversation, here or before it was dropped here. */
  shown({ session, store }, conversationId: string, query: HistoryQuery): Promise<Message[]> {
    const history = (wanted: HistoryQuery) => readHistory(session.link.ask, conversationId, wanted);
    const pages = (wanted: HistoryQuery) => pagesOf(history, wanted);
    return readShown({ store, conversationId, pages }, query);
  },
} satisfies Record<string, (parts: DeviceParts, ...takes: never[]) => Promise<unknown>>;

type Operations = typeof operations;
export type OperationName = keyof Operations;
export type Takes<Name extends OperationName> = Operations[Name] extends (
  parts: DeviceParts,
  ...takes: infer Parameters
) => unknown
  ? Parameters
  : never;
export type Gives<Name extends OperationName> = ReturnType<Operations[Name]>;

/** Rejects with ImError. */
export type Ask = <Name extends OperationName>(name: Name, ...takes: Takes<Name>) => Gives<Name>;

/** All others may be done twice: when a tab goes before it has answered, the next one is asked. */
export const notTwice: ReadonlySet<string> = new Set<OperationName>(['sendEphemeral']);
