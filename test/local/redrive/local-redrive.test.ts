import { describe, expect, it } from 'vitest';
import { createLocalRedrive, type LocalRedrive } from '../../../local/redrive/local-redrive.ts';
import { TtlDeletions } from '../../../local/dynamodb/ttl.ts';
import { closers, failOn, reportFailed, setUp, type Handler, type Setup } from '../event-source/setup.ts';
import { startTrimmedStream } from './trimmed-stream.ts';

interface Broken extends Setup {
  readonly redrive: LocalRedrive;
  /** What the function does from now on. */
  repair(handler: Handler): void;
  /** Bodies in the failure queue. */
  readonly waiting: () => readonly string[];
}

interface Metadata {
  DDBStreamBatchInfo: { startSequenceNumber: string; endSequenceNumber: string; batchSize: number };
}

const succeed: Handler = () => undefined;

/** A cloud whose function has given up on all that was written; then nothing more was tried. */
async function breakDown(
  eventSource: NonNullable<Parameters<typeof setUp>[1]>['eventSource'],
  ...sortKeys: number[]
): Promise<Broken> {
  let current: Handler = failOn(...sortKeys.map(String));
  const setup = await setUp((records) => current(records), {
    eventSource: { maximumRetryAttempts: 0, ...eventSource },
    before: ({ put }) => put(...sortKeys),
  });
  await setup.sources.settled();
  setup.batches.splice(0);
  const { model, queues, invoke, endpoint } = setup;
  const deletions = new TtlDeletions();
  const redrive = createLocalRedrive({ model, engine: { endpoint }, queues, deletions, invoke });
  closers.push(() => redrive.close());
  return {
    ...setup,
    redrive,
    repair: (handler) => (current = handler),
    waiting: () => queues.messages('Failures').map(({ body }) => body),
  };
}

const metadata = (body: string) => JSON.parse(body) as Metadata;

