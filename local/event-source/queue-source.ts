// One event source mapping of a queue: receives messages, filters, gathers batches, keeps to its concurrency.
import { setMaxListeners } from 'node:events';
import type { Faults } from '../faults/faults.ts';
import { createRandom } from '../faults/random.ts';
import { messageSite } from '../faults/sites.ts';
import type { Metering } from '../metering.ts';
import type { CloudModel, Invoke, QueueSourceModel } from '../model.ts';
import type { Queue } from '../sqs/queue.ts';
import type { Queues } from '../sqs/queues.ts';
import { compileFilters, type EventFilter } from './filter.ts';
import { maximumRecordsBytes, recordBytes } from './limits.ts';
import { deliverMessages, type QueueDelivery, type QueueDeliveryOptions } from './queue-delivery.ts';
import { filteredForm, toQueueRecord } from './queue-record.ts';

export interface QueueSourceOptions {
  readonly model: CloudModel;
  readonly eventSource: QueueSourceModel;
  readonly queues: Pick<Queues, 'find'>;
  readonly invoke: Invoke;
  readonly metering: Pick<Metering, 'recordEvents'>;
  readonly faults: Pick<Faults, 'stream' | 'singly'>;
  readonly clock: () => number;
}

export interface SettleOptions {
  /** Also what a queue delays, however long: absent, only what is due by now. */
  readonly delayed?: boolean;
}

/** Lambda begins with five batches at the same time, and would go on to 1,000; a laptop has no use for more. */
const defaultConcurrency = 5;
/** The longest that a timer can be. */
const maximumTimerMs = 2 ** 31 - 1;

export class QueueSource {
  readonly id: string;
  /** Messages whose delivery has come to an end. */
  processed = 0;
  private readonly options: QueueSourceOptions;
  private readonly queue: Queue;
  private readonly passes: EventFilter;
  private readonly delivery: QueueDeliveryOptions;
  private readonly closing = new AbortController();
  /** Received, and left over for the next batch. */
  private carried: QueueDelivery[] = [];
  private batches = 0;
  private underWay = 0;
  private readonly wakers = new Set<() => void>();
  private running: Promise<void> = Promise.resolve();
  private stopListening: () => void = () => undefined;

  constructor(options: QueueSourceOptions) {
    const { eventSource, queues, invoke, metering, clock } = options;
    const queue = queues.find(eventSource.queueArn);
    if (!queue) throw new Error(`Event source ${eventSource.id}: no queue ${eventSource.queueArn}`);
    this.options = options;
    this.id = eventSource.id;
    this.queue = queue;
    this.passes = compileFilters(eventSource.filters);
    // Each batch that waits listens for the end.
    setMaxListeners(0, this.closing.signal);
    this.delivery = {
      eventSource,
      queue,
      invoke,
      now: clock,
      random: createRandom(0, eventSource.id),
      closing: this.closing.signal,
      count: (kind, count) => metering.recordEvents(eventSource.id, kind, count),
    };
  }

  get inFlight(): number {
    return this.underWay;
  }

  open(): void {
    this.stopListening = this.queue.onChange(() => this.wake());
    this.running = this.run();
  }

  /** Resolves when everything has been processed that is due, or comes back; and what is delayed, where that is asked. */
  async settle({ delayed = false }: SettleOptions = {}): Promise<void> {
    const waiting = () => (delayed ? this.queue.size : this.queue.due);
    while (!this.closing.signal.aborted && (waiting() > 0 || this.batches > 0)) {
      await this.change(Infinity);
    }
  }

  async close(): Promise<void> {
    this.closing.abort();
    this.wake();
    await this.running;
    while (this.batches > 0) await this.change(Infinity);
    this.stopListening();
  }

  private async run(): Promise<void> {
    while (!this.closing.signal.aborted) {
      if (this.batches >= this.concurrency()) {
        await this.change(Infinity);
        continue;
      }
      const batch = await this.gather();
      if (batch.length > 0) this.start(batch);
      else if (!this.closing.signal.aborted) await this.change(this.queue.nextVisibleAt());
    }
  }

  private concurrency(): number {
    const { faults, eventSource } = this.options;
    return faults.singly ? 1 : (eventSource.maximumConcurrency ?? defaultConcurrency);
  }

  /** The batching window begins with the first message; a full batch ends it. */
  private async gather(): Promise<QueueDelivery[]> {
    const { faults, eventSource, clock } = this.options;
    if (faults.singly) return this.takeOne();
    const { batchSize, batchingWindowMs } = eventSource;
    const batch = this.take([], batchSize);
    if (batch.length === 0) return batch;
    const end = clock() + batchingWindowMs;
    while (batch.length < batchSize && this.carried.length === 0 && clock() < end) {
      await this.change(Math.min(end, this.queue.nextVisibleAt()));
      if (this.closing.signal.aborted) return [];
      this.take(batch, batchSize);
    }
    return batch;
  }

  /** As many as there are, as are wanted, and as the payload has room for: the first that has none is carried over. */
  private take(batch: QueueDelivery[], batchSize: number): QueueDelivery[] {
    let sizeBytes = batch.reduce((sum, { record }) => sum + recordBytes(record), 0);
    while (batch.length < batchSize) {
      const next = this.carried.shift() ?? this.receive();
      if (!next) break;
      sizeBytes += recordBytes(next.record);
      if (batch.length > 0 && sizeBytes > maximumRecordsBytes) {
        this.carried.unshift(next);
        break;
      }
      batch.push(next);
    }
    return batch;
  }

  /** One that is to be reordered changes places with the next, if there is one. */
  private takeOne(): QueueDelivery[] {
    const carried = this.carried.shift();
    if (carried) return [carried];
    const first = this.receive();
    const second = first?.fault.reorder ? this.receive() : undefined;
    if (second) this.carried.push(first!);
    return [second ?? first].filter((delivery) => delivery !== undefined);
  }

  /** The next message of interest; others are deleted, as Lambda does with what filters do not let through. */
  private receive(): QueueDelivery | undefined {
    const { eventSource, faults, model } = this.options;
    for (let message = this.queue.receive(); message; message = this.queue.receive()) {
      const record = toQueueRecord(message, eventSource.queueArn, model.region);
      this.delivery.count('polled', 1);
      if (this.passes(filteredForm(record))) {
        this.underWay += 1;
        return { message, record, fault: faults.stream(() => messageSite(this.id, record)) };
      }
      this.delivery.count('filteredOut', 1);
      this.queue.delete(message);
      this.processed += 1;
    }
    return undefined;
  }

  private start(batch: readonly QueueDelivery[]): void {
    this.batches += 1;
    void deliverMessages(this.delivery, batch).finally(() => {
      this.batches -= 1;
      this.underWay -= batch.length;
      this.processed += batch.length;
      this.wake();
    });
  }

  /** Until something happens in the queue or to a batch, or that time has come. */
  private async change(at: number): Promise<void> {
    const waitMs = at - this.options.clock();
    if (waitMs <= 0) return await Promise.resolve();
    await new Promise<void>((resolve) => {
      const timer = at === Infinity ? undefined : setTimeout(() => waker(), Math.min(waitMs, maximumTimerMs));
      const waker = () => {
        clearTimeout(timer);
        this.wakers.delete(waker);
        resolve();
      };
      this.wakers.add(waker);
    });
  }

  private wake(): void {
    for (const waker of this.wakers) waker();
  }
}
