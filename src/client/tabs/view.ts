// What one tab knows and has shown: from it every message comes once and in order, whichever tab holds the connection.
import type { Message } from '../../protocol/messages.ts';
import { referencesOf } from '../../protocol/slots.ts';
import type { ClientEvents } from '../client-events.ts';
import { ImError } from '../errors.ts';
import type { Emitter } from '../events.ts';
import type { Draft } from '../outbox/outbox.ts';
import { OutgoingMessage, type OutgoingActions } from '../outbox/outgoing.ts';
import type { ClientState } from '../session.ts';
import type { Delivery } from '../store/gap-buffer.ts';
import type { Identity } from '../store/schema.ts';
import type { ConversationSummary } from '../summaries.ts';
import {
  unpackError,
  unpackPayload,
  type Joined,
  type PackedEvent,
  type PackedOutgoing,
  type Positions,
  type Report,
} from './wire.ts';

export class View {
  state: ClientState = 'stopped';
  /** When the device was told to stay away last, as far as this tab has heard (see `Report`). */
  lastKick = 0;
  totalUnread = 0;
  readonly #events: Emitter<ClientEvents>;
  readonly #actions: OutgoingActions;
  #identity: Identity | undefined;
  readonly #shown = new Map<string, number>();
  readonly #summaries = new Map<string, ConversationSummary>();
  readonly #outgoing = new Map<string, OutgoingMessage>();
  /** Given to this tab, and not stored yet: a holder that does not know them will be asked to. */
  readonly #unstored = new Set<string>();
  /** What this tab keeps of an event; all others it only tells. */
  readonly #notes: { readonly [Name in keyof ClientEvents]?: (payload: ClientEvents[Name]) => void } = {
    conversationChanged: ({ conversationId, conversation }) => {
      this.#summaries.set(conversationId, conversation);
    },
    reset: ({ reason }) => {
      if (reason === 'foreign') this.#startOver();
    },
  };

  constructor(events: Emitter<ClientEvents>, actions: OutgoingActions) {
    this.#events = events;
    this.#actions = actions;
  }

  get userId(): string {
    return this.#identity?.userId ?? '';
  }

  get deviceId(): string {
    return this.#identity?.deviceId ?? '';
  }

  /** Absent before the first holder: what was there before this tab is drawn, not told. */
  get positions(): Positions | undefined {
    return this.#identity && new Map(this.#shown);
  }

  get outbox(): OutgoingMessage[] {
    return [...this.#outgoing.values()].toSorted((a, b) => a.createdAt - b.createdAt);
  }

  isWaiting(clientMsgId: string): boolean {
    return this.#outgoing.has(clientMsgId);
  }

  summary(conversationId: string): ConversationSummary | undefined {
    return this.#summaries.get(conversationId);
  }

  /** Begins to follow a holder; tells what was missed since the last one. */
  join({ userId, deviceId, state, lastKick, totalUnread, ...joined }: Joined): void {
    const isFirst = !this.#identity;
    this.#identity = { userId, deviceId };
    this.state = state;
    this.lastKick = Math.max(this.lastKick, lastKick);
    this.totalUnread = totalUnread;
    for (const conversation of joined.conversations) {
      const { conversationId, lastMessage } = conversation;
      const headSeq = lastMessage?.seq ?? 0;
      // First seen now; or a conversation anew, after the server was set up anew.
      if (isFirst || headSeq < (this.#shown.get(conversationId) ?? 0))
        this.#shown.set(conversationId, headSeq);
    }
    for (const message of joined.missed) this.#show(message, 'catch-up');
    for (const conversation of joined.conversations) {
      if (isFirst) this.#summaries.set(conversation.conversationId, conversation);
      else this.#compare(conversation);
    }
    const waiting = new Set(joined.outbox.map(({ clientMsgId }) => clientMsgId));
    for (const { clientMsgId } of this.outbox) {
      if (!waiting.has(clientMsgId) && !this.#unstored.has(clientMsgId)) this.#forget(clientMsgId);
    }
    for (const packed of joined.outbox) this.#noteState(packed);
  }

  take({ event, state, lastKick, totalUnread }: Omit<Report, 'kind' | 'holder'>): void {
    this.state = state;
    this.lastKick = Math.max(this.lastKick, lastKick);
    this.totalUnread = totalUnread;
    this.#takeEvent(event);
  }

  /** The local echo of what was given to this tab; `stored` by the holder. */
  add(draft: Draft & { readonly createdAt: number }, stored: Promise<void>): OutgoingMessage {
    const { clientMsgId } = draft;
    const message = new OutgoingMessage(
      { ...draft, order: 0, state: 'queued' },
      this.userId,
      stored,
      this.#actions,
    );
    this.#outgoing.set(clientMsgId, message);
    this.#unstored.add(clientMsgId);
    stored.then(
      () => this.#unstored.delete(clientMsgId),
      (error: ImError) => {
        this.#unstored.delete(clientMsgId);
        if (this.state !== 'closed') this.#fail(message, error);
      },
    );
    this.#emitState(message);
    return message;
  }

  /** Nobody waits any more. */
  end(error: ImError): void {
    this.state = 'closed';
    for (const message of this.#outgoing.values()) message.abandon(error);
  }

  #takeEvent(event: PackedEvent): void {
    if (event.name === 'hello' || event.name === 'cleared') return;
    if (event.name === 'discarded') return this.#forget(event.clientMsgId);
    if (event.name === 'sendState') return this.#noteState(event.payload as PackedOutgoing);
    if (event.name === 'message') {
      const { message, delivery } = unpackPayload('message', event.payload);
      return this.#show(message, delivery);
    }
    this.#tell(event.name, unpackPayload(event.name, event.payload));
  }

  #tell<Name extends keyof ClientEvents>(name: Name, payload: ClientEvents[Name]): void {
    const note: ((payload: ClientEvents[Name]) => void) | undefined = this.#notes[name];
    note?.(payload);
    this.#events.emit(name, payload);
  }

  #show(message: Message, delivery: Delivery): void {
    const { conversationId, clientMsgId, seq, from } = message;
    if (seq <= (this.#shown.get(conversationId) ?? 0)) return;
    this.#shown.set(conversationId, seq);
    const outgoing = from === this.userId ? this.#outgoing.get(clientMsgId) : undefined;
    if (outgoing?.conversationId === conversationId && outgoing.state !== 'rejected') {
      this.#settle(outgoing, message);
    }
    this.#events.emit('message', { conversationId, message, delivery });
  }

  #compare(conversation: ConversationSummary): void {
    const { conversationId, unread } = conversation;
    const before = this.#summaries.get(conversationId);
    const wasUnread = before?.unread ?? 0;
    this.#summaries.set(conversationId, conversation);
    if (JSON.stringify(before) === JSON.stringify(conversation)) return;
    this.#events.emit('conversationChanged', { conversationId, conversation });
    if (wasUnread === unread) return;
    this.#events.emit('unreadChanged', { conversationId, unread, total: this.totalUnread });
  }

  #noteState(packed: PackedOutgoing): void {
    const known = this.#outgoing.get(packed.clientMsgId);
    if (packed.state === 'sent') {
      if (known && packed.message) this.#settle(known, packed.message);
      return;
    }
    if (known?.state === packed.state) return;
    const message = known ?? this.#create(packed);
    this.#outgoing.set(packed.clientMsgId, message);
    if (known) message.become(packed.state, packed.error && { error: unpackError(packed.error) });
    this.#emitState(message);
  }

  #settle(outgoing: OutgoingMessage, message: Message): void {
    this.#outgoing.delete(outgoing.clientMsgId);
    outgoing.become('sent', { message });
    this.#emitState(outgoing);
  }

  #create(packed: PackedOutgoing): OutgoingMessage {
    const { clientMsgId, conversationId, type, body, silent, createdAt, from, state, error } = packed;
    const isOver = state === 'failed' || state === 'rejected';
    const record = {
      clientMsgId,
      conversationId,
      type,
      body,
      silent,
      ...referencesOf(packed),
      createdAt,
      order: 0,
      to: conversationId,
      state: isOver ? state : ('queued' as const),
      ...(isOver && error && { error }),
    };
    const message = new OutgoingMessage(record, from, Promise.resolve(), this.#actions);
    if (state === 'sending') message.become(state);
    return message;
  }

  #fail(message: OutgoingMessage, error: ImError): void {
    if (message.state !== 'queued') return;
    message.become('failed', { error });
    this.#emitState(message);
  }

  #emitState(message: OutgoingMessage): void {
    const { conversationId, state } = message;
    this.#events.emit('sendState', { conversationId, message, state });
  }

  #forget(clientMsgId: string): void {
    this.#outgoing.get(clientMsgId)?.abandon(new ImError('closed', 'The message was discarded'));
    this.#outgoing.delete(clientMsgId);
  }

  #startOver(): void {
    this.#shown.clear();
    this.#summaries.clear();
  }
}
