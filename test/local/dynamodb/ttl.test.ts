import { afterEach, describe, expect, inject, it } from 'vitest';
import { EngineClient } from '../../../local/dynamodb/engines/client.ts';
import { createTables, startEngine } from '../../../local/dynamodb/engines/engine.ts';
import { startEventSources } from '../../../local/event-source/event-source.ts';
import { Faults } from '../../../local/faults/faults.ts';
import type { Log } from '../../../local/log.ts';
import { Metering } from '../../../local/metering.ts';
import { Queues } from '../../../local/sqs/queues.ts';
import { createIdentities } from '../../../local/iam/roles.ts';
import type { StreamRecord } from '../../../local/event-source/stream-record.ts';
import { startTtlSweeper, TtlDeletions, type TtlSweeperOptions } from '../../../local/dynamodb/ttl.ts';
import { smallModel } from '../small-model.ts';

const closers: (() => Promise<unknown> | void)[] = [];

afterEach(async () => {
  for (let closer = closers.pop(); closer; closer = closers.pop()) await closer();
});

const log: Log = {
  info: () => {},
  warn: () => {},
  error: (source, message) => expect.fail(`${source}: ${message}`),
};
const day = 24 * 3600;
const item = (sk: number, expiresAt?: unknown) => ({
  pk: { S: 'a' },
  sk: { N: String(sk) },
  ...(expiresAt !== undefined && { expiresAt }),
});

async function setUp() {
  const small = smallModel({ viewType: 'NEW_AND_OLD_IMAGES' });
  // Both tables expire, and one has the stream.
  const orders = { ...small.orders, ttlAttribute: 'expiresAt' };
  const model = { ...small, tables: [orders, small.notes] };
  const engine = await startEngine({ db: inject('db') });
  closers.push(() => engine.close());
  await createTables(engine, model);
  const client = new EngineClient(engine.endpoint);
  closers.push(() => client.close());
  const deletions = new TtlDeletions();
  const records: StreamRecord[] = [];
  const sources = await startEventSources({
    model,
    engine,
    identities: createIdentities(model),
    metering: new Metering(),
    faults: new Faults(),
    log,
    queues: await Queues.open({ model }),
    deletions,
    invoke: async (_, event) => {
      records.push(...(event as { Records: StreamRecord[] }).Records);
      return { outcome: 'returned', payload: undefined };
    },
  });
  closers.push(() => sources.close());
  const startSweeper = (options: Pick<TtlSweeperOptions, 'intervalMs' | 'rest'> = {}) => {
    const sweeper = startTtlSweeper({ model, engine, log, deletions, ...options });
    closers.push(() => sweeper.close());
    return sweeper;
  };
  const nowSeconds = Math.floor(Date.now() / 1000);
  return {
    records,
    sources,
    startSweeper,
    expiresIn: (seconds: number) => ({ N: String(nowSeconds + seconds) }),
    write: (operation: string, input: object) =>
      client.call(operation, { TableName: orders.tableName, ...input }),
    left: async () => {
      const { Items } = await client.call<{ Items: { sk: { N: string } }[] }>('Scan', {
        TableName: orders.tableName,
      });
      return Items.map(({ sk }) => Number(sk.N)).toSorted((one, other) => one - other);
    },
  };
}

