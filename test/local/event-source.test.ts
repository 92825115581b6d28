import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { EngineClient } from '../../local/engines/client.ts';
import { createTables, startEngine } from '../../local/engines/engine.ts';
import { startEventSources, type EventSources } from '../../local/event-source.ts';
import { Faults } from '../../local/faults.ts';
import { Metering } from '../../local/metering.ts';
import type { InvocationResult } from '../../local/model.ts';
import { Queues } from '../../local/queues.ts';
import type { StreamRecord } from '../../local/stream-record.ts';
import { createIdentities } from '../../local/roles.ts';
import { allow, smallModel, type SmallModelOptions } from './small-model.ts';

type Handler = (records: StreamRecord[]) => unknown;

interface Setup {
  /** Batches in the order of their invocations, each record by its sort key. */
  readonly batches: string[][];
  readonly records: StreamRecord[];
  readonly faults: Faults;
  readonly metering: Metering;
  readonly queues: Queues;
  readonly sources: EventSources;
  readonly model: ReturnType<typeof smallModel>;
  readonly put: (...sortKeys: number[]) => Promise<void>;
  readonly write: (operation: 'PutItem' | 'DeleteItem', input: object) => Promise<void>;
}

interface SetupOptions {
  readonly eventSource?: SmallModelOptions['eventSource'];
  readonly viewType?: string;
  readonly prefix?: string;
  readonly roles?: SmallModelOptions['roles'];
  readonly dataDirectory?: string;
  readonly clock?: () => number;
  /** Written before the event source starts. */
  readonly before?: (setup: Pick<Setup, 'put' | 'write'>) => Promise<void>;
}

const closers: (() => Promise<unknown> | void)[] = [];

afterEach(async () => {
  for (let closer = closers.pop(); closer; closer = closers.pop()) await closer();
});

/** What the handler throws is an error of the function; `throttled` is returned as what it is. */
const throttled: InvocationResult = {
  outcome: 'throttled',
  errorType: 'TooManyRequestsException',
  errorMessage: 'Rate Exceeded.',
};

async function setUp(handler: Handler, options: SetupOptions = {}): Promise<Setup> {
  const { eventSource = {}, viewType = 'NEW_IMAGE', prefix = `t${randomUUID().slice(0, 8)}` } = options;
  const model = smallModel({ eventSource, viewType, prefix, ...(options.roles && { roles: options.roles }) });
  const engine = await startEngine({ db: inject('db') });
  closers.push(() => engine.close());
  await createTables(engine, model);
  const client = new EngineClient(engine.endpoint);
  closers.push(() => client.close());
  const { tableName } = model.orders;
  let running: EventSources | undefined;
  const write: Setup['write'] = async (operation, input) => {
    await client.call(operation, { TableName: tableName, ...input });
    running?.nudge(tableName);
  };
  const put = async (...sortKeys: number[]) => {
    for (const sk of sortKeys) await write('PutItem', { Item: item(sk) });
  };
  await options.before?.({ put, write });

  const batches: string[][] = [];
  const records: StreamRecord[] = [];
  const queues = await Queues.open({ model });
  const faults = new Faults();
  const metering = new Metering();
  const sources = await startEventSources({
    model,
    engine,
    identities: createIdentities(model),
    metering,
    faults,
    queues,
    log: { info: () => {}, warn: () => {}, error: (source, message) => expect.fail(`${source}: ${message}`) },
    invoke: async (functionName, event) => {
      expect(functionName).toBe('consumer');
      const batch = (event as { Records: StreamRecord[] }).Records;
      batches.push(batch.map(sortKeyOf));
      records.push(...batch);
      try {
        const payload = await handler(batch);
        return payload === throttled ? throttled : { outcome: 'returned', payload };
      } catch (error) {
        return { outcome: 'error', errorType: 'Error', errorMessage: String(error) };
      }
    },
    ...(options.dataDirectory !== undefined && { dataDirectory: options.dataDirectory }),
    ...(options.clock && { clock: options.clock }),
  });
  closers.push(() => sources.close());
  running = sources;
  return { batches, records, faults, metering, queues, sources, model, put, write };
}

