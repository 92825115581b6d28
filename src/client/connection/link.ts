// The connection that lasts: opens sockets one after another, backs off between them, and opens the next before the
// server's 2-hour limit ends the present one.
import { Attempt, type Outcome } from './attempt.ts';
import { Connection, type CloseReason, type ConnectionOptions, type Request } from './connection.ts';
import type { CancelTimer, Environment, WebSocketConstructor } from '../environment.ts';
import { explainClose } from './close-reasons.ts';
import { connectionLost, type ImError } from '../errors.ts';
import type { ServerPush } from '../frames.ts';
import { backoffMs, reconnectBackoff } from '../backoff.ts';
import type { Token } from './token.ts';

const RENEW_AFTER_MS = 110 * 60_000;
/** So that clients which connected together do not renew together. */
const RENEW_SPREAD_MS = 5 * 60_000;
const RENEW_AGAIN_MS = 60_000;
/** The server ends the older connection while the newer one opens: how long that may take without being a loss. */
const HANDOVER_MS = 2_000;
/** A connection that lived as long as this was a good one: the backoff starts again. */
const STABLE_MS = 10_000;
/** Refusals in a row before the first connection is given up. */
const MAX_REFUSALS = 3;

export interface LinkOptions {
  /** With its query. */
  readonly url: string;
  readonly token: () => Promise<Token>;
  readonly webSocket: WebSocketConstructor;
  readonly environment: Environment;
  readonly onPush: (push: ServerPush) => void;
  readonly cursorToTell: () => number | undefined;
  readonly onHead: ConnectionOptions['onHead'];
  readonly onConnecting: (attempt: number) => void;
  /** A connection is open, the first or a further one; `renewal`: it takes over from one that is well. */
  readonly onConnected: (renewal: boolean) => void;
  readonly onLost: (error: ImError, retryInMs: number) => void;
  readonly onTokenRefused: (error: ImError) => void;
  /** It will not try again. */
  readonly onGivenUp: (error: ImError) => void;
}

/** `cancel`: of the timer that the state waits for. */
type State =
  | { readonly is: 'stopped' }
  | { readonly is: 'opening'; readonly attempt: Attempt }
  | { readonly is: 'pausing'; readonly cancel: CancelTimer }
  | { readonly is: 'open'; readonly connection: Connection; readonly cancel: CancelTimer }
  | { readonly is: 'renewing'; readonly connection: Connection; readonly attempt: Attempt }
  /** The older connection is gone, and the handshake of the newer one under way. */
  | { readonly is: 'handing over'; readonly attempt: Attempt; readonly cancel: CancelTimer };

export class Link {
  readonly #options: LinkOptions;
  #state: State = { is: 'stopped' };
  /** The connection that took over last, also when it has ended; or another client's. With one, what the link opens it opens by itself. */
  #latest: Connection | true | undefined;
  #everOpened = false;
  /** Since a connection opened. */
  #refusals = 0;
  /** Since a connection was a good one. */
  #failures = 0;
  #openedAt = 0;
  /** How far the server's clock is ahead of ours. As long as it is not known, no token counts as outdated. */
  #serverAheadMs = -Infinity;
  #stopWatching = () => {};

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  /** `latest`: it goes on for another client of the device, which had the connection. */
  start(latest?: true): void {
    if (this.#state.is !== 'stopped') return;
    this.#latest = latest;
    this.#refusals = 0;
    this.#failures = 0;
    this.#stopWatching = this.#options.environment.watchNetwork(() => this.wake());
    this.#open();
  }

  /** Ends the connection and waits until nothing of it is left. */
  async stop(): Promise<void> {
    const state = this.#state;
    this.#halt();
    if ('attempt' in state) await state.attempt.outcome;
  }

  readonly request: Request = async (action, fields) => {
    // What is to be stored goes out after the sync that follows (P7).
    if (this.#state.is === 'handing over' && action !== 'send') await this.#state.attempt.outcome;
    const state = this.#state;
    if ('connection' in state) return state.connection.request(action, fields);
    throw connectionLost();
  };

  /** For what may be asked twice: a connection that was renewed before its answer came is no failure. */
  readonly ask: Request = (action, fields) =>
    this.request(action, fields).catch((error: ImError) => {
      if (error.code !== 'connection_lost') throw error;
      return this.request(action, fields);
    });

  /** Connected, or trying to be. */
  get isRunning(): boolean {
    return this.#state.is !== 'stopped';
  }

  /** It has a connection, and opens no other: what takes its place is not from here. */
  get isSteady(): boolean {
    const state = this.#state;
    return 'connection' in state && !('attempt' in state && state.attempt.isHandshaking);
  }

  sendAck(cursor: number): void {
    if ('connection' in this.#state) this.#state.connection.sendAck(cursor);
  }

  /** The network may be back: waits no longer, and has the present connection show that it lives. */
  wake(): void {
    const state = this.#state;
    if ('connection' in state) state.connection.probe();
    if (state.is !== 'pausing') return;
    state.cancel();
    this.#open();
  }

  #halt(): void {
    this.#leave();
    this.#latest = undefined;
    this.#state = { is: 'stopped' };
    this.#stopWatching();
  }

  /** Ends what the present state has under way. */
  #leave(): void {
    const state = this.#state;
    if ('cancel' in state) state.cancel();
    if ('attempt' in state) state.attempt.cancel();
    if ('connection' in state) state.connection.close();
  }

  #open(): void {
    this.#state = { is: 'opening', attempt: this.#attempt() };
    this.#options.onConnecting(this.#failures);
  }

