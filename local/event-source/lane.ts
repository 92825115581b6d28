// One worker of an event source mapping: gathers records into batches and delivers them one after the other.
import { fittingCount } from './limits.ts';
import type { StreamFaults } from '../faults/faults.ts';
import type { StreamRecord } from './stream-record.ts';

/** A record on its way to the function. */
export interface Delivery {
  readonly record: StreamRecord;
  readonly shardId: string;
  /** ms since the epoch. */
  readonly createdAt: number;
  /** The same for all records of one partition: they are in one shard. */
  readonly partitionKey: string;
  /** The same for all records of one item: their order is kept. */
  readonly itemKey: string;
  readonly fault: StreamFaults;
  /** Delivered, or given up. */
  done(): void;
}

export interface LaneOptions {
  readonly batchSize: number;
  readonly batchingWindowMs: number;
  readonly closing: AbortSignal;
  readonly deliver: (batch: readonly Delivery[]) => Promise<void>;
}

/** So long is a single record that is to be reordered held back at most, for one that it may change places with. */
const maximumHoldMs = 2_000;

export class Lane {
  private readonly options: LaneOptions;
  private queue: Delivery[] = [];
  /** The first in the queue, when others went ahead of it already. */
  private overtaken: Delivery | undefined;
  private running: Promise<void> | undefined;
  /** How many records a wait is for, and what ends it. */
  private wanted = 0;
  private wake: () => void = () => undefined;

  constructor(options: LaneOptions) {
    this.options = options;
  }

  push(delivery: Delivery): void {
    this.queue.push(delivery);
    if (this.queue.length >= this.wanted) this.wake();
    this.running ??= this.run();
  }

  /** Resolves when nothing is queued or under way. */
  async idle(): Promise<void> {
    while (this.running) await this.running;
  }

  private async run(): Promise<void> {
    // The records of one poll are pushed together: let them come together.
    await Promise.resolve();
    const { closing, deliver } = this.options;
    while (this.queue.length > 0 && !closing.aborted) {
      await this.gather();
      if (closing.aborted) break;
      await deliver(this.take());
    }
    this.running = undefined;
  }

  /** The batching window begins when the previous invocation has ended; a full batch ends it. */
  private gather(): Promise<void> {
    const first = this.queue[0]!;
    if (!first.fault.singly) return this.queued(this.options.batchSize, this.options.batchingWindowMs);
    return this.isHeldBack(first) ? this.queued(2, maximumHoldMs) : Promise.resolve();
  }

  /** Until that many records are there, or that much time has gone. */
  private async queued(count: number, waitMs: number): Promise<void> {
    const { closing } = this.options;
    if (waitMs === 0 || this.queue.length >= count) return;
    this.wanted = count;
    await new Promise<void>((resolve) => {
      const finish = () => {
        clearTimeout(timer);
        closing.removeEventListener('abort', finish);
        this.wake = () => undefined;
        resolve();
      };
      const timer = setTimeout(finish, waitMs);
      closing.addEventListener('abort', finish, { once: true });
      this.wake = finish;
    });
  }

  /** In order; a first record that is to be reordered waits once, while those of other items go ahead. */
  private take(): Delivery[] {
    const first = this.queue[0]!;
    const { singly } = first.fault;
    // One that goes singly changes places with the next or with none: it does not matter how many are there by now.
    const behind = singly ? this.queue.slice(1, 2) : this.queue;
    const others = this.isHeldBack(first) ? behind.filter(({ itemKey }) => itemKey !== first.itemKey) : [];
    if (others.length > 0) this.overtaken = first;
    const candidates = others.length > 0 ? others : this.queue;
    const count = fittingCount(
      candidates.map(({ record }) => record),
      singly ? 1 : this.options.batchSize,
    );
    const batch = candidates.slice(0, count);
    const taken = new Set(batch);
    this.queue = this.queue.filter((delivery) => !taken.has(delivery));
    return batch;
  }

  private isHeldBack(first: Delivery): boolean {
    return first.fault.reorder && first !== this.overtaken;
  }
}
