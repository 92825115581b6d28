// The device as a tab knows it: what it shows comes from its view, and what it is asked goes to the holder.
import type { ClientEvents } from '../client-events.ts';
import type { Device } from '../device.ts';
import { standardEnvironment, type Environment } from '../environment.ts';
import { clientClosed, ImError } from '../errors.ts';
import { Emitter } from '../events.ts';
import type { Ask } from '../operations.ts';
import type { ClientOptions } from '../options.ts';
import type { Draft } from '../outbox/outbox.ts';
import type { OutgoingMessage } from '../outbox/outgoing.ts';
import type { ClientState } from '../session.ts';
import type { Storage } from '../storage/storage.ts';
import { summarize, type ConversationSummary } from '../summaries.ts';
import type { TabPlatform } from './platform.ts';
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

export class SharedDevice implements Device {
  readonly environment: Environment;
  readonly events = new Emitter<ClientEvents>();
  readonly tab: Tab;
  readonly #view: View;

  constructor(options: SharedOptions, platform: TabPlatform) {
    const { name, storage, on, onRole = () => {}, ...rest } = options;
    const { events } = this;
    this.environment = { ...standardEnvironment, ...options.environment };
    events.onEach(on);
    this.#view = new View(events, {
      retry: ({ clientMsgId }) => this.tab.calls.ask('retry', clientMsgId),
      discard: ({ clientMsgId }) => this.tab.calls.ask('discard', clientMsgId),
    });
    this.tab = new Tab({
      name,
      platform,
      environment: this.environment,
      view: this.#view,
      clientOptions: async () => ({ ...rest, storage: await storage() }),
      onRole,
      onError: (error) => events.emit('error', { error }),
      onCleared: () => void this.close(),
    });
  }

  get userId(): string {
    return this.#view.userId;
  }

  get deviceId(): string {
    return this.#view.deviceId;
  }

  get state(): ClientState {
    return this.#view.state;
  }

  get totalUnread(): number {
    return this.#view.totalUnread;
  }

  get outbox(): readonly OutgoingMessage[] {
    return this.#view.outbox;
  }

  summary(conversationId: string): ConversationSummary {
    const view = this.#view;
    return view.summary(conversationId) ?? summarize({ conversationId }, view.userId);
  }

  add(draft: Draft): OutgoingMessage {
    const { tab, environment } = this;
    const view = this.#view;
    if (view.isWaiting(draft.clientMsgId)) {
      throw new ImError('bad_request', `clientMsgId: ${draft.clientMsgId} is in the outbox already`);
    }
    return view.add({ ...draft, createdAt: environment.now() }, tab.calls.ask('send', draft));
  }

  readonly ask = ((name, ...takes) => this.tab.calls.ask(name, ...(takes as never))) as Ask;

  /** Leaves this tab; another one takes the connection over. */
  async close(): Promise<void> {
    this.#view.end(clientClosed());
    await this.tab.close(clientClosed());
    this.events.end();
  }

  async clear(): Promise<void> {
    try {
      await this.tab.clear();
    } finally {
      await this.close();
    }
  }
}
