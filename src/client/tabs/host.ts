// The client in the tab that holds the connection: tells all tabs what happens, and does what they ask.
import type { Message } from '../../protocol/messages.ts';
import type { ClientEvents } from '../client-events.ts';
import { ImError, toImError } from '../errors.ts';
import { ImClient } from '../im-client.ts';
import type { ClientOptions } from '../options.ts';
import { OutgoingMessage } from '../outbox/outgoing.ts';
import {
  packError,
  packOutgoing,
  packPayload,
  type Actions,
  type Call,
  type Joined,
  type PackedEvent,
  type Positions,
  type Report,
  type Result,
} from './wire.ts';

const PAGE_SIZE = 100;

const eventNames = Object.keys({
  connecting: true,
  connected: true,
  syncing: true,
  synced: true,
  disconnected: true,
  kicked: true,
  tokenExpired: true,
  message: true,
  ephemeral: true,
  conversationChanged: true,
  unreadChanged: true,
  sendState: true,
  reset: true,
  error: true,
} satisfies Record<keyof ClientEvents, true>) as (keyof ClientEvents)[];

export class Host {
  readonly id: string;
  /** Resolves when it stepped down: the tab to keep the place for, if there is one. */
  readonly ended: Promise<string | undefined>;
  private readonly client: ImClient;
  private readonly publish: (report: Report) => void;
  private leaving = false;
  /** What it told while it was opened. */
  private early: readonly PackedEvent[] = [];
  private end: (heir: string | undefined) => void = () => {};

  /** Rejects with ImError as `ImClient.open` does. */
  static async open(id: string, options: ClientOptions, publish: (report: Report) => void): Promise<Host> {
    const early: PackedEvent[] = [];
    let tell = (event: PackedEvent): void => void early.push(event);
    const listeners = eventNames.map((name) => {
      const listener = (payload: ClientEvents[typeof name]) =>
        tell({ name, payload: packPayload(name, payload) });
      return [name, listener] as const;
    });
    const on = Object.fromEntries(listeners) as NonNullable<ClientOptions['on']>;
    const host = new Host(id, await ImClient.open({ ...options, on }), publish);
    tell = (event) => host.tell(event);
    host.early = early;
    return host;
  }

  private constructor(id: string, client: ImClient, publish: (report: Report) => void) {
    this.id = id;
    this.client = client;
    this.publish = publish;
    this.ended = new Promise((resolve) => (this.end = resolve));
  }

  /** From now on tabs may ask. */
  announce(): void {
    for (const event of [{ name: 'hello' } as const, ...this.early]) this.tell(event);
    this.early = [];
  }

  private tell(event: PackedEvent): void {
    if (this.leaving) return;
    const { state, totalUnread } = this.client;
    this.publish({ kind: 'report', holder: this.id, state, totalUnread, event });
  }

  start(): void {
    // What goes wrong is told by events.
    this.client.start().catch(() => {});
  }

  async leave(): Promise<void> {
    this.leaving = true;
    await this.client.close();
    this.end(undefined);
  }

  /** Nothing when this tab steps down meanwhile: the caller asks the next holder. */
  async answer({ action, takes }: Call): Promise<Result | undefined> {
    if (this.leaving) return undefined;
    try {
      const perform = this.actions[action] as (...takes: readonly unknown[]) => Promise<unknown>;
      const value = await perform(...takes);
      return this.leaving && action !== 'yieldTo' && action !== 'clear' ? undefined : { value };
    } catch (error) {
      return this.leaving && action !== 'clear' ? undefined : { error: packError(toImError(error)) };
    }
  }

  private readonly actions: Actions = {
    join: (positions) => this.join(positions),
    start: () => this.client.start(),
    sync: () => this.client.sync(),
    send: async ({ to, clientMsgId, type, body, silent }) => {
      // Asked for once more: an earlier holder may have stored it.
      const known = this.client.outbox().find((message) => message.clientMsgId === clientMsgId);
      await (known ?? this.client.send(to, { type, body } as never, { clientMsgId, silent })).stored;
    },
    sendEphemeral: (to, content) => this.client.sendEphemeral(to, content),
    retry: (clientMsgId) => this.unsent(clientMsgId).retry(),
    discard: async (clientMsgId) => {
      await this.unsent(clientMsgId).discard();
      this.tell({ name: 'discarded', clientMsgId });
    },
    conversations: () => this.client.conversations(),
    messages: async (conversationId, query) => {
      const messages = await this.client.conversation(conversationId).messages(query);
      return messages.map((message) =>
        message instanceof OutgoingMessage ? packOutgoing(message) : message,
      );
    },
    history: (conversationId, query) => this.client.conversation(conversationId).history(query),
    pending: () => this.client.pending(),
    yieldTo: async (tabId) => {
      this.leaving = true;
      await this.client.close();
      this.end(tabId);
    },
    clear: async () => {
      this.tell({ name: 'cleared' });
      this.leaving = true;
      await this.client.clear();
    },
  };

  private async join(positions: Positions | undefined): Promise<Joined> {
    const { client } = this;
    const { userId, deviceId, state, totalUnread } = client;
    const outbox = client.outbox().map(packOutgoing);
    const conversations = await client.conversations();
    const missed: Message[] = [];
    if (positions) {
      const pages = conversations.map(({ conversationId, lastMessage }) =>
        this.missedIn(conversationId, positions.get(conversationId) ?? 0, lastMessage?.seq ?? 0),
      );
      missed.push(...(await Promise.all(pages)).flat());
    }
    return { userId, deviceId, state, totalUnread, conversations, outbox, missed };
  }

  private async missedIn(conversationId: string, after: number, headSeq: number): Promise<Message[]> {
    if (after >= headSeq) return [];
    const conversation = this.client.conversation(conversationId);
    const messages = await conversation
      .messages({ after, limit: PAGE_SIZE })
      // Not kept here any more, and the server is out of reach: what is kept.
      .catch(() => conversation.messages({ before: headSeq + 1, limit: PAGE_SIZE }));
    const lastSeq = messages.at(-1)?.seq ?? headSeq;
    return [...messages, ...(await this.missedIn(conversationId, lastSeq, headSeq))];
  }

  private unsent(clientMsgId: string): OutgoingMessage {
    const message = this.client.outbox().find((each) => each.clientMsgId === clientMsgId);
    if (message) return message;
    throw new ImError('bad_request', 'It is not in the outbox (any more)');
  }
}
