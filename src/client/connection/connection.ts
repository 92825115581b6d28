// One socket, from handshake to close: requests with their answers, and a heartbeat that finds a dead peer.
import type { InferInput } from 'valibot';
import type { clientFrames } from '../../protocol/client-frames.ts';
import { BEARER_PREFIX, SUBPROTOCOL } from '../../protocol/version.ts';
import type { CancelTimer, Environment, WebSocketConstructor, WebSocketLike } from '../environment.ts';
import { connectionLost, ImError, unreadableAnswer } from '../errors.ts';
import {
  parseAnswer,
  parseFrame,
  type AnswerTo,
  type RequestAction,
  type ServerFrame,
  type ServerPush,
} from '../frames.ts';

const HANDSHAKE_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 10_000;
const HEARTBEAT_MS = 4.5 * 60_000;
/** The gateway said that one of the requests failed, not which: how long each of them still has. */
const DOUBTFUL_REQUEST_MS = 1_000;
/** How long the peer has to answer a close; the socket would wait 30 s, and keep Node alive. */
const CLOSING_MS = 2_000;

type WithoutEnvelope<T> = T extends unknown ? Omit<T, 'action' | 'id'> : never;
export type RequestFields<A extends RequestAction> = WithoutEnvelope<InferInput<(typeof clientFrames)[A]>>;

/** How a client asks the server: rejects with an ImError. */
export type Request = <A extends RequestAction>(action: A, fields: RequestFields<A>) => Promise<AnswerTo<A>>;

export interface ConnectionOptions {
  /** With its query. */
  readonly url: string;
  readonly token: string;
  readonly webSocket: WebSocketConstructor;
  readonly environment: Environment;
  readonly onPush: (push: ServerPush) => void;
  /** Pings carry the cursor, if there is news of it, and bring the mailbox head. */
  readonly cursorToTell: () => number | undefined;
  readonly onHead: (mailbox: AnswerTo<'ping'>, toldCursor: number | undefined) => void;
  /** Some answers tell it. */
  readonly onServerTime: (time: number) => void;
}

export interface CloseReason {
  readonly code: number;
  readonly opened: boolean;
  /** The server did not take the token. */
  readonly unauthorized: boolean;
  /** HTTP status of a refused handshake, where the platform tells. */
  readonly status: number | undefined;
}

interface Outstanding {
  readonly resolve: (frame: ServerFrame) => void;
  readonly reject: (error: ImError) => void;
  cancelTimer: CancelTimer;
}

type State = 'opening' | 'open' | 'closed';

