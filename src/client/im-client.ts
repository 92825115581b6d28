// The client, as an app holds it: one user's device, with its local data and its connection.
import type { ClientEvents, MessageEvent } from './client-events.ts';
import { compose, resolveTarget, toDraft } from './outbox/compose.ts';
import type { Request, RequestFields } from './connection/connection.ts';
import { Conversation, summarize, type ConversationSummary } from './conversation.ts';
import { standardEnvironment, standardWebSocket, type Environment } from './environment.ts';
import { ImError } from './errors.ts';
import { Emitter, type Listener } from './events.ts';
import type { ClientOptions, ConnectOptions } from './options.ts';
import type { Content, OutgoingMessage, SendOptions } from './outbox/outgoing.ts';
import { Session, type ClientState } from './session.ts';
import { Store } from './store/store.ts';
import { MemoryStorage } from './storage/memory.ts';
import type { Storage } from './storage/storage.ts';
import { createTokenSource } from './connection/token.ts';

export type { ClientOptions, ConnectOptions } from './options.ts';

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

const CONNECT_TIMEOUT_MS = 30_000;
const KEEP_MESSAGES = 1_000;

export class ImClient {
  readonly userId: string;
  readonly deviceId: string;
  private readonly environment: Environment;
  private readonly store: Store;
  private readonly emitter: Emitter<ClientEvents>;
  private readonly session: Session;

  /**
   * Opens the local data, connects, and resolves when this device has everything. Rejects with ImError: `refused`
   * (`status` 400 or 403, where the platform tells it), `unauthorized` (three tokens were refused, or it is no JWT),
   * `wrong_user`, `storage`, `timeout` (to go on trying instead, use `open` and `start`).
   */
  static async connect(options: ConnectOptions): Promise<ImClient> {
    const client = await ImClient.open(options);
    const { timeoutMs = CONNECT_TIMEOUT_MS } = options;
    const { promise: late, cancel } = client.timeLimit(timeoutMs);
    try {
      await Promise.race([client.start(), late]);
      return client;
    } catch (error) {
      await client.close();
      throw error;
    } finally {
      cancel();
    }
  }

  /**
   * Opens the local data only: conversations and messages can be read, and messages sent, offline. `start()` connects.
   * Asks for a token if there are no data yet, to learn whose they will be.
   */
  static async open(options: ClientOptions): Promise<ImClient> {
    const { deviceId, keepMessages = KEEP_MESSAGES } = options;
    const storage: Storage = options.storage ?? new MemoryStorage();
    const environment = { ...standardEnvironment, ...options.environment };
    const tokens = createTokenSource(options.token, environment);
    try {
      const url = parseUrl(options.url);
      const store = await Store.open(storage, async () => {
        const { userId } = await tokens.first();
        return { userId, deviceId: deviceId ?? environment.newId() };
      });
      if (deviceId !== undefined && deviceId !== store.meta.deviceId) {
        throw new ImError('storage', `The storage belongs to the device ${store.meta.deviceId}`);
      }
      url.searchParams.set('deviceId', store.meta.deviceId);
      url.searchParams.set('platform', options.platform);
      const webSocket = options.webSocket ?? standardWebSocket();
      const events = new Emitter<ClientEvents>();
      for (const [name, listener] of Object.entries(options.on ?? {})) {
        events.on(name as keyof ClientEvents, listener as Listener<unknown>);
      }
      if (storage.damage) events.emit('error', { error: storage.damage });
      const session = new Session({
        url: url.href,
        tokens,
        webSocket,
        environment,
        store,
        events,
        keepMessages,
      });
      return new ImClient(environment, store, events, session);
    } catch (error) {
      await storage.close();
      throw error;
    }
  }

  private constructor(
    environment: Environment,
    store: Store,
    emitter: Emitter<ClientEvents>,
    session: Session,
  ) {
    this.environment = environment;
    this.store = store;
    this.emitter = emitter;
    this.session = session;
    this.userId = store.meta.userId;
    this.deviceId = store.meta.deviceId;
  }

  get state(): ClientState {
    return this.session.state;
  }

  /** Messages of others that were not read, as far as this device knows, over all conversations. */
  get totalUnread(): number {
    return this.session.totalUnread;
  }

  /**
   * Connects, and reconnects from then on; resolves at the first sync to the head. After `kicked` it is the app's to
   * call it again. Rejects with ImError as `connect` does, `kicked`, or `closed`; never for want of a network.
   */
  start(): Promise<void> {
    return this.session.start();
  }

  /** Disconnects and closes the storage. What is not sent goes out when the client is opened again. */
  async close(): Promise<void> {
    await this.session.close();
    this.emitter.end();
  }

  /**
   * For logging out: disconnects, and removes all that is stored of this device, also what is not sent yet. Rejects
   * with ImError `storage` (some of it may be there: open and clear it again) or `closed`.
   */
  async clear(): Promise<void> {
    this.checkOpen();
    try {
      await this.session.clear();
    } finally {
      this.emitter.end();
    }
  }

