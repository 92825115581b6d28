// One event source mapping: polls the stream, filters, spreads the records over its workers, keeps its checkpoint.
import { setMaxListeners } from 'node:events';
import { deliverBatch, type BatchDeliveryOptions } from './delivery.ts';
import { ShardProgress, type Checkpoints } from './checkpoints.ts';
import type { EngineClient } from '../dynamodb/engines/client.ts';
import type { Engine } from '../dynamodb/engines/endpoint.ts';
import { compileFilters, type EventFilter } from './filter.ts';
import { recordSite } from '../faults/sites.ts';
import type { Faults } from '../faults/faults.ts';
import type { Delivery } from './lane.ts';
import { Lanes } from './lanes.ts';
import type { Log } from '../log.ts';
import type { Metering } from '../metering.ts';
import type { CloudModel, EventSourceModel, Invoke, TableModel } from '../model.ts';
import { createRandom } from '../faults/random.ts';
import { StreamReader, type ReadRecord } from './stream-reader.ts';
import type { StreamRecord } from './stream-record.ts';
import type { TtlDeletions } from '../dynamodb/ttl.ts';

export interface EventSourceMappingOptions {
  readonly model: CloudModel;
  readonly eventSource: EventSourceModel;
  readonly engine: Engine;
  readonly client: EngineClient;
  readonly checkpoints: Checkpoints;
  readonly invoke: Invoke;
  readonly metering: Pick<Metering, 'recordEvents'>;
  readonly faults: Pick<Faults, 'stream'>;
  readonly log: Log;
  readonly queues: { send(arn: string, body: string): Promise<unknown> };
  readonly deletions: TtlDeletions;
  readonly clock: () => number;
}

/** AWS polls each shard four times a second; here a write nudges, so that an idle laptop is idle. */
const idlePollMs = 1_000;
const maximumRecordsUnderWay = 10_000;

export class EventSourceMapping {
  readonly id: string;
  readonly tableName: string;
  /** Records that were delivered, given up or of no interest. */
  processed = 0;
  private readonly options: EventSourceMappingOptions;
  private readonly model: EventSourceModel;
  private readonly table: TableModel;
  private readonly reader: StreamReader;
  private readonly passes: EventFilter;
  private readonly delivery: BatchDeliveryOptions;
  private readonly lanes: Lanes;
  private readonly progress = new Map<string, ShardProgress>();
  private readonly closing = new AbortController();
  private underWay = 0;
  private nudged = false;
  private wake: () => void = () => undefined;
  private polling: Promise<number> = Promise.resolve(0);
  private running: Promise<void> = Promise.resolve();
  private lastProblem: string | undefined;

  constructor(options: EventSourceMappingOptions) {
    const { eventSource, model, checkpoints, metering, queues, invoke } = options;
    const { log, clock, engine, client, deletions } = options;
    const table = model.tables.find(({ tableName }) => tableName === eventSource.tableName);
    const target = model.functions.find(({ name }) => name === eventSource.functionName);
    if (!table?.stream || !target)
      throw new Error(`Event source ${eventSource.id}: no such stream or function`);
    this.options = options;
    // Each worker that waits listens for the end.
    setMaxListeners(0, this.closing.signal);
    this.id = eventSource.id;
    this.model = eventSource;
    this.table = table;
    this.tableName = table.tableName;
    this.passes = compileFilters(eventSource.filters);
    this.reader = new StreamReader({
      client,
      quirks: engine.quirks,
      table,
      region: model.region,
      startingPosition: eventSource.startingPosition,
      positions: checkpoints.of(eventSource.id),
      deletions,
      now: clock,
    });
    this.delivery = {
      eventSource,
      functionArn: target.arn,
      streamArn: table.stream.arn,
      invoke,
      log,
      now: clock,
      random: createRandom(0, eventSource.id),
      closing: this.closing.signal,
      sendToDestination: async (arn, body) => void (await queues.send(arn, body)),
      count: (kind, count) => metering.recordEvents(eventSource.id, kind, count),
    };
    const { batchSize, batchingWindowMs, parallelizationFactor } = eventSource;
    this.lanes = new Lanes(parallelizationFactor, {
      batchSize,
      batchingWindowMs,
      closing: this.closing.signal,
      deliver: (batch) => deliverBatch(this.delivery, batch),
    });
  }