const item = (sk: number, pk = 'a') => ({ pk: { S: pk }, sk: { N: String(sk) } });
const sortKeyOf = (record: StreamRecord) => String(record.dynamodb.Keys['sk']?.['N']);
const succeed: Handler = () => undefined;
const failOn =
  (...poison: string[]): Handler =>
  (records) => {
    if (records.some((record) => poison.includes(sortKeyOf(record)))) throw new Error('poison');
  };
const reportFailed =
  (...poison: string[]): Handler =>
  (records) => ({
    batchItemFailures: records
      .filter((record) => poison.includes(sortKeyOf(record)))
      .map((record) => ({ itemIdentifier: record.dynamodb.SequenceNumber })),
  });
const failuresOf = ({ queues }: Setup) =>
  queues.messages('Failures').map(({ body }) => JSON.parse(body) as FailureMetadata);

interface FailureMetadata {
  requestContext: { condition: string; approximateInvokeCount: number };
  DDBStreamBatchInfo: { batchSize: number; startSequenceNumber: string; endSequenceNumber: string };
}

describe('a record', () => {
  // API_streams_Record; Lambda developer guide, "Using AWS Lambda with Amazon DynamoDB".
  it('has the shape of AWS, an ARN of the template and a time in seconds', async () => {
    const { records, sources, model, write } = await setUp(succeed);
    await write('PutItem', { Item: { ...item(101), Message: { S: 'New item!' } } });
    await sources.settled();
    expect(records).toEqual([
      {
        eventID: expect.stringMatching(/^[0-9a-f]{32}$/),
        eventName: 'INSERT',
        eventVersion: '1.1',
        eventSource: 'aws:dynamodb',
        awsRegion: 'us-east-1',
        dynamodb: {
          ApproximateCreationDateTime: expect.any(Number),
          Keys: item(101),
          NewImage: { ...item(101), Message: { S: 'New item!' } },
          SequenceNumber: expect.stringMatching(/^\d+$/),
          // Keys: 2+1 and 2+3. Image: the same, and 7+9.
          SizeBytes: 8 + 8 + 16,
          StreamViewType: 'NEW_IMAGE',
        },
        eventSourceARN: model.orders.stream?.arn,
      },
    ]);
    const { ApproximateCreationDateTime: seconds } = records[0]!.dynamodb;
    expect(Number.isInteger(seconds)).toBe(true);
    expect(Math.abs(seconds - Date.now() / 1000)).toBeLessThan(120);
  });

  it.each([
    ['KEYS_ONLY', [[], [], []]],
    ['NEW_IMAGE', [['NewImage'], ['NewImage'], []]],
    ['OLD_IMAGE', [[], ['OldImage'], ['OldImage']]],
    ['NEW_AND_OLD_IMAGES', [['NewImage'], ['NewImage', 'OldImage'], ['OldImage']]],
  ])('carries the images of the view type %s', async (viewType, images) => {
    const { records, sources, write } = await setUp(succeed, { viewType });
    await write('PutItem', { Item: item(1) });
    await write('PutItem', { Item: { ...item(1), changed: { BOOL: true } } });
    await write('DeleteItem', { Key: item(1) });
    await sources.settled();
    expect(records.map(({ eventName }) => eventName)).toEqual(['INSERT', 'MODIFY', 'REMOVE']);
    const present = records.map(({ dynamodb }) =>
      Object.keys(dynamodb)
        .filter((name) => name.endsWith('Image'))
        .toSorted(),
    );
    expect(present).toEqual(images);
    expect(records[0]?.dynamodb.StreamViewType).toBe(viewType);
  });

  // AWS-FACTS §2.1: idempotent rewrites that change nothing produce no stream record.
  it('is not made of a write that changes nothing', async () => {
    const { batches, sources, put } = await setUp(succeed);
    await put(1, 1, 2);
    await sources.settled();
    expect(batches.flat()).toEqual(['1', '2']);
  });

  it('does not arrive when no filter lets it pass', async () => {
    const filters = [
      { eventName: ['INSERT'], dynamodb: { NewImage: { kind: { S: [{ exists: true }] } } } },
      { eventName: ['REMOVE'] },
    ];
    const { records, batches, metering, sources, write } = await setUp(succeed, { eventSource: { filters } });
    await write('PutItem', { Item: item(1) });
    await write('PutItem', { Item: { ...item(2), kind: { S: 'x' } } });
    await write('DeleteItem', { Key: item(1) });
    await sources.settled();
    expect(records.map(({ eventName }) => eventName)).toEqual(['INSERT', 'REMOVE']);
    expect(batches.flat()).toEqual(['2', '1']);
    expect(metering.snapshot().eventSources['orders-to-consumer']).toMatchObject({
      polled: 3,
      filteredOut: 1,
      invoked: 2,
    });
  });
});

