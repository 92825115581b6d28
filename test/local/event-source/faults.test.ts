import { describe, expect, it } from 'vitest';
import { setUp, item, sortKeyOf, succeed } from './setup.ts';

describe('faults', () => {
  it('duplicate: what was delivered comes again', async () => {
    const { batches, faults, sources, put } = await setUp(succeed);
    faults.set({ stream: { duplicate: 1 } });
    await put(1);
    await sources.settled();
    expect(batches).toEqual([['1'], ['1']]);
  });

  it('duplicate: of a batch, those records that were drawn', async () => {
    const { batches, faults, sources } = await setUp(succeed, {
      plan: { seed: 1, stream: { duplicate: 0.3 } },
      before: ({ put }) => put(1, 2, 3, 4, 5, 6, 7, 8),
    });
    await sources.settled();
    const [whole, again] = batches;
    expect(whole).toEqual(['1', '2', '3', '4', '5', '6', '7', '8']);
    expect(again).toEqual(faults.log().map(({ site }) => site.split('/').at(-1)));
    expect(again!.length).toBeLessThan(8);
  });

  it('singly: one record a batch, in order, whatever the workers and the batch size are', async () => {
    const { batches, sources } = await setUp(succeed, {
      eventSource: { batchSize: 100, parallelizationFactor: 10 },
      plan: { seed: 1, stream: { singly: true, reorder: true } },
      before: ({ put }) => put(1, 2, 3, 4, 5, 6),
    });
    await sources.settled();
    expect(batches).toEqual([['1'], ['2'], ['3'], ['4'], ['5'], ['6']]);
  });

  it('reorder and delay: items overtake each other, the records of one item never do, and none is lost', async () => {
    const { records, sources } = await setUp(succeed, {
      eventSource: { batchSize: 4 },
      plan: { seed: 3, stream: { reorder: true, delayMs: [0, 2] } },
      before: async ({ write }) => {
        for (let version = 1; version <= 4; version += 1) {
          for (let sk = 1; sk <= 8; sk += 1) {
            await write('PutItem', { Item: { ...item(sk), version: { N: String(version) } } });
          }
        }
      },
    });
    await sources.settled();
    expect(records).toHaveLength(32);
    const numbers = records.map(({ dynamodb }) => Number(dynamodb.SequenceNumber));
    expect(numbers).not.toEqual(numbers.toSorted((left, right) => left - right));
    for (let sk = 1; sk <= 8; sk += 1) {
      const own = records.filter((record) => sortKeyOf(record) === String(sk));
      expect(own.map(({ dynamodb }) => dynamodb.NewImage?.['version']?.['N'])).toEqual(['1', '2', '3', '4']);
    }
  });

  it('strike the same records however these fall into batches', async () => {
    const struck: unknown[] = [];
    for (const batchSize of [1, 3, 100]) {
      const { faults, sources } = await setUp(succeed, {
        eventSource: { batchSize },
        plan: { seed: 7, stream: { duplicate: 0.3, reorder: true } },
        before: ({ put }) => put(...Array.from({ length: 20 }, (_, index) => index + 1)),
      });
      await sources.settled();
      struck.push(faults.log());
    }
    expect(struck[1]).toEqual(struck[0]);
    expect(struck[2]).toEqual(struck[0]);
  });
});