  get inFlight(): number {
    return this.underWay;
  }

  async open(): Promise<void> {
    await this.reader.open();
    this.running = this.run();
  }

  nudge(): void {
    this.nudged = true;
    this.wake();
  }

  /** Reads what there is and waits for what is under way. */
  async settle(): Promise<void> {
    await this.poll();
    await this.lanes.idle();
  }

  async close(): Promise<void> {
    this.closing.abort();
    this.wake();
    await this.running;
    await this.polling;
    await this.lanes.idle();
  }

  private async run(): Promise<void> {
    while (!this.closing.signal.aborted) {
      this.nudged = false;
      const count = await this.poll();
      if (count === 0 && !this.nudged) await this.rest();
    }
  }

  /** Until somebody nudges, or a second has gone. */
  private rest(): Promise<void> {
    if (this.closing.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.wake(), idlePollMs);
      this.wake = () => {
        clearTimeout(timer);
        this.wake = () => undefined;
        resolve();
      };
    });
  }

  /** One at a time; a poll that is asked for begins after the asking, so it sees what was written before. */
  private poll(): Promise<number> {
    this.polling = this.polling.then(() => this.readAndDispatch());
    return this.polling;
  }

  private async readAndDispatch(): Promise<number> {
    if (this.closing.signal.aborted || this.underWay >= maximumRecordsUnderWay) return 0;
    try {
      const records = await this.reader.poll();
      for (const record of records) {
        const delivery = this.deliveryOf(record);
        if (!delivery) continue;
        if (this.lanes.mustBeIdleFor(delivery)) await this.lanes.idle();
        this.lanes.push(delivery);
      }
      this.lastProblem = undefined;
      return records.length;
    } catch (error) {
      this.reportOnce(error);
      return 0;
    }
  }

  /** An engine that is down is told once, not once a second. */
  private reportOnce(error: unknown): void {
    const problem = String(error);
    if (problem === this.lastProblem || this.closing.signal.aborted) return;
    this.lastProblem = problem;
    this.options.log.error('event-source', `${this.model.id}: ${problem}`);
  }

  /** @returns nothing for a record that is of no interest. */
  private deliveryOf({ record, shardId, sequenceNumber, createdAt }: ReadRecord): Delivery | undefined {
    const progress = this.progressOf(shardId);
    if (record) this.delivery.count('polled', 1);
    if (!record || !this.passes(record)) {
      if (record) this.delivery.count('filteredOut', 1);
      progress.skip(sequenceNumber);
      this.processed += 1;
      this.saveCheckpoint(shardId, progress);
      return undefined;
    }
    progress.begin(sequenceNumber);
    this.underWay += 1;
    return {
      record,
      shardId,
      createdAt,
      ...this.keysOf(record),
      fault: this.options.faults.stream(() => recordSite(this.id, record)),
      done: () => {
        this.underWay -= 1;
        this.processed += 1;
        progress.done(sequenceNumber);
        this.saveCheckpoint(shardId, progress);
      },
    };
  }

  private keysOf({ dynamodb: { Keys } }: StreamRecord): Pick<Delivery, 'partitionKey' | 'itemKey'> {
    const values = this.table.keySchema.map(({ AttributeName }) => JSON.stringify(Keys[AttributeName]));
    return { partitionKey: values[0] ?? '', itemKey: values.join() };
  }

  private progressOf(shardId: string): ShardProgress {
    let progress = this.progress.get(shardId);
    if (!progress) {
      progress = new ShardProgress(this.options.checkpoints.of(this.model.id)[shardId]);
      this.progress.set(shardId, progress);
    }
    return progress;
  }

  private saveCheckpoint(shardId: string, progress: ShardProgress): void {
    const checkpoint = progress.checkpoint();
    if (checkpoint !== undefined) this.options.checkpoints.set(this.model.id, shardId, checkpoint);
  }
}
