// Reads a table's stream from the engine, shard by shard, and gives its records the form that Lambda gives them.
import type { Positions } from './checkpoints.ts';
import { EngineError, type EngineClient } from '../dynamodb/engines/client.ts';
import type { Engine } from '../dynamodb/engines/endpoint.ts';
import type { TableModel } from '../model.ts';
import {
  findStreamArn,
  isChange,
  toStreamRecord,
  type EngineRecord,
  type StreamRecord,
} from './stream-record.ts';
import type { TtlDeletions } from '../dynamodb/ttl.ts';

export interface ReadRecord {
  readonly shardId: string;
  readonly sequenceNumber: string;
  /** ms since the epoch. */
  readonly createdAt: number;
  /** Undefined for a write that changed nothing: DynamoDB makes no record of it. */
  readonly record: StreamRecord | undefined;
}

export interface StreamReaderOptions {
  readonly client: EngineClient;
  readonly quirks: Engine['quirks'];
  readonly table: TableModel;
  readonly region: string;
  readonly startingPosition: 'TRIM_HORIZON' | 'LATEST';
  /** Where an earlier run came to. */
  readonly positions: Positions;
  readonly deletions: TtlDeletions;
  readonly now: () => number;
}

interface Shard {
  readonly shardId: string;
  readonly parentShardId: string | undefined;
  iterator: string | undefined;
  lastSequenceNumber: string | undefined;
  /** It has ended and all of it was read: its children may be read. */
  drained: boolean;
}

const pageSize = 1000;

export class StreamReader {
  private readonly options: StreamReaderOptions;
  private readonly shards = new Map<string, Shard>();
  private streamArn: string | undefined;
  private startIsKnown = false;

  constructor(options: StreamReaderOptions) {
    this.options = options;
  }

  /** Finds the stream and its shards; from then on nothing that is written is missed. */
  async open(): Promise<void> {
    const { client, table } = this.options;
    this.streamArn = await findStreamArn(client, table.tableName);
    await this.refreshShards();
    this.startIsKnown = true;
  }

  /** The next page of each shard, a parent's records before its children's. */
  async poll(): Promise<ReadRecord[]> {
    const records: ReadRecord[] = [];
    let rolled = this.shards.size === 0;
    for (const shard of this.shards.values()) {
      if (!this.isReadable(shard)) continue;
      for (const record of await this.readPage(shard)) records.push(this.toReadRecord(shard, record));
      rolled ||= shard.drained;
    }
    if (rolled) await this.refreshShards();
    return records;
  }

  private isReadable({ drained, parentShardId }: Shard): boolean {
    return !drained && (parentShardId === undefined || this.shards.get(parentShardId)?.drained !== false);
  }

  private async refreshShards(): Promise<void> {
    let exclusiveStart: string | undefined;
    const listed = new Set<string>();
    do {
      const { StreamDescription: page } = await this.options.client.call<{
        StreamDescription: {
          Shards?: { ShardId: string; ParentShardId?: string }[];
          LastEvaluatedShardId?: string;
        };
      }>('DescribeStream', {
        StreamArn: this.streamArn,
        ...(exclusiveStart !== undefined && { ExclusiveStartShardId: exclusiveStart }),
      });
      for (const { ShardId: shardId, ParentShardId: parentShardId } of page.Shards ?? []) {
        listed.add(shardId);
        if (!this.shards.has(shardId)) await this.addShard(shardId, parentShardId);
      }
      exclusiveStart = page.LastEvaluatedShardId;
    } while (exclusiveStart !== undefined);
    for (const { shardId, drained } of this.shards.values()) {
      if (drained && !listed.has(shardId)) this.shards.delete(shardId);
    }
  }

  private async addShard(shardId: string, parentShardId: string | undefined): Promise<void> {
    const shard: Shard = {
      shardId,
      parentShardId,
      iterator: undefined,
      lastSequenceNumber: this.options.positions[shardId],
      drained: false,
    };
    this.shards.set(shardId, shard);
    // Only shards that are there at the very start may be begun in the middle.
    if (!this.startIsKnown && this.options.startingPosition === 'LATEST')
      await this.openIterator(shard, 'LATEST');
  }

  private async openIterator(shard: Shard, start: 'TRIM_HORIZON' | 'LATEST'): Promise<string> {
    const { lastSequenceNumber } = shard;
    const from =
      lastSequenceNumber === undefined
        ? { ShardIteratorType: start }
        : { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: lastSequenceNumber };
    const { ShardIterator } = await this.options.client.call<{ ShardIterator: string }>('GetShardIterator', {
      StreamArn: this.streamArn,
      ShardId: shard.shardId,
      ...from,
    });
    return (shard.iterator = ShardIterator);
  }

  private async readPage(shard: Shard): Promise<readonly EngineRecord[]> {
    const ShardIterator = shard.iterator ?? (await this.openIterator(shard, 'TRIM_HORIZON'));
    try {
      const page = await this.options.client.call<{ Records: EngineRecord[]; NextShardIterator?: string }>(
        'GetRecords',
        { ShardIterator, Limit: pageSize },
      );
      shard.iterator = page.NextShardIterator;
      shard.lastSequenceNumber = page.Records.at(-1)?.dynamodb.SequenceNumber ?? shard.lastSequenceNumber;
      shard.drained = page.NextShardIterator === undefined;
      return page.Records;
    } catch (error) {
      shard.iterator = undefined;
      // What was trimmed is gone: go on with what is left.
      if (error instanceof EngineError && error.name === 'TrimmedDataAccessException') {
        shard.lastSequenceNumber = undefined;
        return [];
      }
      // After 15 idle minutes: opened anew at the next poll, after the last record that was read.
      if (error instanceof EngineError && error.name === 'ExpiredIteratorException') return [];
      throw error;
    }
  }

  private toReadRecord(shard: Shard, record: EngineRecord): ReadRecord {
    const { quirks, now } = this.options;
    const createdAt = record.dynamodb.ApproximateCreationDateTime * 1000;
    return {
      shardId: shard.shardId,
      sequenceNumber: record.dynamodb.SequenceNumber,
      // Of a time that was rounded down, the latest that it can mean: no record is older than it seems.
      createdAt: Math.min(now(), createdAt + quirks.streamTimestampStepMs),
      record: isChange(record) ? toStreamRecord(record, this.options) : undefined,
    };
  }
}
