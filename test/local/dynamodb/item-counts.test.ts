import { afterEach, expect, inject, it } from 'vitest';
import { EngineClient } from '../../../local/dynamodb/engines/client.ts';
import { createTables, startEngine } from '../../../local/dynamodb/engines/engine.ts';
import { createItemCounts } from '../../../local/dynamodb/item-counts.ts';
import { smallModel } from '../small-model.ts';

const closers: (() => Promise<unknown> | void)[] = [];

afterEach(async () => {
  for (let closer = closers.pop(); closer; closer = closers.pop()) await closer();
});

async function setUp() {
  const model = smallModel();
  const engine = await startEngine({ db: inject('db') });
  closers.push(() => engine.close());
  await createTables(engine, model);
  const client = new EngineClient(engine.endpoint);
  closers.push(() => client.close());
  const clock = { nowMs: 0 };
  const counts = createItemCounts(model, engine, () => clock.nowMs);
  closers.push(() => counts.close());
  const put = (sk: number) =>
    client.call('PutItem', {
      TableName: model.orders.tableName,
      Item: { pk: { S: 'a' }, sk: { N: String(sk) } },
    });
  return { clock, counts, put };
}

it('counts are a second old at most', async () => {
  const { clock, counts, put } = await setUp();
  expect(await counts.read()).toEqual({ Orders: 0, Notes: 0 });
  await put(1);
  clock.nowMs = 999;
  expect(await counts.read()).toEqual({ Orders: 0, Notes: 0 });
  clock.nowMs = 1_000;
  expect(await counts.read()).toEqual({ Orders: 1, Notes: 0 });
});

it('counts that took long are kept for longer, so that counting never fills the time of the engine', async () => {
  const { clock, counts, put } = await setUp();
  const counting = counts.read();
  clock.nowMs = 500;
  await counting;
  await put(1);
  clock.nowMs = 10_499;
  expect(await counts.read()).toMatchObject({ Orders: 0 });
  clock.nowMs = 10_500;
  expect(await counts.read()).toMatchObject({ Orders: 1 });
});
