// What happens and how things stand, for the developer page: who, which route, how large; never what was said. The page
// compiles with this file: nothing of Node may come in here.
import type { InvocationResult } from './model.ts';

/** A connection, and who the authorizer says is behind it. */
export interface ClientIdentity {
  readonly connectionId: string;
  readonly userId: string | undefined;
  readonly deviceId: string | undefined;
  readonly platform: string | undefined;
}

export interface EnvironmentCounts {
  readonly busy: number;
  readonly idle: number;
}

export interface ConnectionState extends ClientIdentity {
  /** ms since the epoch, both. */
  readonly connectedAt: number;
  readonly lastActiveAt: number;
}

export type ActivityEvent =
  | { readonly kind: 'connected'; readonly client: ClientIdentity }
  | { readonly kind: 'refused'; readonly status: number }
  | { readonly kind: 'disconnected'; readonly client: ClientIdentity; readonly code: number }
  | {
      readonly kind: 'messageIn' | 'messageOut';
      readonly client: ClientIdentity;
      /** A route key, or `@connections` for what a function posted. */
      readonly route: string;
      readonly sizeBytes: number;
    }
  | {
      readonly kind: 'invocation';
      readonly functionName: string;
      readonly durationMs: number;
      readonly coldStart: boolean;
      readonly outcome: InvocationResult['outcome'];
    };

export type RecordedActivity = ActivityEvent & {
  /** 1, 2, 3 … in the order of recording. */
  readonly id: number;
  /** ms since the epoch. */
  readonly at: number;
};

/** Enough for a screen or two of history; a page that polls misses something only in a storm. */
const defaultCapacity = 300;

export class Activity {
  private readonly capacity: number;
  private readonly now: () => number;
  private readonly events: RecordedActivity[] = [];
  private lastId = 0;

  constructor(capacity = defaultCapacity, now: () => number = Date.now) {
    this.capacity = capacity;
    this.now = now;
  }

  record(event: ActivityEvent): void {
    this.lastId += 1;
    this.events.push({ ...event, id: this.lastId, at: this.now() });
    if (this.events.length > this.capacity) this.events.shift();
  }

  /** What came after the event of this id and is still kept, oldest first. */
  after(id: number): readonly RecordedActivity[] {
    return this.events.filter((event) => event.id > id);
  }
}
