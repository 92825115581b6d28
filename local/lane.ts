// One worker of an event source mapping: gathers records into batches and delivers them one after the other.
import type { Faults, StreamFaults } from './faults.ts';
import type { StreamRecord } from './stream-reader.ts';

/** A record on its way to the function. */
export interface Delivery {
  readonly record: StreamRecord;
  readonly shardId: string;
  /** ms since the epoch. */
  readonly createdAt: number;
  /** The same for all records of one item: their order is kept. */
  readonly itemKey: string;
  /** Delivered, or given up. */
  done(): void;
}

export interface LaneOptions {
  readonly batchSize: number;
  readonly batchingWindowMs: number;
  readonly faults: Pick<Faults, 'stream'>;
  readonly closing: AbortSignal;
  readonly deliver: (batch: readonly Delivery[], fault: StreamFaults) => Promise<void>;
}

/** Lambda invokes with at most this much, whatever the batch size. */
const maximumPayloadBytes = 6 * 1024 * 1024;
const payloadEnvelopeBytes = 64;

export class Lane {
  private readonly options: LaneOptions;
  private queue: Delivery[] = [];
  private running: Promise<void> | undefined;
  private wake: () => void = () => undefined;

  constructor(options: LaneOptions) {
    this.options = options;
  }

  push(delivery: Delivery): void {
    this.queue.push(delivery);
    if (this.queue.length >= this.options.batchSize) this.wake();
    this.running ??= this.run();
  }

  /** Resolves when nothing is queued or under way. */
  async idle(): Promise<void> {
    while (this.running) await this.running;
  }

  private async run(): Promise<void> {
    // The records of one poll are pushed together: let them come together.
    await Promise.resolve();
    const { closing, deliver, faults } = this.options;
    while (this.queue.length > 0 && !closing.aborted) {
      await this.window();
      if (closing.aborted) break;
      const fault = faults.stream();
      await deliver(this.take(fault.reorder), fault);
    }
    this.running = undefined;
  }

  /** The batching window begins when the previous invocation has ended; a full batch ends it. */
  private async window(): Promise<void> {
    const { batchSize, batchingWindowMs, closing } = this.options;
    if (batchingWindowMs === 0 || this.queue.length >= batchSize) return;
    await new Promise<void>((resolve) => {
      const finish = () => {
        clearTimeout(timer);
        closing.removeEventListener('abort', finish);
        this.wake = () => undefined;
        resolve();
      };
      const timer = setTimeout(finish, batchingWindowMs);
      closing.addEventListener('abort', finish, { once: true });
      this.wake = finish;
    });
  }

  /** In order; `reorder` lets the records of the first item wait while those of other items go ahead. */
  private take(reorder: boolean): Delivery[] {
    const first = this.queue[0]?.itemKey;
    const others = reorder ? this.queue.filter(({ itemKey }) => itemKey !== first) : [];
    const candidates = others.length > 0 ? others : this.queue;
    const batch = fitting(candidates.slice(0, this.options.batchSize));
    const taken = new Set(batch);
    this.queue = this.queue.filter((delivery) => !taken.has(delivery));
    return batch;
  }
}

/** At least one record, and no more than the payload limit has room for. */
function fitting(candidates: readonly Delivery[]): Delivery[] {
  let sizeBytes = payloadEnvelopeBytes;
  const end = candidates.findIndex(({ record }, index) => {
    sizeBytes += Buffer.byteLength(JSON.stringify(record)) + 1;
    return index > 0 && sizeBytes > maximumPayloadBytes;
  });
  return candidates.slice(0, end === -1 ? candidates.length : end);
}
