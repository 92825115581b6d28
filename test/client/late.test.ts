// What is loaded with its first use, and cannot be had at first.
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { MemoryStorage } from '../../src/client/storage/memory.ts';
import type { Change } from '../../src/client/storage/storage.ts';
import { scan, startCloud } from '../support/cloud.ts';
import { closeWhenSettled, Devices, directId, newUser } from './devices.ts';

const extras = vi.hoisted(() => ({ tries: 0, isOutOfReach: true }));
vi.mock('../../src/client/extras.ts', async (load) => {
  extras.tries++;
  if (extras.isOutOfReach) throw new Error('Out of reach');
  return load();
});

let cloud: Cloud;
let devices: Devices;
beforeAll(async () => {
  cloud = await startCloud();
  devices = new Devices(cloud);
});
afterEach(() => devices.close());
afterAll(() => closeWhenSettled(cloud));

test('to talk, and to open a direct conversation, nothing is loaded', async () => {
  const bob = await devices.connect({ userId: newUser('bob') });
  const { im } = await devices.connect({ userId: newUser('alice') });
  const conversation = im.conversation(directId(im.userId, bob.im.userId));
  const shut = conversation.open();
  await conversation.send('hello').sent;
  await bob.seen.until(() => bob.seen.messages.length === 1, 'the message');
  shut();
  expect(extras.tries).toBe(0);
});

class RefusingStorage extends MemoryStorage {
  refuses = true;

  override async commit(changes: readonly Change[]): Promise<void> {
    if (this.refuses && JSON.stringify(changes).includes('forbidden')) throw new Error('refused');
    return super.commit(changes);
  }
}

test('no message is passed over before what tells why the storage does not take it can be loaded', async () => {
  const storage = new RefusingStorage();
  const environment = { random: () => 0 };
  const bob = await devices.connect({ userId: newUser('bob'), storage, environment });
  const { im } = await devices.connect({ userId: newUser('alice') });
  for (const text of ['forbidden', 'after']) await im.send(`user:${bob.im.userId}`, text).sent;
  await bob.seen.until(() => bob.seen.of('error').length > 1, 'that it is tried again');
  expect(extras.tries).toBeGreaterThan(1);
  storage.refuses = false;
  await bob.seen.until(() => bob.seen.messages.length === 2, 'both');
  expect(bob.seen.texts).toEqual(['forbidden', 'after']);
});

test('how far was read, and where to be notified, is kept, and told when what tells it can be loaded', async () => {
  const userId = newUser('carol');
  const { im, seen } = await devices.connect({ userId });
  const alice = await devices.connect({ userId: newUser('alice') });
  await alice.im.send(`user:${userId}`, 'hello').sent;
  await seen.until(() => seen.messages.length === 1, 'the message');
  const conversationId = directId(alice.im.userId, userId);
  await im.conversation(conversationId).markRead();
  expect(im.totalUnread).toBe(0);
  const registered = im.registerForPush({ pushToken: 'token-1' });
  await expect(im.preferences()).rejects.toMatchObject({ code: 'connection_lost', retryable: true });
  extras.isOutOfReach = false;
  await im.sync();
  await registered;
  await alice.seen.until(() => alice.im.conversation(conversationId).peerReadSeq === 1, 'it to be read');
  const users = await scan(cloud, 'Users');
  expect(users).toContainEqual(expect.objectContaining({ userId, pushToken: 'token-1' }));
});