  #attempt(): Attempt {
    const attempt = new Attempt(this.#options.token, (token) => this.#connect(token));
    void attempt.outcome.then((outcome) => this.#settle(attempt, outcome));
    return attempt;
  }

  #connect(token: string): Connection {
    const connection: Connection = new Connection({
      ...this.#options,
      url: this.#latest ? `${this.#options.url}&resume=1` : this.#options.url,
      token,
      onServerTime: (time) => (this.#serverAheadMs = time - this.#options.environment.now()),
      onPush: (push) => {
        // What a connection says after its successor took over, the catch-up brings too.
        if (this.#latest === connection) this.#options.onPush(push);
      },
    });
    return connection;
  }

  #settle(attempt: Attempt, outcome: Outcome): void {
    const state = this.#state;
    if (!('attempt' in state) || state.attempt !== attempt) return;
    if (outcome.is === 'open') return this.#adopt(outcome.connection);
    const error = this.#explain(outcome);
    // A listener may have stopped us.
    if (this.#state !== state) return;
    if (state.is === 'renewing') return this.#hold(state.connection, RENEW_AGAIN_MS);
    this.#leave();
    this.#lose(error);
  }

  #adopt(connection: Connection): void {
    const before = this.#state;
    const { environment, onConnected } = this.#options;
    this.#latest = connection;
    this.#everOpened = true;
    this.#refusals = 0;
    this.#openedAt = environment.now();
    this.#hold(connection, RENEW_AFTER_MS + Math.round(environment.random() * RENEW_SPREAD_MS));
    void connection.closed.then((reason) => this.#end(connection, reason));
    onConnected(before.is !== 'opening');
    if ('cancel' in before) before.cancel();
    if ('connection' in before) before.connection.close();
  }

  #hold(connection: Connection, renewInMs: number): void {
    const renew = () => (this.#state = { is: 'renewing', connection, attempt: this.#attempt() });
    this.#state = { is: 'open', connection, cancel: this.#options.environment.setTimer(renew, renewInMs) };
  }

  #end(connection: Connection, reason: CloseReason): void {
    const state = this.#state;
    if (!('connection' in state) || state.connection !== connection) return;
    const { environment } = this.#options;
    if (environment.now() - this.#openedAt >= STABLE_MS) this.#failures = 0;
    const lose = () => {
      this.#leave();
      const error = this.#judge(reason);
      if (this.#state.is !== 'stopped') this.#lose(error);
    };
    if (state.is !== 'renewing' || !state.attempt.isHandshaking) return lose();
    const cancel = environment.setTimer(lose, HANDOVER_MS);
    this.#state = { is: 'handing over', attempt: state.attempt, cancel };
  }

  #lose(error: ImError): void {
    const { environment, onGivenUp, onLost } = this.#options;
    if (this.#isHopeless(error)) {
      this.#halt();
      return onGivenUp(error);
    }
    const retryInMs = backoffMs(reconnectBackoff, this.#failures++, environment.random());
    this.#state = { is: 'pausing', cancel: environment.setTimer(() => this.#open(), retryInMs) };
    onLost(error, retryInMs);
  }

  /** Only a client that never got in gives up: later refusals may be a deployment's passing mistake. */
  #isHopeless(error: ImError): boolean {
    if (error.code === 'wrong_user') return true;
    if (this.#everOpened) return false;
    if (error.status === 400 || error.status === 403) return true;
    return error.code === 'unauthorized' && this.#refusals >= MAX_REFUSALS;
  }

  #explain(outcome: Exclude<Outcome, { is: 'open' }>): ImError {
    if (outcome.is === 'refused') return this.#judge(outcome.reason, outcome.token);
    if (++this.#refusals >= MAX_REFUSALS) this.#options.onTokenRefused(outcome.error);
    return outcome.error;
  }

  #judge(reason: CloseReason, token?: Token): ImError {
    const error = explainClose(reason, token, this.#options.environment.now() + this.#serverAheadMs);
    if (error.code !== 'unauthorized' && error.status !== 401) return error;
    if (!reason.opened) this.#refusals++;
    this.#options.onTokenRefused(error);
    return error;
  }
}
