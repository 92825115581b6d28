// What the client keeps: how old data become new ones, step by step and whole.
import { expect, test } from 'vitest';
import type { Migration } from '../../../src/client/store/migrations.ts';
import { key } from '../../../src/client/store/schema.ts';
import { Store } from '../../../src/client/store/store.ts';
import { MemoryStorage } from '../../../src/client/storage/memory.ts';
import type { Change } from '../../../src/client/storage/storage.ts';

const identify = async () => ({ userId: 'alice', deviceId: 'phone' });
const nobody = () => Promise.reject(new Error('there are data already'));
const metaOf = async (storage: MemoryStorage) => (await storage.list({ from: 'meta', to: 'meta' }))[0]!.value;

/** Each notes that it ran, and on what. */
const step =
  (name: string): Migration =>
  async (storage) => {
    const [note] = await storage.list({ from: 'note', to: 'note' });
    return [{ key: 'note', value: [...((note?.value as string[]) ?? []), name] }];
  };
const notes = async (storage: MemoryStorage) => (await storage.list({ from: 'note', to: 'note' }))[0]?.value;

test('begins at the newest version, and remembers whose it is', async () => {
  const storage = new MemoryStorage();
  await Store.open(storage, identify, [step('1 to 2')]);
  expect(await metaOf(storage)).toEqual({
    schemaVersion: 2,
    userId: 'alice',
    deviceId: 'phone',
    position: null,
    complete: true,
  });
  const again = await Store.open(storage, nobody, [step('1 to 2')]);
  expect(again.meta.deviceId).toBe('phone');
  expect(await notes(storage)).toBeUndefined();
});

test('older data go through each step once, in order', async () => {
  const storage = new MemoryStorage();
  await Store.open(storage, identify, []);
  await Store.open(storage, nobody, [step('1 to 2'), step('2 to 3')]);
  await Store.open(storage, nobody, [step('1 to 2'), step('2 to 3'), step('3 to 4')]);
  expect(await notes(storage)).toEqual(['1 to 2', '2 to 3', '3 to 4']);
  expect(await metaOf(storage)).toMatchObject({ schemaVersion: 4, userId: 'alice' });
});

test('a crash between steps goes on where it stopped', async () => {
  const storage = new MemoryStorage();
  await Store.open(storage, identify, []);
  const crash: Migration = () => Promise.reject(new Error('power cut'));
  await expect(Store.open(storage, nobody, [step('1 to 2'), crash])).rejects.toThrow('power cut');
  expect(await metaOf(storage)).toMatchObject({ schemaVersion: 2 });
  await Store.open(storage, nobody, [step('1 to 2'), step('2 to 3')]);
  expect(await notes(storage)).toEqual(['1 to 2', '2 to 3']);
});

test('a step may change the meta record, too', async () => {
  const storage = new MemoryStorage();
  await Store.open(storage, identify, []);
  const rename: Migration = async (from) => {
    const [meta] = await from.list({ from: 'meta', to: 'meta' });
    const change: Change = { key: 'meta', value: { ...(meta!.value as object), position: 7 } };
    return [change];
  };
  const store = await Store.open(storage, nobody, [rename]);
  expect(store.meta).toMatchObject({ schemaVersion: 2, position: 7 });
});

test('data of a newer version are refused, and left alone', async () => {
  const storage = new MemoryStorage();
  await Store.open(storage, identify, [step('1 to 2')]);
  await expect(Store.open(storage, nobody, [])).rejects.toMatchObject({ code: 'storage' });
  expect(await metaOf(storage)).toMatchObject({ schemaVersion: 2 });
});

test('what waits at or below what is shown is passed over: it holds up nothing', async () => {
  const storage = new MemoryStorage();
  const conversationId = 'd:ann:ben';
  const slot = (seq: number) => ({ conversationId, seq, void: true as const });
  await Store.open(storage, identify);
  await storage.commit([
    {
      key: key.conversation(conversationId),
      value: { conversationId, shownSeq: 8, unread: 0, countedSeq: 8, last: null },
    },
    // Written late, by a life that was over.
    { key: key.waiting(conversationId, 7), value: { slot: slot(7), delivery: 'live' } },
    { key: key.waiting(conversationId, 10), value: { slot: slot(10), delivery: 'live' } },
  ]);
  const store = await Store.open(storage, identify);
  expect(store.timeline(conversationId).waiting.map((arrival) => arrival.slot.seq)).toEqual([10]);
});
