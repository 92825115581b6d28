// A device that does what a client must as far as it costs money: it sends, and it acknowledges what it is pushed.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { WebSocket } from 'ws';

export interface DeviceOptions {
  /** Whole, with its stage, deviceId and platform. */
  readonly url: string;
  readonly token: string;
  /** It acknowledges when so many events came since the last time; or what it sends carries the cursor. */
  readonly acknowledge: number | 'with sends';
}

interface Answer {
  readonly [field: string]: unknown;
  readonly id?: string;
  readonly ok?: boolean;
  readonly error?: { readonly code: string; readonly message: string };
}

interface Waiter {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

interface SyncPush {
  readonly push?: string;
  readonly from: number;
  readonly to: number;
}

const patienceMs = 30_000;

export class Device {
  private readonly socket: WebSocket;
  private readonly acknowledges: DeviceOptions['acknowledge'];
  private readonly waiting = new Map<string, Waiter>();
  private acknowledged: number | undefined;
  private position: number | undefined;

  private constructor(socket: WebSocket, acknowledges: DeviceOptions['acknowledge']) {
    this.socket = socket;
    this.acknowledges = acknowledges;
    socket.on('message', (data: Buffer) => this.take(JSON.parse(data.toString()) as Answer & SyncPush));
    socket.on('error', (error) => this.fail(error));
    socket.on('close', (code) => this.fail(new Error(`The connection was closed with ${code}`)));
  }

  static async connect({ url, token, acknowledge }: DeviceOptions): Promise<Device> {
    const socket = new WebSocket(url, ['im.v1', `bearer.${token}`]);
    const device = new Device(socket, acknowledge);
    await once(socket, 'open', inTime());
    return device;
  }

  /** @throws Error when it is refused, or not answered in time. */
  async request(action: string, fields: Readonly<Record<string, unknown>>): Promise<Answer> {
    const id = randomUUID();
    const timer = setTimeout(() => this.fail(new Error(`No answer to ${action}`)), patienceMs);
    try {
      const answer = await new Promise<Answer>((resolve, reject) => {
        this.waiting.set(id, { resolve, reject });
        this.socket.send(JSON.stringify({ action, id, ...fields }));
      });
      if (!answer.ok) throw new Error(`${action}: ${answer.error?.code}, ${answer.error?.message}`);
      return answer;
    } finally {
      clearTimeout(timer);
      this.waiting.delete(id);
    }
  }

  async send(message: Readonly<Record<string, unknown>>): Promise<void> {
    const cursor = this.acknowledges === 'with sends' ? this.position : undefined;
    await this.request('send', { ...message, ...(cursor !== undefined && { cursor }) });
  }

  /** What the server sent before has been read, and what was sent to it before has arrived. A ping is not billed. */
  async exchanged(): Promise<void> {
    const pong = once(this.socket, 'pong', inTime());
    this.socket.ping();
    await pong;
  }

  async close(): Promise<void> {
    if (this.socket.readyState === WebSocket.CLOSED) return;
    const closed = once(this.socket, 'close', inTime());
    this.socket.close();
    await closed;
  }

  private take(frame: Answer & SyncPush): void {
    if (frame.id !== undefined) this.waiting.get(frame.id)?.resolve(frame);
    else if (frame.push === 'sync') this.acknowledge(frame);
  }

  private acknowledge({ from, to }: SyncPush): void {
    this.position = to;
    if (this.acknowledges === 'with sends') return;
    this.acknowledged ??= from - 1;
    if (to - this.acknowledged < this.acknowledges) return;
    this.acknowledged = to;
    this.socket.send(JSON.stringify({ action: 'ack', cursor: to }));
  }

  private fail(error: Error): void {
    for (const { reject } of this.waiting.values()) reject(error);
  }
}

function inTime(): { signal: AbortSignal } {
  return { signal: AbortSignal.timeout(patienceMs) };
}