describe('where reading begins', () => {
  it('TRIM_HORIZON: with what is there', async () => {
    const { batches, sources, put } = await setUp(succeed, { before: ({ put: earlier }) => earlier(1, 2) });
    await put(3);
    await sources.settled();
    expect(batches.flat()).toEqual(['1', '2', '3']);
  });

  it('LATEST: with what comes', async () => {
    const { batches, sources, put } = await setUp(succeed, {
      eventSource: { startingPosition: 'LATEST' },
      before: ({ put: earlier }) => earlier(1, 2),
    });
    await put(3);
    await sources.settled();
    expect(batches.flat()).toEqual(['3']);
  });

  it('a nudge is enough, and nobody need nudge', async () => {
    const { sources, batches, model } = await setUp(succeed, { before: ({ put }) => put(1) });
    sources.nudge(model.orders.tableName);
    sources.nudge('another-table');
    await sources.settled();
    expect(batches.flat()).toEqual(['1']);
  });
});

describe('a batch', () => {
  it('holds up to the batch size, in order', async () => {
    const { batches, sources } = await setUp(succeed, {
      eventSource: { batchSize: 3 },
      before: ({ put }) => put(1, 2, 3, 4, 5, 6, 7),
    });
    await sources.settled();
    expect(batches).toEqual([['1', '2', '3'], ['4', '5', '6'], ['7']]);
  });

  // Lambda closes a batch at the 6 MB payload limit.
  it('holds no more than 6 MB', async () => {
    const body = { S: 'x'.repeat(390_000) };
    const { batches, sources } = await setUp(succeed, {
      eventSource: { batchSize: 100 },
      before: async ({ write }) => {
        for (let sk = 1; sk <= 17; sk += 1) await write('PutItem', { Item: { ...item(sk), body } });
      },
    });
    await sources.settled();
    expect(batches.flat()).toHaveLength(17);
    expect(Math.max(...batches.map((batch) => batch.length))).toBeLessThanOrEqual(16);
  });

  it('waits for its window, and no longer once it is full', async () => {
    const { batches, sources, put } = await setUp(succeed, {
      eventSource: { batchSize: 3, batchingWindowMs: 600_000 },
    });
    for (const sk of [1, 2, 3]) await put(sk);
    await sources.settled();
    expect(batches).toEqual([['1', '2', '3']]);
  });

  it('goes when its window ends, full or not', async () => {
    const { batches, sources, put } = await setUp(succeed, {
      eventSource: { batchSize: 100, batchingWindowMs: 50 },
    });
    await put(1, 2);
    await sources.settled();
    expect(batches.flat()).toEqual(['1', '2']);
  });
});

