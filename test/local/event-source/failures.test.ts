import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { throttled, setUp, item, sortKeyOf, succeed, failOn, failuresOf } from './setup.ts';

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