// DDB/ttl-expired-items: expired items remain readable until they are deleted.
describe('expired items', () => {
  it('stay until the sweep, and then go', async () => {
    const { write, left, startSweeper, expiresIn } = await setUp();
    const sweeper = startSweeper();
    await write('PutItem', { Item: item(1, expiresIn(-60)) });
    await write('PutItem', { Item: item(2, expiresIn(3600)) });
    await write('PutItem', { Item: item(3) });
    expect(await left()).toEqual([1, 2, 3]);
    expect(await sweeper.sweep()).toBe(1);
    expect(await left()).toEqual([2, 3]);
    expect(await sweeper.sweep()).toBe(0);
  });

  it('are those whose TTL is a number, not more than five years ago', async () => {
    const { write, left, startSweeper, expiresIn } = await setUp();
    await write('PutItem', { Item: item(1, { S: '1' }) });
    await write('PutItem', { Item: item(2, expiresIn(-6 * 365 * day)) });
    await write('PutItem', { Item: item(3, expiresIn(-4 * 365 * day)) });
    expect(await startSweeper().sweep()).toBe(1);
    expect(await left()).toEqual([1, 2]);
  });

  it('leave a stream record that names the TTL service; other deletions do not', async () => {
    const { write, records, sources, startSweeper, expiresIn } = await setUp();
    await write('PutItem', { Item: item(1, expiresIn(-60)) });
    await write('PutItem', { Item: item(2, expiresIn(-60)) });
    await write('DeleteItem', { Key: item(2) });
    await startSweeper().sweep();
    await sources.settled();
    const removals = records.filter(({ eventName }) => eventName === 'REMOVE');
    const authors = Object.fromEntries(
      removals.map(({ dynamodb, userIdentity }) => [dynamodb.Keys['sk']?.['N'], userIdentity]),
    );
    expect(authors).toEqual({
      1: { type: 'Service', principalId: 'dynamodb.amazonaws.com' },
      2: undefined,
    });
  });

  it('are looked for a page at a time, with a rest between two pages', async () => {
    const { write, startSweeper, expiresIn } = await setUp();
    for (const sk of [1, 2, 3, 4]) {
      await write('PutItem', { Item: { ...item(sk, expiresIn(-60)), text: { S: 'x'.repeat(350_000) } } });
    }
    const rests: number[] = [];
    const rest = async (busyMs: number) => void rests.push(busyMs);
    expect(await startSweeper({ rest }).sweep()).toBe(4);
    expect(rests).toEqual([expect.any(Number)]);
    expect(await startSweeper({ rest }).sweep()).toBe(0);
    expect(rests).toHaveLength(1);
  });

  it('stay when the sweeper is closed while it rests', async () => {
    const { write, left, startSweeper, expiresIn } = await setUp();
    for (const sk of [1, 2, 3, 4]) {
      await write('PutItem', { Item: { ...item(sk, expiresIn(-60)), text: { S: 'x'.repeat(350_000) } } });
    }
    let closed: Promise<void> | undefined;
    const sweeper = startSweeper({
      rest: async () => {
        closed = sweeper.close();
      },
    });
    await sweeper.sweep();
    await closed;
    expect(await left()).toContain(4);
  });

  it('go by themselves', async () => {
    const { write, left, startSweeper, expiresIn } = await setUp();
    await write('PutItem', { Item: item(1, expiresIn(-60)) });
    startSweeper({ intervalMs: 5 });
    await expect.poll(left, { timeout: 10_000 }).toEqual([]);
  });
});

describe('what the sweeper noted', () => {
  const keys = { pk: { S: 'a' }, sk: { N: '1' } };
  const image = { ...keys, expiresAt: { N: '5' } };

  it('is known while the deletion is under way, whatever its image', async () => {
    const deletions = new TtlDeletions();
    const reordered = { sk: keys.sk, pk: keys.pk };
    await deletions.note('Orders', keys, async () => {
      expect(deletions.has('Orders', reordered, { ...image, expiresAt: { N: '6' } })).toBe(true);
      expect(deletions.has('Notes', keys, image)).toBe(false);
      return image;
    });
  });

  it('is known afterwards by the image that went: not if the item was renewed, not for ever', async () => {
    let now = 0;
    const deletions = new TtlDeletions(() => now);
    expect(await deletions.note('Orders', keys, async () => image)).toBe(true);
    expect(await deletions.note('Orders', { ...keys, sk: { N: '2' } }, async () => undefined)).toBe(false);
    expect(deletions.has('Orders', keys, image)).toBe(true);
    expect(deletions.has('Orders', keys, { ...image, expiresAt: { N: '6' } })).toBe(false);
    await deletions.note('Orders', keys, async () => ({ ...image, expiresAt: { N: '6' } }));
    expect(deletions.has('Orders', keys, image)).toBe(true);
    now = 11 * 60_000;
    await deletions.note('Orders', { ...keys, sk: { N: '3' } }, async () => ({ ...image, sk: { N: '3' } }));
    expect(deletions.has('Orders', keys, image)).toBe(false);
  });
});
