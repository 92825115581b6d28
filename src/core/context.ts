// What the domain is handed: nothing in core reads a clock, makes an id or opens a connection by itself.
import type { Refused, Push } from '../protocol/server-frames.ts';
import type { Platform } from '../protocol/ids.ts';
import type { Database } from './database.ts';
import type { PushFailures } from './push-failures.ts';
import type { KnownGroups } from './groups/known-groups.ts';
import type { Tasks } from './groups/task.ts';
import type { ObjectStore } from './media/object-store.ts';
import type { Notes, Watches } from './notifications/note.ts';
import type { BeforeSend } from './hooks.ts';
import type { Settings } from './settings.ts';

export interface Context {
  readonly db: Database;
  readonly settings: Settings;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Waits before the n-th repetition: exponential, jittered, bounded. */
  readonly backOff: (attempt: number) => Promise<void>;
  /** Milliseconds. */
  readonly wait: (ms: number) => Promise<void>;
  readonly connections: Connections;
  readonly pushFailures: PushFailures;
  readonly knownGroups: KnownGroups;
  readonly tasks: Tasks;
  readonly notes: Notes;
  readonly watches: Watches;
  readonly objects: ObjectStore;
  /** Where an operator wants to be asked before messages are stored. */
  readonly beforeSend?: BeforeSend | undefined;
  readonly log: Log;
  /** The gateway's id of the request that is answered; what streams and queues bring answers none. */
  readonly requestId?: string;
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
  /** When the token was issued: seconds since the epoch. */
  readonly issuedAt?: number;
  /** When the gateway took the request: milliseconds since the epoch. */
  readonly arrivedAt: number;
}

export type Delivery =
  | 'accepted'
  /** The connection is no more. */
  | 'gone'
  /** Not delivered: if it was a push, the client will see the gap. */
  | 'failed';

/** The gateway's connections. Posting is an optimisation: it reports, it never throws. */
export interface Connections {
  /** Tries a few times. */
  post(connectionId: string, frame: Push | Refused): Promise<Delivery>;
  startPushes(): Pushes;
  close(connectionId: string): Promise<void>;
}

export type PushDelivery =
  | Delivery
  /** Busy, or no answer in time: its client reads too slowly, or not at all. */
  | 'stalled';

/** The pushes of one batch: a single, short try each, for whoever reads slowly must not delay the others. */
export interface Pushes {
  push(connectionId: string, frame: Push): Promise<PushDelivery>;
  /** The batch has nothing else to do: what is not delivered soon has failed. */
  lastCall(): void;
}

/** Structured: ids and counts, never bodies or tokens. */
export interface Log {
  info(event: string, fields?: Record<string, unknown>): void;
  warn(event: string, fields?: Record<string, unknown>): void;
  error(event: string, fields?: Record<string, unknown>): void;
}
