// The parts of a client, wired together: what one of them learns, and which others have to hear of it.
import { Acks } from './sync/acks.ts';
import type { ClientEvents } from './client-events.ts';
import { Changes } from './changes.ts';
import type { CancelTimer, Environment, WebSocketConstructor } from './environment.ts';
import { clientClosed, ImError, toImError } from './errors.ts';
import type { Emitter } from './events.ts';
import type { Extras } from './extras.ts';
import type { KickedPush, ServerPush } from './frames.ts';
import { Inbox } from './sync/inbox.ts';
import type { Request } from './connection/connection.ts';
import { Link } from './connection/link.ts';
import { loaded } from './loading.ts';
import { Reads } from './sync/reads.ts';
import { Outbox } from './outbox/outbox.ts';
import { needsExtras } from './needs.ts';
import { PushWish } from './push-wish.ts';
import type { PushTarget } from './store/schema.ts';
import type { Store } from './store/store.ts';
import { Sync } from './sync/sync.ts';
import type { TokenSource } from './connection/token.ts';
import { Waiters } from './waiters.ts';

/** What is needed and did not load. */
const LOAD_AGAIN_MS = 10_000;

export interface SessionOptions {
  /** With its query. */
  readonly url: string;
  readonly tokens: TokenSource;
  readonly webSocket: WebSocketConstructor;
  readonly environment: Environment;
  readonly store: Store;
  readonly events: Emitter<ClientEvents>;
  readonly keepMessages: number;
}

/** What its parts have in common. */
interface Shared extends Pick<SessionOptions, 'environment' | 'store' | 'events'> {
  readonly request: Request;
  readonly onError: (error: unknown) => void;
}

export type ClientState =
  | 'stopped'
  | 'connecting'
  | 'connected'
  | 'syncing'
  | 'synced'
  | 'disconnected'
  | 'kicked'
  | 'closed';

export class Session {
  readonly link: Link;
  readonly outbox: Outbox;
  readonly sync: Sync;
  readonly inbox: Inbox;
  state: ClientState = 'stopped';
  readonly reads: Reads;
  readonly changes: Changes;
  #extras: Extras | undefined;
  #loading: Promise<Extras> | undefined;
  #cancelLoading: CancelTimer = () => {};
  readonly #acks: Acks;
  readonly #shared: Shared;
  /** Of this connection, nothing was asked yet but what the mailbox has. */
  #isNew = false;
  readonly #wish = new PushWish();
  readonly #startWaiters = new Waiters();

