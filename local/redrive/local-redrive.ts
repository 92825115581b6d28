// Redriving in the local cloud: its queues, its engine's streams, its functions.
import { EngineClient } from '../dynamodb/engines/client.ts';
import type { Engine } from '../dynamodb/engines/endpoint.ts';
import type { CloudModel, Invoke } from '../model.ts';
import { findStreamArn, isChange, toStreamRecord, type EngineRecord } from '../event-source/stream-record.ts';
import type { TtlDeletions } from '../dynamodb/ttl.ts';
import { moveBack } from './dead-letters.ts';
import { deadLetterQueues, failureQueue, type LocalMessage, type LocalQueues } from './local-queues.ts';
import { redrive, type RedriveParts } from './redrive.ts';
import { total, type RedriveReport } from './report.ts';
import type { Stream } from './stream-range.ts';

export interface LocalRedriveOptions {
  readonly model: CloudModel;
  readonly engine: Pick<Engine, 'endpoint'>;
  readonly queues: LocalQueues;
  readonly deletions: TtlDeletions;
  readonly invoke: Invoke;
}

export interface LocalRedrive {
  /** Whoever asks while a run is under way gets its report. */
  run(): Promise<RedriveReport>;
  close(): Promise<void>;
}

interface EnginePage {
  readonly Records: readonly EngineRecord[];
  readonly NextShardIterator?: string;
}

export function createLocalRedrive(options: LocalRedriveOptions): LocalRedrive {
  const client = new EngineClient(options.engine.endpoint);
  const parts: RedriveParts<LocalMessage> = {
    queue: failureQueue(options.model, options.queues),
    stream: streamOf(client, options),
    mappingOf: ({ streamArn, functionArn }) =>
      options.model.eventSources.find(({ tableName, functionName }) => {
        const table = options.model.tables.find((candidate) => candidate.tableName === tableName);
        const target = options.model.functions.find((candidate) => candidate.name === functionName);
        return table?.stream?.arn === streamArn && target?.arn === functionArn;
      }),
    invoke: options.invoke,
  };
  const run = async () => {
    const reports = [await redrive(parts)];
    for (const dead of deadLetterQueues(options.model, options.queues)) reports.push(await moveBack(dead));
    return total(reports);
  };
  let running: Promise<RedriveReport> | undefined;
  return {
    run: () => (running ??= run().finally(() => (running = undefined))),
    async close() {
      await running;
      client.close();
    },
  };
}

/** The engine has its own names for streams. */
function streamOf(client: EngineClient, { model, deletions }: LocalRedriveOptions): Stream {
  return {
    async *pages({ streamArn, shardId, startSequenceNumber }) {
      const table = model.tables.find(({ stream }) => stream?.arn === streamArn)!;
      const start = await client.call<{ ShardIterator: string }>('GetShardIterator', {
        StreamArn: await findStreamArn(client, table.tableName),
        ShardId: shardId,
        ShardIteratorType: 'AT_SEQUENCE_NUMBER',
        SequenceNumber: startSequenceNumber,
      });
      let iterator: string | undefined = start.ShardIterator;
      while (iterator !== undefined) {
        const page: EnginePage = await client.call('GetRecords', { ShardIterator: iterator });
        yield page.Records.filter(isChange).map((record) =>
          toStreamRecord(record, { table, region: model.region, deletions }),
        );
        iterator = page.NextShardIterator;
      }
    },
  };
}
