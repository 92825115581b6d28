// One conversation, as an app works with it.
import type { Message } from '../protocol/messages.ts';
import type { ClientEvents } from './client-events.ts';
import type { Request } from './connection/connection.ts';
import { ImError } from './errors.ts';
import type { Emitter, Listener } from './events.ts';
import { isVoid } from './frames.ts';
import { parseConversationId } from '../protocol/ids.ts';
import type { Content, OutgoingMessage, SendOptions } from './outbox/outgoing.ts';
import type { ConversationRecord } from './store/schema.ts';
import { readShown } from './shown.ts';
import type { Store } from './store/store.ts';

/** What a list of conversations shows, as this device knows it. */
export interface ConversationSummary {
  /** `d:<userA>:<userB>` or `g:<id>`. */
  readonly conversationId: string;
  readonly kind: 'direct' | 'group';
  /** The other user of a direct conversation. */
  readonly peer?: string;
  /** The newest message that was shown here. */
  readonly lastMessage: Message | null;
  readonly unread: number;
}

export interface HistoryQuery {
  /** Messages below this seq, the newest of them first to come. Default: the newest there are. */
  readonly before?: number;
  /** Instead of `before`: messages above this seq, the oldest of them first to come. */
  readonly after?: number;
  /** 1–100 slots, default 50; a page may hold fewer messages, for slots can be void. */
  readonly limit?: number;
}

export interface HistoryPage {
  /** Ascending by seq. */
  readonly messages: readonly Message[];
  /** The lowest seq that this user may see. */
  readonly floorSeq: number;
  /** The newest seq given out. */
  readonly headSeq: number;
  /** Nothing further in the direction asked. */
  readonly end: boolean;
  /** The newest slots of this page are being settled: ask again in a few seconds. */
  readonly pending: boolean;
  /** What to ask for the page after this one; absent at the end. */
  readonly next?: HistoryQuery;
}

/** Events of the client that belong to one conversation. */
export type ConversationEvents = Pick<
  ClientEvents,
  'message' | 'sendState' | 'conversationChanged' | 'unreadChanged'
>;

export interface ConversationParts {
  readonly store: Store;
  readonly events: Emitter<ClientEvents>;
  readonly ask: Request;
  readonly outbox: () => readonly OutgoingMessage[];
  readonly send: (to: string, content: Content, options?: SendOptions) => OutgoingMessage;
}

export class Conversation {
  readonly conversationId: string;
  private readonly parts: ConversationParts;

  constructor(conversationId: string, parts: ConversationParts) {
    this.conversationId = conversationId;
    this.parts = parts;
  }

  get summary(): ConversationSummary {
    return summarize(this.parts.store.conversation(this.conversationId), this.parts.store.meta.userId);
  }

  get unread(): number {
    return this.parts.store.conversation(this.conversationId).unread;
  }

  /** Like `ImClient.send`, to this conversation. */
  send(content: Content, options?: SendOptions): OutgoingMessage {
    return this.parts.send(this.conversationId, content, options);
  }

  /** This conversation's messages that are not sent yet, in the order in which they were given. */
  unsent(): readonly OutgoingMessage[] {
    return this.parts.outbox().filter(({ conversationId }) => conversationId === this.conversationId);
  }

  /**
   * What this device has shown, ascending by seq, from local storage: works offline. The newest `limit` (default 50),
   * and after them those that are not sent yet (without a `seq`); or the sent ones before or after a seq. Those that
   * are not kept here any more come from the server; without it, it rejects with ImError where it has none to give.
   */
  messages(
    query: HistoryQuery & ({ readonly before: number } | { readonly after: number }),
  ): Promise<Message[]>;
  messages(query?: HistoryQuery): Promise<(Message | OutgoingMessage)[]>;
  async messages({ limit = 50, ...query }: HistoryQuery = {}): Promise<(Message | OutgoingMessage)[]> {
    const { conversationId } = this;
    const { store } = this.parts;
    const pages = (wanted: HistoryQuery) => this.pages(wanted);
    const shown = (wanted: HistoryQuery) => readShown({ store, conversationId, pages }, { ...wanted, limit });
    if (query.before !== undefined || query.after !== undefined) return shown(query);
    const unsent = this.unsent();
    const messages = await shown({});
    const own = new Set(
      messages.filter(({ from }) => from === store.meta.userId).map(({ clientMsgId }) => clientMsgId),
    );
    // A rejected one may have taken the clientMsgId of another.
    const others = unsent.filter(({ clientMsgId, state }) => state === 'rejected' || !own.has(clientMsgId));
    // Sent since, and not among what was shown when this began.
    if (others.some(({ state }) => state === 'sent')) return this.messages({ limit });
    return [...messages, ...others];
  }

  /** A page of the conversation as the server has it, also from before this device. Rejects with ImError. */
  async history(query: HistoryQuery = {}): Promise<HistoryPage> {
    const { conversationId } = this;
    const {
      messages: slots,
      floorSeq,
      headSeq,
      end,
      pending,
    } = await this.parts.ask('history', { conversationId, ...query });
    const edge = query.after === undefined ? slots[0]?.seq : slots.at(-1)?.seq;
    const next =
      query.after === undefined
        ? { ...query, before: edge ?? query.before }
        : { ...query, after: edge ?? query.after };
    const messages = slots.flatMap((slot) => (isVoid(slot) ? [] : slot));
    return { messages, floorSeq, headSeq, end, pending, ...(!end && { next: next as HistoryQuery }) };
  }

  /** Pages from the newest to the oldest, or upwards if the query says `after`; asked for as they are taken. */
  pages(query?: HistoryQuery): AsyncGenerator<HistoryPage, void, undefined> {
    return pagesOf((wanted) => this.history(wanted), query);
  }

  /** Returns how to unsubscribe. */
  on<Name extends keyof ConversationEvents>(
    name: Name,
    listener: Listener<ConversationEvents[Name]>,
  ): () => void {
    return this.parts.events.on(name, (payload) => {
      if (payload.conversationId === this.conversationId) listener(payload);
    });
  }
}

export async function* pagesOf(
  history: (query: HistoryQuery) => Promise<HistoryPage>,
  query: HistoryQuery = {},
): AsyncGenerator<HistoryPage, void, undefined> {
  for (let next: HistoryQuery | undefined = query; next;) {
    const page = await history(next);
    if (page.next && page.messages.length === 0 && page.pending) {
      throw new ImError('unavailable', 'history: a message is still being stored', { retryable: true });
    }
    yield page;
    next = page.next;
  }
}

export function summarize(record: ConversationRecord, userId: string): ConversationSummary {
  const { conversationId, unread, last } = record;
  const parsed = parseConversationId(conversationId);
  return {
    conversationId,
    kind: parsed?.kind ?? 'group',
    ...(parsed?.kind === 'direct' && { peer: parsed.users.find((user) => user !== userId) ?? userId }),
    lastMessage: last,
    unread,
  };
}
