// What an app says when it opens a client.
import type { Platform } from '../protocol/ids.ts';
import type { ClientEvents } from './client-events.ts';
import type { TokenOption } from './connection/token.ts';
import type { Environment, WebSocketConstructor } from './environment.ts';
import type { Listener } from './events.ts';
import type { Storage } from './storage/storage.ts';

export interface ClientOptions {
  /** `wss://HOST/STAGE` */
  readonly url: string;
  /** A JWT whose `sub` is the user. A function is asked before each handshake, so that the token is a fresh one. */
  readonly token: TokenOption;
  readonly platform: Platform;
  /** `[A-Za-z0-9_.@-]{1,64}`; default: made once and kept in the storage. */
  readonly deviceId?: string;
  /** Default: memory. One storage per user and device; the client closes it. */
  readonly storage?: Storage;
  /**
   * How many of the newest messages of each conversation are kept here; default 1 000. Older ones are read from the
   * server when they are asked for.
   */
  readonly keepMessages?: number;
  /** Default: the platform's. */
  readonly webSocket?: WebSocketConstructor;
  /** Listeners that are there before anything happens. */
  readonly on?: { readonly [Name in keyof ClientEvents]?: Listener<ClientEvents[Name]> };
  /** For tests. */
  readonly environment?: Partial<Environment>;
}

export interface ConnectOptions extends ClientOptions {
  /** Milliseconds to wait for the first sync; default 30 000. */
  readonly timeoutMs?: number;
}
