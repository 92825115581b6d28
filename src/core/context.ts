// What the domain is handed: nothing in core reads a clock, makes an id or opens a connection by itself.
import type { Refused, Push } from '../protocol/server-frames.ts';
import type { Platform } from '../protocol/ids.ts';
import type { Database } from './database.ts';
import type { Settings } from './settings.ts';

export interface Context {
  readonly db: Database;
  readonly settings: Settings;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Waits before the n-th repetition: exponential, jittered, bounded. */
  readonly backOff: (attempt: number) => Promise<void>;
  readonly connections: Connections;
  readonly log: Log;
}

/** Who asks: from the authorizer and the connection, never from the frame. */
export interface Caller {
  readonly userId: string;
  readonly deviceId: string;
  readonly platform: Platform;
  readonly connectionId: string;
  /** Milliseconds since the epoch. */
  readonly connectedAt: number;
  /** The token's `exp`: seconds since the epoch. */
  readonly expiresAt: number;
  /** When the gateway took the request: milliseconds since the epoch. */
  readonly arrivedAt: number;
}

export type Delivery =
  | 'accepted'
  /** The connection is no more. */
  | 'gone'
  /** Not delivered, after a few tries: the client will see the gap. */
  | 'failed';

/** The gateway's connections. Posting is an optimisation: it reports, it never throws. */
export interface Connections {
  post(connectionId: string, frame: Push | Refused): Promise<Delivery>;
  close(connectionId: string): Promise<void>;
}

/** Structured: ids and counts, never bodies or tokens. */
export interface Log {
  info(event: string, fields?: Record<string, unknown>): void;
  warn(event: string, fields?: Record<string, unknown>): void;
  error(event: string, fields?: Record<string, unknown>): void;
}