describe('what was given up', () => {
  it('is read from the stream again, processed, and leaves the queue', async () => {
    const cloud = await breakDown({ batchSize: 3 }, 1, 2, 3, 4);
    expect(cloud.waiting()).toHaveLength(2);
    const [original] = cloud.records;
    cloud.repair(succeed);
    expect(await cloud.redrive.run()).toEqual({ redriven: 2, records: 4, moved: 0, kept: [] });
    expect(cloud.batches).toEqual([['1', '2', '3'], ['4']]);
    expect(cloud.waiting()).toEqual([]);
    // The very event of the first time.
    expect(cloud.records.at(-4)).toEqual(original);
    expect(await cloud.redrive.run()).toEqual({ redriven: 0, records: 0, moved: 0, kept: [] });
  });

  it('stays when the function fails again, with the reason', async () => {
    const cloud = await breakDown({}, 1, 2);
    const before = cloud.waiting();
    const { startSequenceNumber, endSequenceNumber } = metadata(before[0]!).DDBStreamBatchInfo;
    expect(await cloud.redrive.run()).toMatchObject({
      redriven: 0,
      records: 0,
      kept: [{ startSequenceNumber, endSequenceNumber, reason: 'consumer failed (error): Error: poison' }],
    });
    expect(cloud.waiting()).toEqual(before);
  });

  it('holds only records that pass the filters of the mapping', async () => {
    const filters = [{ dynamodb: { Keys: { sk: { N: ['1', '3'] } } } }];
    const cloud = await breakDown({ filters }, 1, 2, 3);
    cloud.repair(succeed);
    expect(await cloud.redrive.run()).toEqual({ redriven: 1, records: 2, moved: 0, kept: [] });
    expect(cloud.batches).toEqual([['1', '3']]);
  });

  it('goes in batches of the size that the mapping has', async () => {
    const cloud = await breakDown({ batchSize: 2 }, 1, 2, 3, 4, 5);
    const [first, , last] = cloud.waiting().map(metadata);
    for (const { messageId } of cloud.queues.messages('Failures')) {
      await cloud.queues.delete('Failures', messageId);
    }
    const whole = structuredClone(first!);
    whole.DDBStreamBatchInfo.endSequenceNumber = last!.DDBStreamBatchInfo.endSequenceNumber;
    await cloud.queues.send(cloud.model.queues[0]!.arn, JSON.stringify(whole));
    cloud.repair(succeed);
    expect(await cloud.redrive.run()).toEqual({ redriven: 1, records: 5, moved: 0, kept: [] });
    expect(cloud.batches).toEqual([['1', '2'], ['3', '4'], ['5']]);
  });

  it('is kept from the first record on that fails (ReportBatchItemFailures)', async () => {
    const cloud = await breakDown({ reportBatchItemFailures: true }, 1, 2, 3, 4);
    const end = metadata(cloud.waiting()[0]!).DDBStreamBatchInfo.endSequenceNumber;
    cloud.repair(reportFailed('3'));
    expect(await cloud.redrive.run()).toMatchObject({
      redriven: 0,
      records: 2,
      kept: [{ reason: 'consumer reported a failure' }],
    });
    const third = cloud.records.find(({ dynamodb }) => dynamodb.Keys['sk']?.['N'] === '3');
    expect(cloud.waiting().map(metadata)).toMatchObject([
      {
        DDBStreamBatchInfo: {
          startSequenceNumber: third?.dynamodb.SequenceNumber,
          endSequenceNumber: end,
          batchSize: 2,
        },
      },
    ]);

    cloud.repair(succeed);
    expect(await cloud.redrive.run()).toEqual({ redriven: 1, records: 2, moved: 0, kept: [] });
    expect(cloud.batches).toEqual([
      ['1', '2', '3', '4'],
      ['3', '4'],
    ]);
  });

  it('is processed once by two who ask at the same time', async () => {
    const cloud = await breakDown({}, 1);
    cloud.repair(succeed);
    const [one, two] = await Promise.all([cloud.redrive.run(), cloud.redrive.run()]);
    expect(one).toBe(two);
    expect(cloud.batches).toEqual([['1']]);
  });
});

describe('what cannot be processed is named and kept:', () => {
  it('a range that the stream has trimmed', async () => {
    const { model, queues, invoke, waiting, batches } = await breakDown({}, 1);
    const before = waiting();
    const stream = await startTrimmedStream();
    closers.push(() => stream.close());
    const redrive = createLocalRedrive({
      model,
      engine: { endpoint: stream.url },
      queues,
      deletions: new TtlDeletions(),
      invoke,
    });
    closers.push(() => redrive.close());
    const { startSequenceNumber, endSequenceNumber } = metadata(before[0]!).DDBStreamBatchInfo;
    expect(await redrive.run()).toMatchObject({
      redriven: 0,
      kept: [
        {
          reason: 'trimmed: the stream no longer has these records',
          startSequenceNumber,
          endSequenceNumber,
        },
      ],
    });
    expect(waiting()).toEqual(before);
    expect(batches).toEqual([]);
  });

  it.each([
    ['what is no JSON', () => 'hello', 'it is not about a batch of a DynamoDB stream'],
    ['another message', () => '{"Records":[]}', 'it is not about a batch of a DynamoDB stream'],
    [
      'a batch of a function that has no mapping',
      (body: string) => body.replace('-consumer"', '-nobody"'),
      'no event source mapping reads this stream for this function',
    ],
  ])('%s', async (_case, change, reason) => {
    const cloud = await breakDown({}, 1);
    const [message] = cloud.queues.messages('Failures');
    await cloud.queues.replace('Failures', message!.messageId, change(message!.body));
    cloud.repair(succeed);
    expect(await cloud.redrive.run()).toMatchObject({
      redriven: 0,
      kept: [{ messageId: message!.messageId, reason }],
    });
    expect(cloud.batches).toEqual([]);
    expect(cloud.waiting()).toHaveLength(1);
  });
});