describe('order', () => {
  it('is kept in a partition with a parallelization factor of one: one batch at a time', async () => {
    let running = 0;
    let most = 0;
    const { batches, sources } = await setUp(
      async () => {
        most = Math.max(most, (running += 1));
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
      },
      { eventSource: { batchSize: 2 }, before: ({ put }) => put(1, 2, 3, 4, 5, 6) },
    );
    await sources.settled();
    expect(most).toBe(1);
    expect(batches.flat()).toEqual(['1', '2', '3', '4', '5', '6']);
  });

  // Lambda developer guide, with-ddb: in-order processing at the item (partition and sort key) level.
  it('is kept per item alone with a higher factor: items of one partition run side by side', async () => {
    const everybody = new EventEmitter();
    let waiting = 0;
    const { records, sources } = await setUp(
      async () => {
        // Nobody returns before two invocations are under way at once.
        waiting += 1;
        if (waiting === 2) everybody.emit('here');
        else if (waiting < 2) await once(everybody, 'here');
      },
      {
        eventSource: { parallelizationFactor: 10, batchSize: 100 },
        before: async ({ write }) => {
          for (let version = 1; version <= 3; version += 1) {
            for (let sk = 1; sk <= 20; sk += 1) {
              await write('PutItem', { Item: { ...item(sk), version: { N: String(version) } } });
            }
          }
        },
      },
    );
    await sources.settled();
    expect(records).toHaveLength(60);
    for (let sk = 1; sk <= 20; sk += 1) {
      const versions = records
        .filter((record) => sortKeyOf(record) === String(sk))
        .map(({ dynamodb }) => dynamodb.NewImage?.['version']?.['N']);
      expect(versions).toEqual(['1', '2', '3']);
    }
  });
});

describe('a function that fails', () => {
  it('gets the batch again until it succeeds', async () => {
    let failures = 2;
    const { batches, sources } = await setUp(
      () => {
        if ((failures -= 1) >= 0) throw new Error('not yet');
      },
      { before: ({ put }) => put(1, 2) },
    );
    await sources.settled();
    expect(batches).toEqual([
      ['1', '2'],
      ['1', '2'],
      ['1', '2'],
    ]);
  });

  it('gets it no more often than maximumRetryAttempts allows; then its range goes to the destination', async () => {
    const setup = await setUp(failOn('1'), {
      eventSource: { maximumRetryAttempts: 2, batchSize: 2 },
      before: ({ put }) => put(1, 2, 3),
    });
    await setup.sources.settled();
    expect(setup.batches).toEqual([['1', '2'], ['1', '2'], ['1', '2'], ['3']]);
    const [first, second] = setup.records.map(({ dynamodb }) => dynamodb.SequenceNumber);
    // Lambda developer guide, services-dynamodb-errors: the example of a failure record.
    expect(failuresOf(setup)).toEqual([
      {
        requestContext: {
          requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
          functionArn: setup.model.functions[1]?.arn,
          condition: 'RetryAttemptsExhausted',
          approximateInvokeCount: 3,
        },
        responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
        version: '1.0',
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        DDBStreamBatchInfo: {
          shardId: expect.stringMatching(/^shardId-/),
          startSequenceNumber: first,
          endSequenceNumber: second,
          approximateArrivalOfFirstRecord: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
          approximateArrivalOfLastRecord: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
          batchSize: 2,
          streamArn: setup.model.orders.stream?.arn,
        },
      },
    ]);
    expect(setup.metering.snapshot().eventSources['orders-to-consumer']).toMatchObject({
      onFailureDestinationDelivered: 2,
      dropped: 0,
    });
  });

  it('blocks nobody but its own shard', async () => {
    const everybodyElse = new Set<string>();
    const setup = await setUp(
      (records) => {
        for (const { dynamodb } of records) {
          if (dynamodb.Keys['pk']?.['S'] !== 'poison') everybodyElse.add(String(dynamodb.Keys['pk']?.['S']));
          else if (everybodyElse.size < 20) throw new Error('poison');
        }
      },
      { eventSource: { parallelizationFactor: 10, batchSize: 1 } },
    );
    await setup.write('PutItem', { Item: item(1, 'poison') });
    // The poison gives in only after these: were they behind it, this would never settle.
    for (let index = 0; index < 60; index += 1)
      await setup.write('PutItem', { Item: item(index, `user-${index}`) });
    await setup.sources.settled();
    expect(everybodyElse.size).toBeGreaterThanOrEqual(20);
  });

  // AWS-FACTS §2.1: splitting does not consume retries.
  it('with bisection: the batch is split until the poison is alone', async () => {
    const setup = await setUp(failOn('3'), {
      eventSource: { bisectOnError: true, maximumRetryAttempts: 1 },
      before: ({ put }) => put(1, 2, 3, 4),
    });
    await setup.sources.settled();
    expect(setup.batches).toEqual([['1', '2', '3', '4'], ['1', '2'], ['3', '4'], ['3'], ['3'], ['4']]);
    expect(failuresOf(setup).map(({ DDBStreamBatchInfo }) => DDBStreamBatchInfo.batchSize)).toEqual([1]);
  });

  it('with bisection: whatever is poison, it alone is given up and everything else succeeds', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { maxLength: 4 }),
        fc.integer({ min: 0, max: 2 }),
        async (poison, maximumRetryAttempts) => {
          const succeeded = new Set<string>();
          const refuse = failOn(...poison.map(String));
          const setup = await setUp(
            (records) => {
              refuse(records);
              for (const record of records) succeeded.add(sortKeyOf(record));
            },
            {
              eventSource: { bisectOnError: true, maximumRetryAttempts, batchSize: 5 },
              before: ({ put }) => put(...Array.from({ length: 12 }, (_, index) => index + 1)),
            },
          );
          await setup.sources.settled();
          expect(succeeded.size).toBe(12 - poison.length);
          expect(failuresOf(setup).map(({ DDBStreamBatchInfo }) => DDBStreamBatchInfo.batchSize)).toEqual(
            poison.map(() => 1),
          );
        },
      ),
      { numRuns: 10 },
    );
  });

  // services-dynamodb-errors: throttled invocations are retried until the records expire.
  it('is retried without end while it is throttled: that is no attempt', async () => {
    let refusals = 4;
    const setup = await setUp(() => ((refusals -= 1) >= 0 ? throttled : undefined), {
      eventSource: { maximumRetryAttempts: 0 },
      before: ({ put }) => put(1),
    });
    await setup.sources.settled();
    expect(setup.batches).toHaveLength(5);
    expect(failuresOf(setup)).toEqual([]);
  });
});

