// Messages that a device cannot read, or that its storage will never take: it goes on without them, and says so.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Cloud } from '../../../local/cloud.ts';
import { NodeWebSocket } from '../../../src/client/node.ts';
import { MemoryStorage } from '../../../src/client/storage/memory.ts';
import type { Change } from '../../../src/client/storage/storage.ts';
import { startCloud } from '../../support/cloud.ts';
import { closeWhenSettled, Devices, directId, newUser, nodeWebSocket } from '../devices.ts';

let cloud: Cloud;
let devices: Devices;
beforeAll(async () => {
  cloud = await startCloud();
  devices = new Devices(cloud);
});
afterEach(() => devices.close());
afterAll(() => closeWhenSettled(cloud));

const impatient = { random: () => 0 };

/** Gets the body of one message as what no body is. */
class SpoilingWebSocket extends NodeWebSocket {
  override emit(name: string, ...parameters: unknown[]): boolean {
    if (name !== 'message') return super.emit(name, ...parameters);
    const [data, ...others] = parameters;
    return super.emit(name, String(data).replace('{"text":"spoilt"}', '"spoilt"'), ...others);
  }
}

/** Refuses each batch for which `refuses` says so. */
class RefusingStorage extends MemoryStorage {
  refuses: (json: string) => boolean = () => false;
  onRefusal = () => {};

  override async commit(changes: readonly Change[]): Promise<void> {
    if (!this.refuses(JSON.stringify(changes))) return super.commit(changes);
    this.onRefusal();
    throw new Error('refused');
  }
}

test.each(['pushed', 'pulled'])('one that cannot be read, %s, is passed over with an error', async (way) => {
  const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
  const storage = new MemoryStorage();
  const webSocket = SpoilingWebSocket as unknown as typeof nodeWebSocket;
  const alice = await devices.connect({ userId: aliceId });
  const bob = await devices.connect({ userId: bobId, storage, webSocket });
  if (way === 'pulled') await bob.im.close();
  for (const text of ['before', 'spoilt', 'after']) await alice.im.send(`user:${bobId}`, text).sent;
  await cloud.settled();
  const reader = way === 'pulled' ? await devices.connect({ userId: bobId, storage, webSocket }) : bob;
  await reader.seen.until(() => reader.seen.messages.length === 2, 'the other two');
  expect(reader.seen.texts).toEqual(['before', 'after']);
  const conversationId = directId(aliceId, bobId);
  expect(reader.seen.of('error')).toMatchObject([
    { error: { code: 'unreadable', message: `Message 2 of ${conversationId} cannot be read` } },
  ]);
  await reader.im.close();

  const again = await devices.connect({ userId: bobId, storage });
  await alice.im.send(`user:${bobId}`, 'later').sent;
  await again.seen.until(() => again.seen.messages.length === 1, 'the next');
  expect(again.seen.of('error')).toEqual([]);
  const stored = await again.im.conversation(conversationId).messages();
  expect(stored.map(({ seq }) => seq)).toEqual([1, 3, 4]);
});

/** Gets nothing in the place of that message, wherever it stands in a frame. */
class BlankingWebSocket extends NodeWebSocket {
  override emit(name: string, ...parameters: unknown[]): boolean {
    if (name !== 'message') return super.emit(name, ...parameters);
    const [data, ...others] = parameters;
    const blank = (_key: string, value: { body?: { text?: string } } | null) =>
      value?.body?.text === 'spoilt' ? 'gibberish' : value;
    return super.emit(name, JSON.stringify(JSON.parse(String(data), blank)), ...others);
  }
}

