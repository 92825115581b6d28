// The connection that lasts: opens sockets one after another, backs off between them, and opens the next before the
// server's 2-hour limit ends the present one.
import { Connection, type CloseReason, type Request } from './connection.ts';
import type { CancelTimer, Environment, WebSocketConstructor } from '../environment.ts';
import { explainClose } from './close-reasons.ts';
import { connectionLost, ImError, toImError } from '../errors.ts';
import type { ServerPush } from '../frames.ts';
import { backoffMs, reconnectBackoff } from '../backoff.ts';
import type { Token } from './token.ts';

const RENEW_AFTER_MS = 110 * 60_000;
/** So that clients which connected together do not renew together. */
const RENEW_SPREAD_MS = 5 * 60_000;
const RENEW_AGAIN_MS = 60_000;
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
  readonly onHead: (head: number, toldCursor: number | undefined) => void;
  readonly onConnecting: (attempt: number) => void;
  /** A connection is open, the first or a further one; `renewal`: it takes over from one that is well. */
  readonly onConnected: (renewal: boolean) => void;
  readonly onLost: (error: ImError, retryInMs: number) => void;
  readonly onTokenRefused: (error: ImError) => void;
  /** It will not try again. */
  readonly onGivenUp: (error: ImError) => void;
}

export class Link {
  private readonly options: LinkOptions;
  private running = false;
  private everOpened = false;
  private refusals = 0;
  private current: Connection | undefined;
  /** Handshakes under way. */
  private readonly opening = new Set<Connection>();
  private renewal: Promise<void> | undefined;
  private cancelRenewal: CancelTimer = () => {};
  private endPause = () => {};
  private stopWatching = () => {};
  private halted: Promise<undefined> = Promise.resolve(undefined);
  private announceHalt = () => {};
  private loop: Promise<void> = Promise.resolve();

  constructor(options: LinkOptions) {
    this.options = options;
  }

  start(): void {
    if (this.running) return;
    this.running = true;
    this.refusals = 0;
    this.halted = new Promise((resolve) => (this.announceHalt = () => resolve(undefined)));
    this.stopWatching = this.options.environment.watchNetwork(() => this.wake());
    this.loop = this.loop.then(() => this.run());
  }

  /** Ends the connection and waits until nothing of it is left. */
  async stop(): Promise<void> {
    this.halt();
    await this.loop;
    await this.renewal;
  }

  readonly request: Request = (action, fields) =>
    this.current
      ? this.current.request(action, fields)
      : Promise.reject(connectionLost('There is no connection'));

  /** For what may be asked twice: a connection that was being renewed when the answer should come is no failure. */
  readonly ask: Request = async (action, fields) => {
    try {
      return await this.request(action, fields);
    } catch (error) {
      if (!this.renewal || !(error instanceof ImError) || error.code !== 'connection_lost') throw error;
      await this.renewal;
      return this.request(action, fields);
    }
  };

  sendAck(cursor: number): void {
    this.current?.sendAck(cursor);
  }

  get isOpen(): boolean {
    return this.current?.isOpen === true;
  }

  /** The network may be back: waits no longer, and has the present connection show that it lives. */
  wake(): void {
    this.endPause();
    this.current?.probe();
  }

  private halt(): void {
    this.running = false;
    this.announceHalt();
    this.stopWatching();
    this.cancelRenewal();
    this.endPause();
    for (const connection of this.opening) connection.close();
    this.current?.close();
  }

  private async run(): Promise<void> {
    for (let attempt = 0; this.running; attempt++) {
      this.options.onConnecting(attempt);
      const opened = await this.open();
      if (!this.running) break;
      let { error } = opened;
      if (opened.connection) {
        const openedAt = this.options.environment.now();
        error = await this.hold(opened.connection);
        if (this.options.environment.now() - openedAt >= STABLE_MS) attempt = 0;
      }
      if (!this.running) break;
      if (this.isHopeless(error)) {
        this.halt();
        this.options.onGivenUp(error);
        break;
      }
      const retryInMs = backoffMs(reconnectBackoff, attempt, this.options.environment.random());
      this.options.onLost(error, retryInMs);
      // A listener may have stopped us.
      if (this.running) await this.pause(retryInMs);
    }
  }

  /** Only a client that never got in gives up: later refusals may be a deployment's passing mistake. */
  private isHopeless(error: ImError): boolean {
    if (error.code === 'wrong_user') return true;
    if (this.everOpened) return false;
    if (error.status === 400 || error.status === 403) return true;
    return error.code === 'unauthorized' && this.refusals >= MAX_REFUSALS;
  }

  private async open(): Promise<
    { connection: Connection; error: ImError } | { connection?: never; error: ImError }
  > {
    let token: Token | undefined;
    try {
      // An app whose token never comes must not keep us from stopping.
      token = await Promise.race([this.options.token(), this.halted]);
    } catch (cause) {
      const error = toImError(cause);
      if (++this.refusals >= MAX_REFUSALS) this.options.onTokenRefused(error);
      return { error };
    }
    if (!token || !this.running) return { error: connectionLost() };
    const connection = this.connect(token.token);
    this.opening.add(connection);
    await connection.opened;
    this.opening.delete(connection);
    if (!connection.isOpen) return { error: this.judge(await connection.closed, token) };
    this.refusals = 0;
    this.everOpened = true;
    return { connection, error: connectionLost() };
  }

  private connect(token: string): Connection {
    const { url, webSocket, environment, cursorToTell, onHead } = this.options;
    const connection: Connection = new Connection({
      url,
      token,
      webSocket,
      environment,
      cursorToTell,
      onHead,
      onPush: (push) => {
        // What a connection says after its successor took over, the catch-up brings too.
        if (connection === this.current) this.options.onPush(push);
      },
    });
    return connection;
  }

  /** Stays with the connection and its successors until the last of them ends. */
  private async hold(first: Connection): Promise<ImError> {
    this.adopt(first, false);
    let connection = first;
    for (;;) {
      const reason = await connection.closed;
      // The server ends the older connection as soon as the newer one opens: that is no loss.
      await this.renewal;
      if (!this.current || this.current === connection) {
        this.cancelRenewal();
        this.current = undefined;
        return this.judge(reason);
      }
      connection = this.current;
    }
  }

  private adopt(connection: Connection, renewal: boolean): void {
    this.current = connection;
    const spreadMs = Math.round(this.options.environment.random() * RENEW_SPREAD_MS);
    this.scheduleRenewal(RENEW_AFTER_MS + spreadMs);
    this.options.onConnected(renewal);
  }

  private scheduleRenewal(delayMs: number): void {
    this.cancelRenewal();
    this.cancelRenewal = this.options.environment.setTimer(() => {
      this.renewal = this.renew().finally(() => (this.renewal = undefined));
    }, delayMs);
  }

  private async renew(): Promise<void> {
    const previous = this.current;
    const { connection } = await this.open();
    if (connection && this.running) {
      this.adopt(connection, true);
      previous?.close();
    } else {
      connection?.close();
      if (this.running) this.scheduleRenewal(RENEW_AGAIN_MS);
    }
  }

  private judge(reason: CloseReason, token?: Token): ImError {
    const error = explainClose(reason, token, this.options.environment.now());
    if (error.code !== 'unauthorized' && error.status !== 401) return error;
    if (!reason.opened) this.refusals++;
    this.options.onTokenRefused(error);
    return error;
  }

  private pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.options.environment.setTimer(() => this.endPause(), delayMs);
      this.endPause = () => {
        cancel();
        this.endPause = () => {};
        resolve();
      };
    });
  }
}