describe('records that are too old', () => {
  it('go to the destination instead of the function', async () => {
    const setup = await setUp(succeed, {
      eventSource: { maximumRecordAgeMs: 60_000 },
      clock: () => Date.now() + 10 * 60_000,
      before: ({ put }) => put(1, 2),
    });
    // A stream time that was rounded down is read as the latest it can mean: not a record of 60 s ago.
    await setup.sources.settled();
    expect(setup.batches).toEqual([]);
    const [failure] = failuresOf(setup);
    expect(failure).toMatchObject({
      requestContext: { condition: 'RecordAgeExceeded', approximateInvokeCount: 0 },
      DDBStreamBatchInfo: { batchSize: 2 },
    });
    expect(failure).not.toHaveProperty('responseContext');
  });

  it('end retries', async () => {
    let now = Date.now();
    const setup = await setUp(
      () => {
        now += 30_000;
        throw new Error('never');
      },
      { eventSource: { maximumRecordAgeMs: 60_000 }, clock: () => now, before: ({ put }) => put(1) },
    );
    await setup.sources.settled();
    expect(failuresOf(setup)).toMatchObject([{ requestContext: { condition: 'RecordAgeExceeded' } }]);
    expect(setup.batches.length).toBeGreaterThanOrEqual(2);
    expect(setup.batches.length).toBeLessThanOrEqual(5);
  });
});