  constructor(options: SessionOptions) {
    const { environment, store, events } = options;
    this.changes = new Changes(store, events);
    this.link = this.#createLink(options);
    const { request } = this.link;
    this.#shared = { store, request, environment, events, onError: this.#onError };
    this.#acks = new Acks({ ...this.#shared, send: (cursor) => this.link.sendAck(cursor) });
    this.inbox = this.#createInbox(options.keepMessages);
    const shared = { ...this.#shared, inbox: this.inbox, acks: this.#acks };
    this.outbox = new Outbox(shared);
    this.reads = new Reads({
      ...shared,
      onMarked: () => this.#useWhenSynced(({ telling }) => telling.schedule()),
      onPositions: (positions) => this.#extras?.looking.notePositions(positions),
    });
    this.sync = new Sync({
      ...shared,
      recovery: async () => (await this.loadExtras()).recovery,
      onSyncing: () => this.#become('syncing', {}),
      onSynced: () => this.#noteSynced(),
      onStays: (stays) => {
        if (stays.length > 0) this.#useExtras(({ looking }) => looking.noteStays(stays));
      },
      onReset: () => this.changes.recount(),
    });
  }

  readonly #onError = (error: unknown) => this.#shared.events.emit('error', { error: toImError(error) });

  /** Resolves at the next sync to the head. `heir`: for a tab that had the connection, and is gone; nobody asked for it. */
  start(heir?: true): Promise<void> {
    if (this.state === 'closed') return Promise.reject(clientClosed());
    const synced = this.#startWaiters.wait();
    if (this.state === 'synced') this.#startWaiters.settle();
    else this.link.start(heir);
    return synced;
  }

  async close(): Promise<void> {
    if (this.state === 'closed') return;
    await this.#leave();
    await this.#shared.store.close();
  }

  /** Closes, and leaves nothing behind. Rejects with ImError `storage`. */
  async clear(): Promise<void> {
    await this.#leave();
    try {
      await this.#shared.store.clear();
    } finally {
      await this.#shared.store.close();
    }
  }

  async #leave(): Promise<void> {
    this.state = 'closed';
    this.#acks.flush();
    this.#extras?.endAll();
    this.#end(clientClosed());
    await this.link.stop();
    // What was being stored is stored.
    await Promise.all([this.inbox.take({}), this.#wish.end(clientClosed())]);
  }

  #createLink({ url, tokens, webSocket, environment, store }: SessionOptions): Link {
    return new Link({
      url,
      webSocket,
      environment,
      token: () => tokens.next(store.meta.userId),
      onPush: (push) => this.#takePush(push),
      cursorToTell: () => this.#acks.cursorToTell(),
      onHead: (mailbox, toldCursor) => {
        if (toldCursor !== undefined) this.#acks.noteTold(toldCursor);
        this.sync.noteHead(mailbox);
        void this.reads.refresh();
      },
      onConnecting: (attempt) => this.#become('connecting', { attempt }),
      onConnected: (renewal) => {
        // A connection that is renewed takes its requests with it: the same as a reconnect, without a pause.
        this.#pause();
        this.#isNew = true;
        this.#become('connected', { renewal });
        this.sync.start();
      },
      onLost: (error, retryInMs) => {
        this.#pause();
        this.#become('disconnected', { error, retryInMs });
      },
      onTokenRefused: (error) => this.#shared.events.emit('tokenExpired', { error }),
      onGivenUp: (error) => {
        this.#end(error);
        this.#become('disconnected', { error });
      },
    });
  }

  #createInbox(keepMessages: number): Inbox {
    const { store } = this.#shared;
    return new Inbox({
      ...this.#shared,
      keepMessages,
      confirm: (message) => this.outbox.confirm(message),
      withoutRefused: async (intake) => (await this.loadExtras()).withoutRefused(store, intake),
      onShown: ({ conversationId, from }) => {
        if (this.#loading) this.#useExtras(({ typing }) => typing.end(conversationId, from));
      },
      onChanged: (before, after) => {
        this.changes.tell(before, after);
        this.#extras?.looking.noteChange(before, after);
      },
      onHole: (conversationId) => this.#useWhenSynced(({ holes }) => holes.notice(conversationId)),
    });
  }

  #takePush(push: ServerPush): void {
    switch (push.push) {
      case 'sync':
        return this.sync.takePush(push);
      case 'read':
        return void this.reads.takePush(push).catch(this.#onError);
      case 'group':
      case 'typing':
      case 'presence':
      case 'ephemeral':
        return this.#useExtras((extras) => extras.takePush(push));
      case 'kicked':
        return this.#yieldTo(push);
    }
  }

  /**
   * Another device took the place of this one, or a copy of it did: coming back by itself, it would only take it back in
   * turn. A newer connection of its own does so at each renewal, which is as it should be.
   */
  #yieldTo({ reason, by }: KickedPush): void {
    if (by?.deviceId === this.#shared.store.meta.deviceId && !this.link.isSteady) return;
    this.#end(new ImError('kicked', by ? 'Another device took over' : `The service ended it: ${reason}`));
    void this.link.stop();
    this.#become('kicked', { reason, ...(by && { by }) });
  }

  /** `null`: nowhere, any more. Resolves when the server has it; rejects with ImError. */
  registerForPush(target: PushTarget | null): Promise<void> {
    return this.#wish.want(target, this.#shared.store, () =>
      this.#useExtras(({ registration }) => registration.tell()),
    );
  }

  /** Rejects with ImError: `connection_lost` (they are not to be had now), `closed`. */
  loadExtras(): Promise<Extras> {
    this.#loading ??= loaded(import('./extras.ts')).then(
      (part) => this.#addExtras(part),
      (error: unknown) => {
        this.#loading = undefined;
        throw error;
      },
    );
    return this.#loading;
  }

  #addExtras({ Extras: Added }: typeof import('./extras.ts')): Extras {
    if (this.state === 'closed') throw clientClosed();
    const { inbox, reads } = this;
    this.#extras = new Added({ ...this.#shared, wish: this.#wish, inbox, reads });
    if (this.state === 'synced') this.#extras.resume();
    return this.#extras;
  }

  /** At once, or when they are loaded, in the order asked. What is lost where they do not load, what is stored still needs. */
  #useExtras(use: (extras: Extras) => void): void {
    if (this.#extras) use(this.#extras);
    else
      void this.loadExtras().then(use, () => {
        if (this.state !== 'synced') return;
        this.#cancelLoading();
        this.#cancelLoading = this.#shared.environment.setTimer(() => this.#resumeExtras(), LOAD_AGAIN_MS);
      });
  }

  /** Before that, `resumeExtras` sees to it. */
  #useWhenSynced(use: (extras: Extras) => void): void {
    if (this.#extras || this.state === 'synced') this.#useExtras(use);
  }

  #resumeExtras(): void {
    if (this.#extras) this.#extras.resume();
    else if (needsExtras(this.#shared.store)) this.#useExtras(() => {});
  }

  #noteSynced(): void {
    this.#become('synced', { position: this.#shared.store.meta.position ?? 0 });
    this.#startWaiters.settle();
    this.#resumeExtras();
    this.outbox.resume();
    if (this.#isNew) void this.reads.refresh();
    this.#isNew = false;
  }

  #pause(): void {
    this.sync.stop();
    this.#acks.stop();
    this.outbox.pause();
    this.#cancelLoading();
    this.#extras?.pause();
  }

  #end(error: ImError): void {
    this.#pause();
    this.sync.end(error);
    this.outbox.end(error);
    void this.#wish.end(error);
    this.#startWaiters.settle(error);
  }

  #become<State extends keyof ClientEvents & ClientState>(state: State, payload: ClientEvents[State]): void {
    if (this.state === 'closed') return;
    this.state = state;
    this.#shared.events.emit(state, payload);
  }
}
