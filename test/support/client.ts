// A plain client of the wire protocol: a socket, requests with ids, and a queue of pushes.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { WebSocket, type ClientOptions } from 'ws';
import type { Cloud } from '../../local/cloud.ts';
import type { Push, SyncedMessage } from '../../src/protocol/server-frames.ts';

export type Frame = Record<string, unknown> & { id?: string; ok?: boolean };
export type SyncPush = Extract<Push, { push: 'sync' }>;

export interface ConnectOptions {
  readonly deviceId?: string;
  readonly platform?: string;
  readonly token?: string;
  readonly protocols?: readonly string[];
  readonly query?: string;
  readonly socket?: ClientOptions;
}

/** How long a test waits for a frame that must come; only ever used up by a test that fails. */
const PATIENCE_MS = 15_000;

export class TestClient {
  readonly pushes: Frame[] = [];
  readonly frames: Frame[] = [];
  readonly socket: WebSocket;
  readonly closed: Promise<number>;
  private readonly waiting = new Map<string, (frame: Frame) => void>();
  private readonly watchers = new Set<() => void>();

  constructor(socket: WebSocket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => socket.on('close', resolve));
    socket.on('message', (data: Buffer) => this.take(JSON.parse(data.toString()) as Frame));
  }

  private take(frame: Frame): void {
    this.frames.push(frame);
    const answer = frame.id === undefined ? undefined : this.waiting.get(frame.id);
    if (answer) answer(frame);
    else if ('push' in frame) this.pushes.push(frame);
    for (const watcher of this.watchers) watcher();
  }

  async request(action: string, fields: Record<string, unknown> = {}): Promise<Frame> {
    const id = randomUUID();
    const answer = new Promise<Frame>((resolve) => this.waiting.set(id, resolve));
    this.socket.send(JSON.stringify({ action, id, ...fields }));
    const frame = await patiently(answer, `an answer to ${action}`);
    this.waiting.delete(id);
    return frame;
  }

  /** Sends text as it is, and waits for nothing. */
  sendText(text: string): void {
    this.socket.send(text);
  }

  /** Sends text as it is, and waits for the next frame that comes. */
  async raw(text: string): Promise<Frame> {
    const seen = this.frames.length;
    this.socket.send(text);
    await this.until(() => this.frames.length > seen, 'a frame');
    return this.frames[seen]!;
  }

  async send(to: string, text: string, fields: Record<string, unknown> = {}): Promise<Frame> {
    return this.request('send', { to, clientMsgId: randomUUID(), type: 'text', body: { text }, ...fields });
  }

  /** Messages of all pushes so far. */
  get events(): SyncedMessage[] {
    const events = this.pushes.flatMap((frame) => (frame as unknown as SyncPush).events ?? []);
    return events.filter((event) => event.kind === 'message');
  }

  /** Waits until that many events have been pushed. */
  async eventsUpTo(count: number): Promise<SyncedMessage[]> {
    await this.until(() => this.events.length >= count, `${count} events`);
    return this.events;
  }

  async until(condition: () => boolean, what: string): Promise<void> {
    if (condition()) return;
    let watcher: () => void = () => {};
    const met = new Promise<void>((resolve) => {
      watcher = () => {
        if (condition()) resolve();
      };
      this.watchers.add(watcher);
    });
    await patiently(met, what).finally(() => this.watchers.delete(watcher));
  }

  async close(): Promise<void> {
    this.socket.close();
    await this.closed;
  }
}

async function patiently<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const failure = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Waited for ${what} in vain`)), PATIENCE_MS);
  });
  return Promise.race([promise, failure]).finally(() => clearTimeout(timer));
}

function openSocket(cloud: Cloud, token: string, options: ConnectOptions): WebSocket {
  const { deviceId = 'phone', platform = 'ios' } = options;
  const query = options.query ?? `deviceId=${encodeURIComponent(deviceId)}&platform=${platform}`;
  const protocols = options.protocols ?? ['im.v1', `bearer.${token}`];
  return new WebSocket(`${cloud.url}/dev?${query}`, [...protocols], options.socket);
}

export async function connect(
  cloud: Cloud,
  userId: string,
  options: ConnectOptions = {},
): Promise<TestClient> {
  const token = options.token ?? (await cloud.issueToken(userId));
  const socket = openSocket(cloud, token, options);
  const client = new TestClient(socket);
  await patiently(once(socket, 'open'), 'the connection');
  return client;
}

/** The HTTP status that a handshake is refused with. */
export async function refusal(cloud: Cloud, userId: string, options: ConnectOptions = {}): Promise<number> {
  const token = options.token ?? (await cloud.issueToken(userId));
  const socket = openSocket(cloud, token, options);
  return patiently(
    new Promise<number>((resolve, reject) => {
      socket.on('unexpected-response', (request, response) => {
        resolve(response.statusCode ?? 0);
        request.destroy();
      });
      socket.on('open', () => reject(new Error('The connection was let in')));
      socket.on('error', () => {});
    }),
    'a refusal',
  );
}
