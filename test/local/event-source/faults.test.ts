import { describe, expect, it } from 'vitest';
import { setUp, item, sortKeyOf, succeed } from './setup.ts';

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
