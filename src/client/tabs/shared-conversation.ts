// One conversation, as an app works with it in any of its tabs.
import type { Message } from '../../protocol/messages.ts';
import {
  pagesOf,
  summarize,
  type ConversationEvents,
  type ConversationSummary,
  type HistoryPage,
  type HistoryQuery,
} from '../conversation.ts';
import type { Emitter, Listener } from '../events.ts';
import type { ClientEvents } from '../client-events.ts';
import type { Content, OutgoingMessage, SendOptions } from '../outbox/outgoing.ts';
import type { Calls } from './calls.ts';
import type { View } from './view.ts';
import type { PackedOutgoing } from './wire.ts';

export interface SharedConversationParts {
  readonly calls: Calls;
  readonly events: Emitter<ClientEvents>;
  readonly view: View;
  readonly send: (to: string, content: Content, options?: SendOptions) => OutgoingMessage;
}

/** Like `Conversation`; what is read comes from the tab that holds the connection. */
export class SharedConversation {
  readonly conversationId: string;
  private readonly parts: SharedConversationParts;

  constructor(conversationId: string, parts: SharedConversationParts) {
    this.conversationId = conversationId;
    this.parts = parts;
  }

  get summary(): ConversationSummary {
    const { conversationId } = this;
    const { view } = this.parts;
    const unknown = { conversationId, shownSeq: null, unread: 0, countedSeq: 0, last: null };
    return view.summary(conversationId) ?? summarize(unknown, view.userId);
  }

  get unread(): number {
    return this.summary.unread;
  }

  send(content: Content, options?: SendOptions): OutgoingMessage {
    return this.parts.send(this.conversationId, content, options);
  }

  unsent(): readonly OutgoingMessage[] {
    return this.parts.view.outbox.filter(({ conversationId }) => conversationId === this.conversationId);
  }

  messages(
    query: HistoryQuery & ({ readonly before: number } | { readonly after: number }),
  ): Promise<Message[]>;
  messages(query?: HistoryQuery): Promise<(Message | OutgoingMessage)[]>;
  async messages(query: HistoryQuery = {}): Promise<(Message | OutgoingMessage)[]> {
    const { calls, view } = this.parts;
    const messages = await calls.ask('messages', this.conversationId, query);
    return messages.map((message) => (isOutgoing(message) ? view.own(message) : message));
  }

  history(query: HistoryQuery = {}): Promise<HistoryPage> {
    return this.parts.calls.ask('history', this.conversationId, query);
  }

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

function isOutgoing(message: Message | PackedOutgoing): message is PackedOutgoing {
  return !('seq' in message);
}
