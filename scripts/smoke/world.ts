// What the checks share: three users who belong to this run alone, their tokens, and how they connect.
import { NodeWebSocket, connect as connectClient } from '../../src/client/node.ts';
import type { WebSocketConstructor } from '../../src/client/environment.ts';
import type { ImClient } from '../../src/client/im-client.ts';
import { PlainSocket } from './plain-socket.ts';
import { checkToken, type TokenOf } from './tokens.ts';

export type Name = 'a' | 'b' | 'c';
export const names: readonly Name[] = ['a', 'b', 'c'];

export interface WorldOptions {
  readonly url: string;
  readonly tokenOf: TokenOf;
  readonly origin?: string | undefined;
  /** How long an answer or a push may take. */
  readonly timeoutMs: number;
  /** Tells this run from all others: letters and digits. */
  readonly run: string;
}

export class World {
  readonly timeoutMs: number;
  private readonly options: WorldOptions;
  private readonly tokens = new Map<Name, string>();
  private readonly plain = new Map<string, PlainSocket>();
  private readonly clients = new Map<Name, ImClient>();
  private readonly leftovers: (() => Promise<unknown>)[] = [];
  private sent = 0;

  constructor(options: WorldOptions) {
    this.options = options;
    this.timeoutMs = options.timeoutMs;
  }

  userId(name: Name): string {
    return `smoke-${this.options.run}-${name}`;
  }

  get direct(): string {
    return `d:${this.userId('a')}:${this.userId('b')}`;
  }

  async fetchTokens(): Promise<void> {
    const all = names.map(async (name) => {
      const token = await this.options.tokenOf(this.userId(name));
      checkToken(token, this.userId(name));
      this.tokens.set(name, token);
    });
    await Promise.all(all);
  }

  /** A new connection; ended with the run, if not before. */
  async open(name: Name, platform: string, deviceId = `smoke-${platform}`): Promise<PlainSocket> {
    const { url, origin, timeoutMs } = this.options;
    const token = this.tokens.get(name)!;
    const socket = await PlainSocket.connect({ url, token, origin, timeoutMs, platform, deviceId });
    this.plain.set(`${name} ${deviceId}`, socket);
    return socket;
  }

  /** The user's plain connection that lasts as long as the run. */
  async socket(name: Name): Promise<PlainSocket> {
    return this.plain.get(`${name} smoke-bot`) ?? (await this.open(name, 'bot'));
  }

  /** The user's SDK, likewise. */
  async client(name: Name): Promise<ImClient> {
    const known = this.clients.get(name);
    if (known) return known;
    const { url, origin, timeoutMs } = this.options;
    const client = await connectClient({
      url,
      token: this.tokens.get(name)!,
      platform: 'web',
      timeoutMs,
      ...(origin !== undefined && { webSocket: socketFrom(origin) }),
    });
    this.clients.set(name, client);
    return client;
  }

  /** The fields of a message's frame. */
  text(to: string, text: string): Readonly<Record<string, unknown>> {
    this.sent += 1;
    return { to, clientMsgId: `smoke-${this.options.run}-${this.sent}`, type: 'text', body: { text } };
  }

  /** To be done at the end, whatever happens. */
  atTheEnd(undo: () => Promise<unknown>): void {
    this.leftovers.push(undo);
  }

  /** What cannot be undone stays: it says nothing about the deployment. */
  async cleanUp(): Promise<void> {
    for (const undo of this.leftovers.toReversed()) await undo().catch(() => {});
    const all = [...this.plain.values(), ...this.clients.values()];
    await Promise.allSettled(all.map((connection) => connection.close()));
  }
}

function socketFrom(origin: string): WebSocketConstructor {
  class SocketFromOrigin extends NodeWebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols, { origin });
    }
  }
  return SocketFromOrigin;
}
