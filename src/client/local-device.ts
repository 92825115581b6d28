// The device in this page (or process): its local data and its connection.
import type { ClientEvents } from './client-events.ts';
import { createTokenSource } from './connection/token.ts';
import { checkOpen, type Device } from './device.ts';
import { standardEnvironment, standardWebSocket, type Environment } from './environment.ts';
import { ImError } from './errors.ts';
import { Emitter } from './events.ts';
import type { ExtraParts } from './extra-operations.ts';
import { operations, type Ask, type DeviceParts, type OperationName } from './operations.ts';
import type { ClientOptions } from './options.ts';
import type { Draft } from './outbox/outbox.ts';
import type { OutgoingMessage } from './outbox/outgoing.ts';
import { Session, type ClientState } from './session.ts';
import { MemoryStorage } from './storage/memory.ts';
import type { Storage } from './storage/storage.ts';
import { Store } from './store/store.ts';
import { summarize, type ConversationSummary } from './summaries.ts';

const KEEP_MESSAGES = 1_000;

export class LocalDevice implements Device {
  readonly environment: Environment;
  readonly events: Emitter<ClientEvents>;
  readonly #parts: DeviceParts;

  /** Opens the local data; rejects with ImError, and closes the storage. */
  static async open(
    options: ClientOptions,
    events: Emitter<ClientEvents> = new Emitter(),
  ): Promise<LocalDevice> {
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
      events.onEach(options.on);
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
      return new LocalDevice({ environment, events, store, session });
    } catch (error) {
      await storage.close();
      throw error;
    }
  }

  private constructor(parts: DeviceParts) {
    this.environment = parts.environment;
    this.events = parts.events;
    this.#parts = parts;
  }

  get userId(): string {
    return this.#parts.store.meta.userId;
  }

  get deviceId(): string {
    return this.#parts.store.meta.deviceId;
  }

  get state(): ClientState {
    return this.#parts.session.state;
  }

  get totalUnread(): number {
    return this.#parts.session.changes.totalUnread;
  }

  get outbox(): readonly OutgoingMessage[] {
    return this.#parts.session.outbox.messages;
  }

  summary(conversationId: string): ConversationSummary {
    return summarize(this.#parts.store.conversation(conversationId), this.userId);
  }

  add(draft: Draft): OutgoingMessage {
    return this.#parts.session.outbox.add(draft);
  }

  readonly ask = (async (name, ...takes) => {
    checkOpen(this);
    const parts = this.#parts;
    try {
      if (name in operations) return await perform(operations, name, parts, takes);
      const extras = await parts.session.loadExtras();
      checkOpen(this);
      return await perform(extras.operations, name, { ...parts, extras }, takes);
    } catch (error) {
      // What the end of the client met on its way says so.
      checkOpen(this);
      throw error;
    }
  }) as Ask;

  async close(): Promise<void> {
    await this.#parts.session.close();
    this.events.end();
  }

  async clear(): Promise<void> {
    try {
      await this.#parts.session.clear();
    } finally {
      this.events.end();
    }
  }
}

function perform(
  among: object,
  name: OperationName,
  parts: DeviceParts | ExtraParts,
  takes: readonly unknown[],
) {
  const all = among as Record<OperationName, (...takes: readonly unknown[]) => Promise<unknown>>;
  return all[name](parts, ...takes);
}

/** @throws ImError `bad_request` */
function parseUrl(text: string): URL {
  // `localhost:4000` parses too: its scheme is `localhost`.
  if (/^wss?:\/\//i.test(text) && URL.canParse(text)) return new URL(text);
  throw new ImError('bad_request', `url: "${text}" is not wss://HOST/STAGE`);
}
