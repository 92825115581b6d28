// A client of the wire protocol and nothing more: requests with ids, the pushes that came, and how it ended.
import { WebSocket } from 'ws';

export interface PlainOptions {
  readonly url: string;
  readonly token: string;
  readonly deviceId: string;
  readonly platform: string;
  readonly origin?: string | undefined;
  /** How long an answer, a push or the handshake may take. */
  readonly timeoutMs: number;
}

export type Frame = Readonly<Record<string, unknown>>;

interface Refusal {
  readonly code: string;
  readonly message: string;
}

const whatStatusesMean: Readonly<Record<number, string>> = {
  400: 'the query of the handshake is not understood',
  401: 'the token is not taken: see TokenKeys, TokenIssuer, TokenAudience, and its exp',
  403: 'the token is taken, but the origin, or this user, is not allowed',
  404: 'nothing is there: see the stage in the URL',
  429: 'too many connections a second',
  500: 'the authorizer failed: see its log',
};

export class PlainSocket {
  private readonly socket: WebSocket;
  private readonly timeoutMs: number;
  private readonly pushes: Frame[] = [];
  private readonly answers = new Map<string, Frame>();
  private readonly watchers = new Set<() => void>();
  private requests = 0;
  private closeCode: number | undefined;

  private constructor(socket: WebSocket, timeoutMs: number) {
    this.socket = socket;
    this.timeoutMs = timeoutMs;
    socket.on('message', (data: Buffer) => this.take(JSON.parse(data.toString()) as Frame));
    socket.on('error', () => {});
    socket.on('close', (code) => {
      this.closeCode = code;
      this.wake();
    });
  }

  /** @throws Error that says why the handshake was refused. */
  static async connect(options: PlainOptions): Promise<PlainSocket> {
    const { url, token, deviceId, platform, origin, timeoutMs } = options;
    const address = new URL(url);
    address.search = new URLSearchParams({ deviceId, platform }).toString();
    const socket = new WebSocket(address, ['im.v1', `bearer.${token}`], {
      handshakeTimeout: timeoutMs,
      ...(origin !== undefined && { origin }),
    });
    // From the beginning, so that no frame is missed.
    const client = new PlainSocket(socket, timeoutMs);
    await new Promise<void>((resolve, reject) => {
      socket.on('open', resolve);
      socket.on('error', ({ message }) => reject(new Error(`no connection: ${message}`)));
      socket.on('unexpected-response', (request, { statusCode = 0 }) => {
        const meaning = whatStatusesMean[statusCode];
        reject(new Error(`the handshake was refused with ${statusCode}${meaning ? `: ${meaning}` : ''}`));
        request.destroy();
      });
    });
    return client;
  }

  /** @throws Error with the code of a refusal. */
  async ask(action: string, fields: Frame = {}): Promise<Frame> {
    const { error, ...answer } = await this.request(action, fields);
    if (answer['ok'] === true) return answer;
    const { code, message } = error as Refusal;
    throw new Error(`${action} was refused: ${code}, ${message}`);
  }

  /** @throws Error unless it is refused with that code. */
  async askInVain(action: string, fields: Frame, code: string): Promise<void> {
    const { ok, error } = await this.request(action, fields);
    if (ok === true) throw new Error(`${action} was answered, and is to be refused with ${code}`);
    const refusal = error as Refusal;
    if (refusal.code !== code) throw new Error(`${action} was refused with ${refusal.code}, not ${code}`);
  }

  /** What has no answer, as `ack`. */
  tell(action: string, fields: Frame): void {
    this.socket.send(JSON.stringify({ action, ...fields }));
  }

  async pushed(push: string): Promise<Frame> {
    const find = () => this.pushes.find((frame) => frame['push'] === push);
    await this.until(() => find() !== undefined, `push "${push}"`);
    return find()!;
  }

  async closed(): Promise<void> {
    await this.until(() => this.closeCode !== undefined, 'end of the connection');
  }

  async close(): Promise<void> {
    if (this.closeCode !== undefined) return;
    this.socket.close();
    await this.closed().catch(() => this.socket.terminate());
  }

  private async request(action: string, fields: Frame): Promise<Frame> {
    this.requests += 1;
    const id = `r${this.requests}`;
    this.socket.send(JSON.stringify({ action, id, ...fields }));
    const isOver = () => this.answers.has(id) || this.closeCode !== undefined;
    await this.until(isOver, `answer to ${action}`);
    const answer = this.answers.get(id);
    if (!answer)
      throw new Error(`the connection was closed with ${this.closeCode} instead of answering ${action}`);
    return answer;
  }

  private take(frame: Frame): void {
    if (typeof frame['id'] === 'string') this.answers.set(frame['id'], frame);
    // The gateway's own, as `Internal server error`, names no request.
    else if (typeof frame['push'] === 'string') this.pushes.push(frame);
    this.wake();
  }

  private wake(): void {
    for (const watcher of this.watchers) watcher();
  }

  private until(condition: () => boolean, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer);
        this.watchers.delete(watcher);
      };
      const watcher = () => {
        if (!condition()) return;
        end();
        resolve();
      };
      const timer = setTimeout(() => {
        end();
        reject(new Error(`no ${what} in ${this.timeoutMs} ms`));
      }, this.timeoutMs);
      this.watchers.add(watcher);
      watcher();
    });
  }
}
