import { EventEmitter, once } from 'node:events';
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
      plan: { seed: 1, stream: { singly: false, duplicate: 0.3 } },
      before: ({ put }) => put(1, 2, 3, 4, 5, 6, 7, 8),
    });
    await sources.settled();
    const [whole, again] = batches;
    expect(whole).toEqual(['1', '2', '3', '4', '5', '6', '7', '8']);
    expect(again).toEqual(faults.log().map(({ site }) => site.split('/').at(-1)));
    expect(again!.length).toBeLessThan(8);
  });

  it('one record a batch, in order, whatever the workers and the batch size are', async () => {
    const { batches, sources } = await setUp(succeed, {
      eventSource: { batchSize: 100, parallelizationFactor: 10 },
      plan: { seed: 1 },
      before: ({ put }) => put(1, 2, 3, 4, 5, 6),
    });
    await sources.settled();
    expect(batches).toEqual([['1'], ['2'], ['3'], ['4'], ['5'], ['6']]);
  });

  it('reorder: single records change places with the next, however many of them are there by then', async () => {
    const delivered: string[][][] = [];
    const written = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
    for (const early of [written, written.slice(0, 3), []]) {
      const { batches, sources, put } = await setUp(succeed, {
        eventSource: { batchSize: 100, parallelizationFactor: 10 },
        plan: { seed: 7, stream: { reorder: true, duplicate: 0.3 } },
        before: (setup) => setup.put(...early),
      });
      await put(...written.slice(early.length));
      await sources.settled();
      delivered.push(batches);
    }
    const inOrder = written.map((sk) => [String(sk)]);
    expect(delivered[0]).not.toEqual(inOrder);
    expect(new Set(delivered[0]!.flat())).toEqual(new Set(inOrder.flat()));
    expect(delivered[1]).toEqual(delivered[0]);
    expect(delivered[2]).toEqual(delivered[0]);
  });

  it('reorder: the records of one item keep their order when they come singly, too', async () => {
    const { records, sources } = await setUp(succeed, {
      plan: { seed: 3, stream: { reorder: true } },
      before: async ({ write }) => {
        for (const version of ['1', '2', '3', '4', '5', '6']) {
          await write('PutItem', { Item: { ...item(1), version: { N: version } } });
        }
      },
    });
    await sources.settled();
    const versions = records.map(({ dynamodb }) => dynamodb.NewImage?.['version']?.['N']);
    expect(versions).toEqual(['1', '2', '3', '4', '5', '6']);
  });

  it('a plan that comes while records are under way keeps the order of each item', async () => {
    const gate = new EventEmitter();
    const done: string[] = [];
    const { faults, sources, write } = await setUp(
      async ([record]) => {
        if (record!.eventName === 'INSERT') await once(gate, 'open');
        done.push(record!.eventName);
      },
      { eventSource: { batchSize: 1, parallelizationFactor: 10 } },
    );
    const underWay = () => Object.values(sources.inFlight())[0];
    await write('PutItem', { Item: item(1) });
    await expect.poll(underWay).toBe(1);
    faults.set({ seed: 1 });
    await write('DeleteItem', { Key: item(1) });
    await expect.poll(() => underWay() === 2 || done.length > 0).toBe(true);
    gate.emit('open');
    await sources.settled();
    expect(done).toEqual(['INSERT', 'REMOVE']);
  });

  it('reorder and delay: items overtake each other, the records of one item never do, and none is lost', async () => {
    const { records, sources } = await setUp(succeed, {
      eventSource: { batchSize: 4 },
      plan: { seed: 3, stream: { singly: false, reorder: true, delayMs: [0, 2] } },
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
        plan: { seed: 7, stream: { singly: false, duplicate: 0.3, reorder: true } },
        before: ({ put }) => put(...Array.from({ length: 20 }, (_, index) => index + 1)),
      });
      await sources.settled();
      struck.push(faults.log());
    }
    expect(struck[1]).toEqual(struck[0]);
    expect(struck[2]).toEqual(struck[0]);
  });
});