// Lambda developer guide, services-ddb-batchfailurereporting.
describe('partial failures (ReportBatchItemFailures)', () => {
  const eventSource = { reportBatchItemFailures: true, maximumRetryAttempts: 1 };
  const four = { before: ({ put }: Pick<Setup, 'put'>) => put(1, 2, 3, 4) };

  it('everything from the lowest on is tried again, successes after it included', async () => {
    const poison = new Set(['2', '3']);
    const { batches, sources } = await setUp(
      (records) => {
        const failures = reportFailed(...poison)(records);
        poison.clear();
        return failures;
      },
      { eventSource, ...four },
    );
    await sources.settled();
    expect(batches).toEqual([
      ['1', '2', '3', '4'],
      ['2', '3', '4'],
    ]);
  });

  it('what still fails goes to the destination with all behind it, without what was done', async () => {
    const setup = await setUp(reportFailed('2'), { eventSource, ...four });
    await setup.sources.settled();
    expect(setup.batches).toEqual([
      ['1', '2', '3', '4'],
      ['2', '3', '4'],
    ]);
    expect(failuresOf(setup)).toMatchObject([
      { requestContext: { approximateInvokeCount: 2 }, DDBStreamBatchInfo: { batchSize: 3 } },
    ]);
  });

  it('with bisection the split is at the number that was returned, and is no attempt', async () => {
    const setup = await setUp(reportFailed('2', '4'), {
      eventSource: { ...eventSource, bisectOnError: true, maximumRetryAttempts: 0 },
      ...four,
    });
    await setup.sources.settled();
    expect(setup.batches).toEqual([
      ['1', '2', '3', '4'],
      ['2', '3', '4'],
    ]);
  });

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['an empty object', {}],
    ['an empty list', { batchItemFailures: [] }],
    ['a null list', { batchItemFailures: null }],
  ])('complete success: %s', async (_, answer) => {
    const setup = await setUp(() => answer, { eventSource, ...four });
    await setup.sources.settled();
    expect(setup.batches).toHaveLength(1);
    expect(failuresOf(setup)).toEqual([]);
  });

  it.each([
    ['an empty identifier', { batchItemFailures: [{ itemIdentifier: '' }] }],
    ['a null identifier', { batchItemFailures: [{ itemIdentifier: null }] }],
    ['a wrong key', { batchItemFailures: [{ itemId: '1' }] }],
    ['an identifier of no record in the batch', { batchItemFailures: [{ itemIdentifier: '999999999999' }] }],
  ])('complete failure: %s', async (_, answer) => {
    const setup = await setUp(() => answer, { eventSource, ...four });
    await setup.sources.settled();
    expect(setup.batches).toEqual([
      ['1', '2', '3', '4'],
      ['1', '2', '3', '4'],
    ]);
    expect(failuresOf(setup)).toMatchObject([{ DDBStreamBatchInfo: { batchSize: 4 } }]);
  });

  it('are not looked at when the mapping does not say so', async () => {
    const { batches, sources } = await setUp(reportFailed('1'), four);
    await sources.settled();
    expect(batches).toHaveLength(1);
  });
});

describe('faults', () => {
  it('duplicate: a batch that was delivered comes again', async () => {
    const { batches, faults, sources, put } = await setUp(succeed);
    faults.set({ stream: { duplicate: 1 } });
    await put(1);
    await sources.settled();
    expect(batches).toEqual([['1'], ['1']]);
  });

  it('reorder and delay: items overtake each other, the records of one item never do, and none is lost', async () => {
    const { records, faults, sources, write } = await setUp(succeed, { eventSource: { batchSize: 4 } });
    faults.set({ seed: 3, stream: { reorder: true, delayMs: [0, 2] } });
    for (let version = 1; version <= 4; version += 1) {
      for (let sk = 1; sk <= 8; sk += 1) {
        await write('PutItem', { Item: { ...item(sk), version: { N: String(version) } } });
      }
    }
    await sources.settled();
    expect(records).toHaveLength(32);
    const numbers = records.map(({ dynamodb }) => Number(dynamodb.SequenceNumber));
    expect(numbers).not.toEqual(numbers.toSorted((left, right) => left - right));
    for (let sk = 1; sk <= 8; sk += 1) {
      const own = records.filter((record) => sortKeyOf(record) === String(sk));
      expect(own.map(({ dynamodb }) => dynamodb.NewImage?.['version']?.['N'])).toEqual(['1', '2', '3', '4']);
    }
  });
});

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
