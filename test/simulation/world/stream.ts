// The stream of a table: in order of each item, late, in batches, some of them twice, and what fails is
// tried again.
import { hash, type Random } from '../../../local/faults/random.ts';
import type { TableName } from '../../../src/core/tables.ts';
import type { ModelDynamoDb } from '../dynamodb/model.ts';
import type { StreamRecord } from '../dynamodb/stream.ts';
import type { WorldFaults } from './faults.ts';
import type { Ended } from './functions.ts';
import type { Scheduler } from './scheduler.ts';

const SHARDS = 2;
const BATCH = 100;
/** Tries of a batch (lib/fan-out.ts), the first included; what fails then is redriven. */
const MAX_TRIES = 6;
const RETRY_MS = 200;

export interface StreamOptions {
  readonly table: TableName;
  /** Those that its mapping's filters let through. */
  readonly passes: (record: StreamRecord) => boolean;
  /** Records of the same one stay in order. */
  readonly partition: string;
  readonly model: ModelDynamoDb;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly faults: () => WorldFaults;
  /** What no function can ever read. */
  readonly isPoison?: (record: StreamRecord) => boolean;
  /** Sequence numbers of records that were not delivered. */
  readonly deliver: (records: readonly StreamRecord[]) => Promise<Ended<readonly string[]>>;
}

interface Lane {
  readonly waiting: StreamRecord[];
  busy: boolean;
}

export class Stream {
  private readonly options: StreamOptions;
  private readonly lanes: Lane[] = Array.from({ length: SHARDS }, () => ({ waiting: [], busy: false }));
  private read = 0;
  /** Records in the on-failure destination: of those alone it is certain that a redrive gains nothing. */
  givenUp = 0;

  constructor(options: StreamOptions) {
    this.options = options;
  }

  /** Call after each write: takes what is new, and delivers it in its time. */
  poll(): void {
    const { model, scheduler, random, faults, table, passes, partition } = this.options;
    const records = model.records(table, this.read);
    this.read += records.length;
    for (const record of records) {
      if (!passes(record)) continue;
      const lane = this.lanes[hash(record.Keys[partition]!.S!) % SHARDS]!;
      lane.waiting.push(record);
      scheduler.after(random.between(...faults().stream.delayMs), () => this.run(lane));
    }
  }

  get isQuiet(): boolean {
    return this.lanes.every(({ waiting, busy }) => waiting.length === 0 && !busy);
  }

  private run(lane: Lane): void {
    if (lane.busy || lane.waiting.length === 0) return;
    lane.busy = true;
    const { random, faults } = this.options;
    const size = random.next() < faults().stream.singly ? 1 : random.integer(1, BATCH);
    void this.processIn(lane, lane.waiting.splice(0, size));
  }

  private async processIn(lane: Lane, batch: StreamRecord[]): Promise<void> {
    await this.process(batch);
    lane.busy = false;
    this.run(lane);
  }

  private async process(batch: StreamRecord[]): Promise<void> {
    const { scheduler, random, faults, deliver, isPoison } = this.options;
    let left = batch;
    for (let tries = 1; left.length > 0; tries++) {
      const ended = await deliver(left);
      if (ended.outcome === 'failed' && left.length > 1) {
        // Split, until what nobody can take is alone; that uses up no try.
        const middle = Math.ceil(left.length / 2);
        await this.process(left.slice(0, middle));
        return this.process(left.slice(middle));
      }
      const twice = random.next() < faults().stream.duplicate;
      if (ended.outcome === 'answered' && !twice) {
        const failed = new Set(ended.answer);
        // Lambda goes on from the first that failed.
        const first = left.findIndex(({ SequenceNumber }) => failed.has(SequenceNumber));
        left = first === -1 ? [] : left.slice(first);
      }
      if (tries >= MAX_TRIES && left.length > 0 && left.every((record) => isPoison?.(record))) {
        this.givenUp += left.length;
        return;
      }
      if (tries >= MAX_TRIES && twice) return;
      if (left.length > 0) await scheduler.wait(random.between(0, RETRY_MS * Math.min(tries, 5)));
    }
  }
}
