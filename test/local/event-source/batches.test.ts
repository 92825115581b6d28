import { EventEmitter, once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { setUp, item, sortKeyOf, succeed } from './setup.ts';

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
