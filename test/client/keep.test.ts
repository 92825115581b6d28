// How much a device keeps: its newest messages, until it is cleared, and then nothing.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import type { Conversation } from '../../src/client/conversation.ts';
import { FileStorage } from '../../src/client/storage/file.ts';
import { MemoryStorage } from '../../src/client/storage/memory.ts';
import { startCloud } from '../support/cloud.ts';
import { closeWhenSettled, Devices, directId, newUser, range } from './devices.ts';

let cloud: Cloud;
let devices: Devices;
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'im-keep-'));
  cloud = await startCloud();
  devices = new Devices(cloud);
});
afterEach(() => devices.close());
afterAll(async () => {
  await closeWhenSettled(cloud);
  await rm(directory, { recursive: true });
});

const TOTAL = 35;

/** A device that keeps ten of the 35 messages that it has shown. */
async function forgetful() {
  const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
  const options = { userId: bobId, storage: new MemoryStorage(), keepMessages: 10 };
  const bob = await devices.connect(options);
  const alice = await devices.connect({ userId: aliceId });
  await Promise.all(range(TOTAL).map((n) => alice.im.send(`user:${bobId}`, `${n}`).sent));
  await bob.seen.until(() => bob.seen.messages.length === TOTAL, 'all messages');
  const conversationId = directId(aliceId, bobId);
  return { bob, options, conversationId, conversation: bob.im.conversation(conversationId) };
}

async function readDown(conversation: Conversation, limit: number): Promise<number[]> {
  const seqs: number[] = [];
  for (let before = TOTAL + 1; ;) {
    const page = await conversation.messages({ before, limit });
    if (page.length === 0) return seqs;
    seqs.unshift(...page.map(({ seq }) => seq));
    before = page[0]!.seq;
  }
}

async function readUp(conversation: Conversation, limit: number): Promise<number[]> {
  const seqs: number[] = [];
  for (let after = 0; ;) {
    const page = await conversation.messages({ after, limit });
    if (page.length === 0) return seqs;
    seqs.push(...page.map(({ seq }) => seq));
    after = page.at(-1)!.seq;
  }
}

test('only the newest messages of a conversation are kept, and all of them can be read', async () => {
  const { options, conversationId, conversation } = await forgetful();
  const kept = await options.storage.list({ from: 'message/', to: 'message0' });
  expect(kept.map(({ value }) => (value as { seq: number }).seq)).toEqual(range(10, TOTAL - 9));
  expect((await conversation.messages({ limit: 20 })).map(({ seq }) => seq)).toEqual(range(20, TOTAL - 19));
  for (const limit of [1, 7, 10, 100, 300]) {
    expect(await readDown(conversation, limit)).toEqual(range(TOTAL));
    expect(await readUp(conversation, limit)).toEqual(range(TOTAL));
  }
  expect(conversation.unread).toBe(TOTAL);
  expect(conversation.summary.lastMessage).toMatchObject({ conversationId, seq: TOTAL });
});

test('a device that keeps more from now on still knows what it has dropped', async () => {
  const { bob, options, conversationId } = await forgetful();
  await bob.im.close();
  const { im } = await devices.connect({ ...options, keepMessages: 30 });
  const peer = im.conversation(conversationId).summary.peer!;
  await Promise.all(range(5).map(() => im.send(`user:${peer}`, 'more').sent));
  const upwards = await readUp(im.conversation(conversationId), 7);
  expect(upwards).toEqual(range(TOTAL + 5));
  expect(await options.storage.list({ from: 'message/', to: 'message0' })).toHaveLength(15);
});

test('of a page with more than it keeps, a device keeps the newest and shows all', async () => {
  const { options, conversationId } = await forgetful();
  const storage = new MemoryStorage();
  const { im, seen } = await devices.connect({ ...options, storage, platform: 'ios' });
  expect(seen.messages.map(({ message }) => message.seq)).toEqual(range(TOTAL));
  expect(await storage.list({ from: 'message/', to: 'message0' })).toHaveLength(10);
  expect(await readUp(im.conversation(conversationId), 20)).toEqual(range(TOTAL));
});

test('offline there are the kept ones, and no false end behind them', async () => {
  const { bob, options, conversationId } = await forgetful();
  await bob.im.close();
  const { im, seen } = await devices.prepare(options);
  const conversation = im.conversation(conversationId);
  expect((await conversation.messages()).map(({ seq }) => seq)).toEqual(range(10, TOTAL - 9));
  const lost = { code: 'connection_lost' };
  await expect(conversation.messages({ before: TOTAL - 9 })).rejects.toMatchObject(lost);
  await expect(conversation.messages({ after: 0 })).rejects.toMatchObject(lost);
  await im.start();
  expect(await readDown(conversation, 8)).toEqual(range(TOTAL));
  expect(seen.messages).toEqual([]);
});

test('after clear nothing is left of a device, in its file neither', async () => {
  const aliceId = newUser('alice');
  const path = join(directory, 'alice.journal');
  const alice = await devices.connect({ userId: aliceId, storage: await FileStorage.open(path) });
  await alice.im.send(`user:${aliceId}`, 'sent secret').sent;
  const messages = alice.im.messages();
  const unsent = alice.im.send(`user:${aliceId}`, 'unsent secret');
  const ended = unsent.sent.catch((error: unknown) => error);
  await alice.im.clear();
  expect(await readFile(path, 'utf8')).not.toMatch(/secret|alice/);
  expect(alice.im.state).toBe('closed');
  expect(await ended).toMatchObject({ code: 'closed' });
  expect(await messages.next()).toMatchObject({ done: true });
  await expect(alice.im.clear()).rejects.toMatchObject({ code: 'closed' });

  const bob = await devices.prepare({ userId: newUser('bob'), storage: await FileStorage.open(path) });
  expect(bob.im.deviceId).not.toBe(alice.im.deviceId);
  expect(await bob.im.conversations()).toEqual([]);
  expect(bob.im.outbox()).toEqual([]);
});

test('what is being stored when a device is cleared goes, too', async () => {
  const storage = new MemoryStorage();
  const { im } = await devices.prepare({ userId: newUser('alice'), storage });
  const waiting = range(3).map((n) => im.send('user:bob', `${n}`).stored.catch(() => {}));
  await im.clear();
  await Promise.all(waiting);
  expect(await storage.list({ from: '', to: '\uffff' })).toEqual([]);
});
