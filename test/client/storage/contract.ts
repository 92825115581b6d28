// What every storage keeps to; each adapter recites it.
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import type { Change, KeyRange, Storage, StoredEntry } from '../../../src/client/storage/storage.ts';

export interface StorageUnderTest {
  /** Opens the storage of that name, with what it held when it was last closed or left. */
  readonly open: (name: string) => Promise<Storage>;
  /** What was committed is there when it is opened again. */
  readonly durable: boolean;
}

const everything: KeyRange = { from: '', to: '\uffff' };

const keys = fc.constantFrom('a', 'a/', 'a/1', 'a/2', 'a/10', 'a0', 'b', 'b/ü', 'B', '~');
const values = fc
  .oneof(fc.jsonValue(), fc.record({ text: fc.string(), seq: fc.nat() }))
  // As JSON says them: without -0.
  .map((value): unknown => JSON.parse(JSON.stringify(value)));
const changes = fc.array(fc.record({ key: keys, value: fc.option(values, { nil: undefined }) }), {
  maxLength: 6,
});
const ranges = fc.record(
  {
    from: keys,
    to: keys,
    limit: fc.nat(4),
    order: fc.constantFrom('ascending' as const, 'descending' as const),
  },
  { requiredKeys: ['from', 'to'] },
);

/** The plainest storage that keeps the contract. */
class Model {
  private readonly map = new Map<string, unknown>();

  apply(batch: readonly Change[]): void {
    for (const { key, value } of batch) {
      if (value === undefined) this.map.delete(key);
      else this.map.set(key, value);
    }
  }

  list({ from, to, limit = Infinity, order = 'ascending' }: KeyRange): StoredEntry[] {
    const sign = order === 'ascending' ? 1 : -1;
    return [...this.map]
      .map(([key, value]) => ({ key, value }))
      .filter(({ key }) => key >= from && key <= to)
      .toSorted((a, b) => (a.key < b.key ? -sign : sign))
      .slice(0, limit);
  }
}

export function storageContract({ open, durable }: StorageUnderTest, runs: number): void {
  const opened: Storage[] = [];
  let names = 0;
  const openNew = async () => {
    const name = `storage-${names++}`;
    const storage = await open(name);
    opened.push(storage);
    return { name, storage };
  };
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((storage) => storage.close()));
  });

  test('begins empty', async () => {
    const { storage } = await openNew();
    expect(await storage.list(everything)).toEqual([]);
  });

  test('lists what was committed, by range, order and limit, as the model does', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(changes, { maxLength: 5 }),
        fc.array(ranges, { maxLength: 5 }),
        async (batches, list) => {
          const { storage } = await openNew();
          const model = new Model();
          for (const batch of batches) {
            await storage.commit(batch);
            model.apply(batch);
            expect(await storage.list(everything)).toEqual(model.list(everything));
          }
          for (const range of list) expect(await storage.list(range)).toEqual(model.list(range));
        },
      ),
      { numRuns: runs },
    );
  });

  test('batches take effect in the order of the calls, also when nobody waits for them', async () => {
    const { storage } = await openNew();
    await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        storage.commit([
          { key: 'last', value: n },
          { key: `all/${n}`, value: n },
        ]),
      ),
    );
    expect(await storage.list({ from: 'last', to: 'last' })).toEqual([{ key: 'last', value: 39 }]);
    expect(await storage.list({ from: 'all/', to: 'all0' })).toHaveLength(40);
  });

  test('the last change of a key in a batch is the one that counts', async () => {
    const { storage } = await openNew();
    await storage.commit([
      { key: 'a', value: 1 },
      { key: 'a', value: undefined },
      { key: 'b', value: undefined },
      { key: 'b', value: 2 },
    ]);
    expect(await storage.list(everything)).toEqual([{ key: 'b', value: 2 }]);
  });

  test('keeps values, not objects: what is changed afterwards is not changed in it', async () => {
    const { storage } = await openNew();
    const value = { text: 'as it was' };
    const committed = storage.commit([{ key: 'a', value }]);
    value.text = 'changed';
    await committed;
    const [first] = await storage.list(everything);
    expect(first).toEqual({ key: 'a', value: { text: 'as it was' } });
    (first!.value as { text: string }).text = 'changed too';
    expect(await storage.list(everything)).toEqual([{ key: 'a', value: { text: 'as it was' } }]);
  });

  test('storages of different names have nothing in common', async () => {
    const [one, other] = [await openNew(), await openNew()];
    await one.storage.commit([{ key: 'a', value: 1 }]);
    expect(await other.storage.list(everything)).toEqual([]);
  });

  test.runIf(durable)('holds everything when it is closed and opened again', async () => {
    const { name, storage } = await openNew();
    await storage.commit([
      { key: 'a', value: { text: 'grüße', list: [1, null, true] } },
      { key: 'b', value: 2 },
    ]);
    await storage.commit([{ key: 'b', value: undefined }]);
    opened.splice(opened.indexOf(storage), 1);
    await storage.close();
    const again = await open(name);
    opened.push(again);
    expect(await again.list(everything)).toEqual([
      { key: 'a', value: { text: 'grüße', list: [1, null, true] } },
    ]);
  });

  test.runIf(durable)('close waits for what is being committed', async () => {
    const { name, storage } = await openNew();
    const committed = storage.commit([{ key: 'a', value: 1 }]);
    opened.splice(opened.indexOf(storage), 1);
    await storage.close();
    await committed;
    const again = await open(name);
    opened.push(again);
    expect(await again.list(everything)).toEqual([{ key: 'a', value: 1 }]);
  });
}
