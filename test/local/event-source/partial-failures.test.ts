import { describe, expect, it } from 'vitest';
import { type Setup, setUp, reportFailed, failuresOf } from './setup.ts';

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