  /**
   * Puts a message into the outbox; it goes out by itself. `to` is `user:<userId>` or a conversation id. Returns its
   * local echo at once; its states come as `sendState`, the stored message as `sent`.
   * @throws ImError `bad_request`, `too_large` (body over 16 KB as JSON), `closed`
   */
  send(to: string, content: Content, options: SendOptions = {}): OutgoingMessage {
    this.checkOpen();
    const { userId, environment } = this;
    return this.session.outbox.add(toDraft(to, content, { ...options, userId, newId: environment.newId }));
  }

  /** Shows a message to whom is connected now. It is not stored, not numbered and not tried again. Rejects with ImError. */
  async sendEphemeral(to: string, content: Content): Promise<void> {
    const clientMsgId = this.environment.newId();
    resolveTarget(to, this.userId);
    const fields = { to, clientMsgId, ephemeral: true, ...compose(content) };
    await this.unlessClosed(() => this.session.link.request('send', fields as RequestFields<'send'>));
  }

  /** Everything that is not sent yet, in the order in which it was given; also from before a restart. */
  outbox(): readonly OutgoingMessage[] {
    return this.session.outbox.messages;
  }

  /** `to`: a conversation id, or `user:<userId>`. */
  conversation(to: string): Conversation {
    return new Conversation(resolveTarget(to, this.userId), {
      store: this.store,
      events: this.emitter,
      ask: this.ask,
      outbox: () => this.outbox(),
      send: (to, content, options) => this.send(to, content, options),
    });
  }

  /** The conversations that this device knows or is to write to, the most recent first; from local data. */
  async conversations(): Promise<ConversationSummary[]> {
    const { store, userId } = this;
    const writtenAt = new Map(
      this.outbox().map(({ conversationId, createdAt }) => [conversationId, createdAt]),
    );
    const known = [...store.conversations].map(({ conversationId }) => conversationId);
    const recency = ({ conversationId, lastMessage }: ConversationSummary) =>
      Math.max(lastMessage?.serverTime ?? 0, writtenAt.get(conversationId) ?? 0);
    return [...new Set([...known, ...writtenAt.keys()])]
      .map((conversationId) => summarize(store.conversation(conversationId), userId))
      .toSorted((a, b) => recency(b) - recency(a));
  }

  /** Asks the server what waits for this device, before or without pulling it, and takes its unread counts over. */
  async pending(): Promise<PendingSummary> {
    const position = this.store.meta.position;
    const answer = await this.ask('pending', position === null ? {} : { after: position });
    if ('reset' in answer) return { total: 0, conversations: [] };
    await this.session.inbox.correctUnread(
      answer.conversations.map(({ conversationId, unread, lastSeq: seq }) => ({
        conversationId,
        unread,
        seq,
      })),
    );
    return { total: answer.total, conversations: answer.conversations };
  }

  /**
   * Asks the server for what this device may have missed (pushes can be lost; a heartbeat notices within 4.5 minutes).
   * Resolves at the head; offline, when the client is there again.
   */
  sync(): Promise<void> {
    return this.unlessClosed(() => this.session.sync.refresh());
  }

  /** Returns how to unsubscribe. */
  on<Name extends keyof ClientEvents>(name: Name, listener: Listener<ClientEvents[Name]>): () => void {
    return this.emitter.on(name, listener);
  }

  /**
   * Events of one name as an async iterator, from now on, until the signal, a `break` or `close()`. What is not taken
   * yet waits in memory.
   */
  events<Name extends keyof ClientEvents>(
    name: Name,
    signal?: AbortSignal,
  ): AsyncIterableIterator<ClientEvents[Name]> {
    return this.emitter.stream(name, signal);
  }

  /** `events('message')` */
  messages(signal?: AbortSignal): AsyncIterableIterator<MessageEvent> {
    return this.events('message', signal);
  }

  /** @throws ImError `closed` */
  private checkOpen(): void {
    if (this.state === 'closed') throw new ImError('closed', 'The client was closed');
  }

  /** What the end of the client met on its way says so. */
  private async unlessClosed<T>(ask: () => Promise<T>): Promise<T> {
    this.checkOpen();
    try {
      return await ask();
    } catch (error) {
      this.checkOpen();
      throw error;
    }
  }

  private readonly ask: Request = (action, fields) =>
    this.unlessClosed(() => this.session.link.ask(action, fields));

  private timeLimit(delayMs: number): { promise: Promise<never>; cancel: () => void } {
    let cancel = () => {};
    const promise = new Promise<never>((_, reject) => {
      const expire = () =>
        reject(new ImError('timeout', 'The server was not reached in time', { retryable: true }));
      cancel = this.environment.setTimer(expire, delayMs);
    });
    return { promise, cancel };
  }
}

/** @throws ImError `bad_request` */
function parseUrl(text: string): URL {
  // `localhost:4000` parses too: its scheme is `localhost`.
  if (/^wss?:\/\//i.test(text) && URL.canParse(text)) return new URL(text);
  throw new ImError('bad_request', `url: "${text}" is not wss://HOST/STAGE`);
}
