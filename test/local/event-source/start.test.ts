import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { EngineClient } from '../../../local/dynamodb/engines/client.ts';
import { createTables, startEngine } from '../../../local/dynamodb/engines/engine.ts';
import { startEventSources } from '../../../local/event-source/event-source.ts';
import { Faults } from '../../../local/faults/faults.ts';
import { Metering } from '../../../local/metering.ts';
import { Queues } from '../../../local/sqs/queues.ts';
import { createIdentities } from '../../../local/iam/roles.ts';
import type { StreamRecord } from '../../../local/event-source/stream-record.ts';
import { allow, smallModel } from '../small-model.ts';
import { type Handler, closers, setUp, item, sortKeyOf, succeed, failOn } from './setup.ts';

async function dataDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'checkpoints-'));
  closers.push(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** Two runs over one engine: the second one must find the tables of the first. */
async function sharedEngine(): Promise<string> {
  const engine = await startEngine({ db: inject('db') });
  closers.push(() => engine.close());
  return engine.endpoint;
}

async function run(
  endpoint: string,
  directory: string,
  prefix: string,
  handler: Handler,
  sortKeys: number[],
) {
  const model = smallModel({ prefix, eventSource: { batchSize: 2 } });
  const engine = await startEngine({ db: endpoint });
  await createTables(engine, model);
  const client = new EngineClient(endpoint);
  for (const sk of sortKeys) {
    await client.call('PutItem', { TableName: model.orders.tableName, Item: item(sk) });
  }
  client.close();
  const batches: string[][] = [];
  const failed = new EventEmitter();
  const failing = once(failed, 'failed');
  const sources = await startEventSources({
    model,
    engine,
    identities: createIdentities(model),
    metering: new Metering(),
    faults: new Faults(),
    queues: await Queues.open({ model }),
    log: { info: () => {}, warn: () => {}, error: (_, message) => expect.fail(message) },
    dataDirectory: directory,
    invoke: async (_, event) => {
      const { Records } = event as { Records: StreamRecord[] };
      batches.push(Records.map(sortKeyOf));
      try {
        return { outcome: 'returned', payload: await handler(Records) };
      } catch (error) {
        failed.emit('failed');
        return { outcome: 'error', errorType: 'Error', errorMessage: String(error) };
      }
    },
  });
  closers.push(() => sources.close());
  return { batches, sources, failing };
}

describe('checkpoints', () => {
  it('what was done does not come again after a restart, and what was not done comes', async () => {
    const [endpoint, directory, prefix] = [
      await sharedEngine(),
      await dataDirectory(),
      `t${randomUUID().slice(0, 8)}`,
    ];
    const first = await run(endpoint, directory, prefix, failOn('3'), [1, 2, 3, 4]);
    await first.failing;
    await first.sources.close();
    expect(first.batches.slice(0, 2)).toEqual([
      ['1', '2'],
      ['3', '4'],
    ]);

    const second = await run(endpoint, directory, prefix, succeed, [5]);
    await second.sources.settled();
    expect(second.batches.flat()).toEqual(['3', '4', '5']);
    await second.sources.close();

    const third = await run(endpoint, directory, prefix, succeed, []);
    await third.sources.settled();
    expect(third.batches).toEqual([]);
  });
});

describe('an event source that cannot work', () => {
  it.each([
    ['a filter that Lambda refuses', { filters: [{ eventName: 'INSERT' }] }, /must be a list/],
    [
      'a destination that is no queue',
      { onFailureArn: 'arn:aws:sqs:us-east-1:000000000000:nowhere' },
      /no queue/,
    ],
    ['no such function', { functionName: 'nobody' }, /No function nobody/],
    ['a table without a stream', { tableName: 'nowhere' }, /no such stream or function/],
  ])('is refused at the start: %s', async (_, eventSource, problem) => {
    await expect(setUp(succeed, { eventSource })).rejects.toThrow(problem);
  });

  it.each(['DescribeStream', 'GetRecords', 'GetShardIterator', 'ListStreams', 'SendMessage'])(
    'is refused at the start: a role that lacks %s',
    async (missing) => {
      const granted = ['DescribeStream', 'GetRecords', 'GetShardIterator', 'ListStreams'];
      const statements = [
        allow(
          granted.filter((action) => action !== missing),
          '*',
        ),
      ];
      if (missing !== 'SendMessage')
        statements.push({ effect: 'Allow', actions: ['sqs:*'], resources: ['*'] });
      await expect(setUp(succeed, { roles: { consumer: statements } })).rejects.toThrow(
        new RegExp(
          `Event source orders-to-consumer: .* not authorized to perform: \\w+:${missing} on resource: `,
        ),
      );
    },
  );
});