test.each([
  ['in between', 'before', 'spoilt', 'after'],
  ['two of them', 'before', 'spoilt', 'spoilt', 'after'],
  ['at the beginning', 'spoilt', 'after'],
])('one that does not even tell its place, %s, is passed over with an error', async (_where, ...texts) => {
  const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
  const webSocket = BlankingWebSocket as unknown as typeof nodeWebSocket;
  const alice = await devices.connect({ userId: aliceId });
  const bob = await devices.connect({ userId: bobId, webSocket });
  for (const text of texts) await alice.im.send(`user:${bobId}`, text).sent;
  await bob.seen.until(() => bob.seen.texts.includes('after'), 'the one behind it');
  expect(bob.seen.texts).toEqual(texts.filter((text) => text !== 'spoilt'));
  const conversationId = directId(aliceId, bobId);
  const spoilt = texts.flatMap((text, index) => (text === 'spoilt' ? index + 1 : []));
  expect(bob.seen.of('error').map(({ error }) => [error.code, error.message])).toEqual(
    spoilt.map((seq) => ['unreadable', `Message ${seq} of ${conversationId} cannot be read`]),
  );
  const { messages } = await bob.im.conversation(conversationId).history();
  expect(messages.map(({ body }) => body['text'])).toEqual(bob.seen.texts);
});

test.each([
  ['one by one', 'before', 'forbidden', 'after'],
  ['in one page', 'before', 'forbidden', 'between', 'forbidden too', 'after'],
])('those that the storage will never take, %s, are passed over with an error', async (way, ...texts) => {
  const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
  const storage = new RefusingStorage();
  storage.refuses = (json) => json.includes('forbidden');
  const alice = await devices.connect({ userId: aliceId });
  const bob = await devices.connect({ userId: bobId, storage, environment: impatient });
  if (way === 'in one page') await bob.im.close();
  for (const text of texts) {
    await alice.im.send(`user:${bobId}`, text).sent;
    if (way === 'one by one') await cloud.settled();
  }
  await cloud.settled();
  const reader = way === 'in one page' ? await devices.connect({ userId: bobId, storage }) : bob;
  await reader.seen.until(() => reader.seen.texts.includes('after'), 'the last');
  expect(reader.seen.texts).toEqual(texts.filter((text) => !text.startsWith('forbidden')));
  const conversationId = directId(aliceId, bobId);
  const refused = texts.flatMap((text, index) => (text.startsWith('forbidden') ? index + 1 : []));
  expect(reader.seen.of('error').map(({ error }) => [error.code, error.message])).toEqual(
    refused.map((seq) => ['storage', `Message ${seq} of ${conversationId} cannot be stored`]),
  );
  expect(await storage.list({ from: 'trial', to: 'trial~' })).toEqual([]);
  // It is acknowledged, and the server has it still.
  expect(await reader.im.pending()).toMatchObject({ total: 0 });
  const { messages } = await reader.im.conversation(conversationId).history();
  expect(messages.map(({ body }) => body['text'])).toEqual(texts);
});

test('a storage that is full loses none: not the one that it has no room for, nor those behind it', async () => {
  const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
  const storage = new RefusingStorage();
  const alice = await devices.connect({ userId: aliceId });
  const bob = await devices.connect({ userId: bobId, storage, environment: impatient });
  // Room for small things only.
  storage.refuses = (json) => json.length > 4_000;
  let refusals = 0;
  storage.onRefusal = () => {
    refusals++;
    bob.seen.look();
  };
  const texts = ['small', 'large'.repeat(1_000), 'small again'];
  for (const text of texts) await alice.im.send(`user:${bobId}`, text).sent;
  await cloud.settled();
  await bob.seen.until(() => refusals > 6, 'several tries');
  expect(bob.seen.texts).toEqual(['small']);
  storage.refuses = () => false;
  await bob.seen.until(() => bob.seen.messages.length === 3, 'all of them');
  expect(bob.seen.texts).toEqual(texts);
});

test('a storage that fails now and then loses none', async () => {
  const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
  const storage = new RefusingStorage();
  const alice = await devices.connect({ userId: aliceId });
  const bob = await devices.connect({ userId: bobId, storage, environment: impatient });
  let commits = 0;
  storage.refuses = () => ++commits % 3 !== 0;
  const texts = ['one', 'two', 'three'];
  for (const text of texts) await alice.im.send(`user:${bobId}`, text).sent;
  await bob.seen.until(() => bob.seen.messages.length === 3, 'all of them');
  expect(bob.seen.texts).toEqual(texts);
});