export class Connection {
  /** Never rejects: look whether it is still open. */
  readonly opened: Promise<void>;
  readonly closed: Promise<CloseReason>;
  #state: State = 'opening';
  #unauthorized = false;
  #heard = 0;
  #requests = 0;
  readonly #socket: WebSocketLike;
  readonly #options: ConnectionOptions;
  readonly #outstanding = new Map<string, Outstanding>();
  #cancelHandshake: CancelTimer;
  #cancelHeartbeat: CancelTimer = () => {};
  #cancelProbe: CancelTimer | undefined;
  #resolveOpened = () => {};
  #resolveClosed: (reason: CloseReason) => void = () => {};

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.opened = new Promise((resolve) => (this.#resolveOpened = resolve));
    this.closed = new Promise((resolve) => (this.#resolveClosed = resolve));
    const { environment, url, token, webSocket: WebSocket } = options;
    this.#cancelHandshake = environment.setTimer(() => this.#abandon(), HANDSHAKE_TIMEOUT_MS);
    this.#socket = new WebSocket(url, [SUBPROTOCOL, `${BEARER_PREFIX}${token}`]);
    this.#socket.addEventListener('open', () => this.#open());
    this.#socket.addEventListener('message', ({ data }) => this.#receive(data));
    this.#socket.addEventListener('close', ({ code }) => this.#end(code));
    // A close always follows.
    this.#socket.addEventListener('error', () => {});
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Rejects with an ImError: what the server refused, `timeout`, or `connection_lost`. */
  readonly request: Request = async (action, fields) => {
    const frame = await this.#exchange(action, fields);
    if ('ok' in frame && !frame.ok) {
      const { code, message, retryable, retryAfterMs } = frame.error;
      // A fresh token is fetched for the next connection: what this one did not take is not refused for good.
      const isOver = code === 'unauthorized';
      throw new ImError(code, message, { retryable: retryable || isOver, retryAfterMs });
    }
    const answer = parseAnswer(action, frame);
    if (!answer) throw unreadableAnswer(action);
    if ('serverTime' in answer) this.#options.onServerTime(answer.serverTime);
    return answer;
  };

  /** One-way. */
  sendAck(cursor: number): void {
    if (this.isOpen) this.#socket.send(JSON.stringify({ action: 'ack', cursor }));
  }

  /** Asks for a sign of life; without any within 10 s the connection counts as dead. */
  probe(): void {
    if (!this.isOpen || this.#cancelProbe) return;
    const heard = this.#heard;
    this.#cancelProbe = this.#options.environment.setTimer(() => {
      this.#cancelProbe = undefined;
      if (this.#heard === heard) this.#abandon();
    }, REQUEST_TIMEOUT_MS);
    void this.#ping();
  }

  close(): void {
    if (this.#state === 'closed') return;
    const cancel = this.#options.environment.setTimer(() => this.#socket.terminate?.(), CLOSING_MS);
    this.#socket.addEventListener('close', cancel);
    this.#socket.close();
    this.#end(1000);
  }

  async #ping(): Promise<void> {
    const cursor = this.#options.cursorToTell();
    try {
      this.#options.onHead(await this.request('ping', cursor === undefined ? {} : { cursor }), cursor);
    } catch {
      // The probe's timer judges.
    }
  }

  #exchange(action: string, fields: object): Promise<ServerFrame> {
    if (!this.isOpen) return Promise.reject(connectionLost());
    const id = `r${(++this.#requests).toString(36)}`;
    const answer = new Promise<ServerFrame>((resolve, reject) => {
      const expire = () => {
        reject(new ImError('timeout', `${action}: no answer in time`, { retryable: true }));
        this.probe();
      };
      const cancelTimer = this.#options.environment.setTimer(expire, REQUEST_TIMEOUT_MS);
      this.#outstanding.set(id, { resolve, reject, cancelTimer });
      this.#socket.send(JSON.stringify({ action, id, ...fields }));
    });
    const forget = () => {
      this.#outstanding.get(id)?.cancelTimer();
      this.#outstanding.delete(id);
    };
    answer.then(forget, forget);
    return answer;
  }

  #open(): void {
    if (this.#state !== 'opening') return;
    this.#state = 'open';
    this.#cancelHandshake();
    this.#scheduleHeartbeat();
    this.#resolveOpened();
  }

  #scheduleHeartbeat(): void {
    this.#cancelHeartbeat = this.#options.environment.setTimer(() => {
      this.#scheduleHeartbeat();
      this.probe();
    }, HEARTBEAT_MS);
  }

  #receive(data: unknown): void {
    this.#heard++;
    this.#cancelProbe?.();
    this.#cancelProbe = undefined;
    const frame = parseFrame(data);
    if (!frame) return;
    if ('push' in frame) {
      // Who is told to stay away just when its token is over must not come back with a fresh one.
      if (this.isOpen || frame.push === 'kicked') this.#options.onPush(frame);
    } else if ('ok' in frame) this.#settle(frame);
    else this.#doubtAll();
  }

  #settle(frame: Extract<ServerFrame, { ok: boolean }>): void {
    const unauthorized = !frame.ok && frame.error.code === 'unauthorized';
    this.#outstanding.get(frame.id ?? '')?.resolve(frame);
    if (!unauthorized) return;
    // The server closes; waiting for it gains nothing.
    this.#unauthorized = true;
    this.close();
  }

  /** A late answer still counts; a repeat is harmless, for every request may be made twice. */
  #doubtAll(): void {
    for (const request of this.#outstanding.values()) {
      request.cancelTimer();
      request.cancelTimer = this.#options.environment.setTimer(
        () =>
          request.reject(new ImError('unavailable', 'the server failed on a request', { retryable: true })),
        DOUBTFUL_REQUEST_MS,
      );
    }
  }

  /** Gives up on a peer that does not answer: a closing handshake would wait for it. */
  #abandon(): void {
    if (this.#socket.terminate) this.#socket.terminate();
    else this.#socket.close();
    this.#end(1006);
  }

  #end(code: number): void {
    if (this.#state === 'closed') return;
    const opened = this.isOpen;
    this.#state = 'closed';
    this.#cancelHandshake();
    this.#cancelHeartbeat();
    this.#cancelProbe?.();
    for (const { reject } of this.#outstanding.values()) reject(connectionLost());
    const unauthorized = this.#unauthorized;
    this.#resolveClosed({ code, opened, unauthorized, status: this.#socket.handshakeStatus });
    this.#resolveOpened();
  }
}
