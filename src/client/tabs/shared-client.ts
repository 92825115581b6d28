// One device in all tabs of an app: one of them holds the connection, and the others hear and ask through it.
import type { ClientEvents, MessageEvent } from '../client-events.ts';
import type { ConversationSummary } from '../conversation.ts';
import { standardEnvironment, type Environment } from '../environment.ts';
import { ImError } from '../errors.ts';
import { Emitter, type Listener } from '../events.ts';
import type { ImClient, PendingSummary } from '../im-client.ts';
import type { ClientOptions } from '../options.ts';
import { compose, resolveTarget, toDraft } from '../outbox/compose.ts';
import type { Content, OutgoingMessage, SendOptions } from '../outbox/outgoing.ts';
import type { ClientState } from '../session.ts';
import type { Storage } from '../storage/storage.ts';
import { tabPlatform, type TabPlatform } from './platform.ts';
import { SharedConversation } from './shared-conversation.ts';
import { Tab, type Role } from './tab.ts';
import { View } from './view.ts';

export interface SharedOptions extends Omit<ClientOptions, 'storage'> {
  /** The same in all tabs of one user, and another for another user. */
  readonly name: string;
  /** Asked for in the tab that holds the connection: `() => IndexedDbStorage.open('im-alice')`. */
  readonly storage: () => Promise<Storage>;
  /** Hears of it when this tab gets the connection, and when it loses it. */
  readonly onRole?: (role: Role) => void;
}

const clientClosed = () => new ImError('closed', 'The client was closed');

/** What an `ImClient` does, in any tab. */
export class SharedClient implements Omit<ImClient, 'conversation'> {
  private readonly environment: Environment;
  private readonly emitter = new Emitter<ClientEvents>();
  private readonly view: View;
  private readonly tab: Tab;

  /**
   * Resolves with what is stored at hand, and connects by itself where no other tab is connected. Rejects with ImError
   * as `ImClient.open` does, and `bad_request` where there are no Web Locks or no BroadcastChannel.
   */
  static async open(options: SharedOptions): Promise<SharedClient> {
    const client = new SharedClient(options, tabPlatform());
    try {
      await client.tab.ready;
      return client;
    } catch (error) {
      await client.close();
      throw error;
    }
  }

  private constructor(options: SharedOptions, platform: TabPlatform) {
    const { name, storage, on = {}, onRole = () => {}, ...rest } = options;
    const { emitter } = this;
    this.environment = { ...standardEnvironment, ...options.environment };
    for (const [event, listener] of Object.entries(on)) {
      emitter.on(event as keyof ClientEvents, listener as Listener<unknown>);
    }
    this.view = new View(emitter, {
      retry: ({ clientMsgId }) => this.tab.calls.ask('retry', clientMsgId),
      discard: ({ clientMsgId }) => this.tab.calls.ask('discard', clientMsgId),
    });
    this.tab = new Tab({
      name,
      platform,
      environment: this.environment,
      view: this.view,
      clientOptions: async () => ({ ...rest, storage: await storage() }),
      onRole,
      onError: (error) => emitter.emit('error', { error }),
      onCleared: () => void this.close(),
    });
  }

  /** Whether this tab holds the connection, or another. */
  get role(): Role {
    return this.tab.role;
  }

  get userId(): string {
    return this.view.userId;
  }

  get deviceId(): string {
    return this.view.deviceId;
  }

  /** Of the connection, whichever tab holds it; `closed`, if this tab was closed. */
  get state(): ClientState {
    return this.view.state;
  }

  get totalUnread(): number {
    return this.view.totalUnread;
  }

  /** Gets the connection into this tab; resolves when it holds it. Rejects with ImError `closed`. */
  takeOver(): Promise<void> {
    return this.tab.takeOver();
  }

  /** Resolves at the next sync to the head; after `kicked` it takes the place back. Rejects as `ImClient.start` does. */
  start(): Promise<void> {
    return this.tab.calls.ask('start');
  }

  /** Leaves this tab; another one takes the connection over. */
  async close(): Promise<void> {
    this.view.end(clientClosed());
    await this.tab.close(clientClosed());
    this.emitter.end();
  }

  /** For logging out: removes all that is stored of this device, and closes every tab. Rejects with ImError `storage`. */
  async clear(): Promise<void> {
    this.checkOpen();
    try {
      await this.tab.clear();
    } finally {
      await this.close();
    }
  }

  /** @throws ImError `bad_request`, `too_large` (body over 16 KB as JSON), `closed` */
  send(to: string, content: Content, options: SendOptions = {}): OutgoingMessage {
    this.checkOpen();
    const { userId, view, tab, environment } = this;
    const draft = toDraft(to, content, { ...options, userId, newId: environment.newId });
    if (view.isWaiting(draft.clientMsgId)) {
      throw new ImError('bad_request', `clientMsgId: ${draft.clientMsgId} is in the outbox already`);
    }
    return view.add({ ...draft, createdAt: environment.now() }, tab.calls.ask('send', draft));
  }

  async sendEphemeral(to: string, content: Content): Promise<void> {
    resolveTarget(to, this.userId);
    await this.tab.calls.ask('sendEphemeral', to, compose(content));
  }

  /** Everything that is not sent yet, from whichever tab, in the order in which it was given. */
  outbox(): readonly OutgoingMessage[] {
    return this.view.outbox;
  }

  /** `to`: a conversation id, or `user:<userId>`. */
  conversation(to: string): SharedConversation {
    return new SharedConversation(resolveTarget(to, this.userId), {
      calls: this.tab.calls,
      events: this.emitter,
      view: this.view,
      send: (target, content, options) => this.send(target, content, options),
    });
  }

  conversations(): Promise<ConversationSummary[]> {
    return this.tab.calls.ask('conversations');
  }

  pending(): Promise<PendingSummary> {
    return this.tab.calls.ask('pending');
  }

  sync(): Promise<void> {
    return this.tab.calls.ask('sync');
  }

  /** Returns how to unsubscribe. */
  on<Name extends keyof ClientEvents>(name: Name, listener: Listener<ClientEvents[Name]>): () => void {
    return this.emitter.on(name, listener);
  }

  events<Name extends keyof ClientEvents>(
    name: Name,
    signal?: AbortSignal,
  ): AsyncIterableIterator<ClientEvents[Name]> {
    return this.emitter.stream(name, signal);
  }

  messages(signal?: AbortSignal): AsyncIterableIterator<MessageEvent> {
    return this.events('message', signal);
  }

  /** @throws ImError `closed` */
  private checkOpen(): void {
    if (this.state === 'closed') throw clientClosed();
  }
}
