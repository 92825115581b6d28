// How far was read: kept until the server has it, known on every device and to the peer, and exact after all.
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { MemoryStorage } from '../../src/client/storage/memory.ts';
import { startCloud } from '../support/cloud.ts';
import { closeWhenSettled, Devices, directId, newUser, type Device } from './devices.ts';
import { ManualTime } from './manual-time.ts';
import { metered } from './metered.ts';

let cloud: Cloud;
let devices: Devices;
beforeAll(async () => {
  cloud = await startCloud();
  devices = new Devices(cloud);
});
afterEach(async () => {
  cloud.clearFaults();
  await devices.close();
});
afterAll(() => closeWhenSettled(cloud));

const HEARTBEAT_MS = 4.5 * 60_000;
const reads = ({ seen }: Device) => seen.of('readChanged').map(({ userId, readSeq }) => [userId, readSeq]);
const readRequests = (sent: readonly string[]) => sent.filter((frame) => frame.includes('"read"'));

async function talk(count: number, time?: ManualTime) {
  const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
  const storage = new MemoryStorage();
  const { traffic, webSocket } = metered();
  const environment = time?.environment ?? {};
  const bob = await devices.connect({ userId: bobId, storage, webSocket, environment });
  const alice = await devices.connect({ userId: aliceId });
  for (let n = 1; n <= count; n++) await alice.im.send(`user:${bobId}`, `${n}`).sent;
  await bob.seen.until(() => bob.seen.messages.length === count, 'all messages');
  const conversationId = directId(aliceId, bobId);
  return { aliceId, bobId, alice, bob, storage, traffic, conversationId };
}

describe('markRead', () => {
  test('is known on one’s other devices and to the peer; unread is what is left', async () => {
    const { alice, bob, bobId, conversationId } = await talk(3);
    const laptop = await devices.connect({ userId: bobId, platform: 'desktop' });
    await laptop.seen.until(() => laptop.im.totalUnread === 3, 'what is unread');
    await bob.im.conversation(conversationId).markRead(2);
    expect(bob.im.conversation(conversationId)).toMatchObject({ readSeq: 2, unread: 1 });
    expect(bob.seen.of('unreadChanged').at(-1)).toEqual({ conversationId, unread: 1, total: 1 });
    expect(reads(bob).filter(([userId]) => userId === bobId)).toEqual([[bobId, 2]]);
    await alice.seen.until(() => reads(alice).some(([userId]) => userId === bobId), 'bob’s position');
    expect(alice.im.conversation(conversationId)).toMatchObject({ peerReadSeq: 2, readSeq: 3, unread: 0 });
    await laptop.seen.until(() => laptop.im.totalUnread === 1, 'the position of the other device');
    expect(laptop.im.conversation(conversationId).readSeq).toBe(2);

    // Only forward, and never beyond what was shown.
    await bob.im.conversation(conversationId).markRead(1);
    expect(bob.im.conversation(conversationId).readSeq).toBe(2);
    await bob.im.conversation(conversationId).markRead(99);
    expect(bob.im.conversation(conversationId)).toMatchObject({ readSeq: 3, unread: 0 });
    await alice.seen.until(() => alice.im.conversation(conversationId).peerReadSeq === 3, 'all to be read');
    const receipts = await alice.im.conversation(conversationId).receipts(3);
    expect(receipts).toMatchObject({ readCount: 1, unreadCount: 0, read: [{ userId: bobId, readSeq: 3 }] });
  });

  test('goes out once a second, however often it is called', async () => {
    const time = new ManualTime();
    const { alice, bob, conversationId, traffic } = await talk(4, time);
    for (const seq of [1, 2, 3, 4]) await bob.im.conversation(conversationId).markRead(seq);
    expect(readRequests(traffic.sent)).toEqual([]);
    time.fire(1_000);
    await alice.seen.until(() => alice.im.conversation(conversationId).peerReadSeq === 4, 'all to be read');
    expect(readRequests(traffic.sent)).toHaveLength(1);
  });

  test('offline is kept over a restart, and told when there is a connection', async () => {
    const { alice, bob, bobId, conversationId, storage } = await talk(2);
    await bob.im.close();
    const offline = await devices.prepare({ userId: bobId, storage });
    await offline.im.conversation(conversationId).markRead();
    await offline.im.close();
    const again = await devices.prepare({ userId: bobId, storage });
    expect(again.im.conversation(conversationId)).toMatchObject({ readSeq: 2, unread: 0 });
    expect(alice.im.conversation(conversationId).peerReadSeq).toBe(0);
    await again.im.start();
    await alice.seen.until(() => alice.im.conversation(conversationId).peerReadSeq === 2, 'all to be read');
    expect(again.im.totalUnread).toBe(0);
  });

  test('is tried again when the server fails', async () => {
    const { alice, bob, conversationId, traffic } = await talk(2);
    cloud.setFaults({ seed: 1, lambda: { crashBefore: 1 } });
    await bob.im.conversation(conversationId).markRead();
    const failed = () => traffic.received.some((frame) => frame.includes('Internal server error'));
    await vi.waitFor(() => expect(failed()).toBe(true), { timeout: 10_000 });
    cloud.clearFaults();
    await alice.seen.until(() => alice.im.conversation(conversationId).peerReadSeq === 2, 'all to be read');
  });

  test('a send does the same, on both sides', async () => {
    const { aliceId, alice, bob, conversationId, traffic } = await talk(2);
    await bob.im.send(`user:${aliceId}`, 'an answer').sent;
    expect(bob.im.conversation(conversationId)).toMatchObject({ readSeq: 3, unread: 0 });
    await alice.seen.until(() => alice.im.conversation(conversationId).peerReadSeq === 3, 'the answer');
    expect(readRequests(traffic.sent)).toEqual([]);
  });
});

describe('positions', () => {
  test('that changed while a device was away are asked for when it is back', async () => {
    const { aliceId, alice, bob, bobId, conversationId, storage } = await talk(3);
    const aliceStorage = new MemoryStorage();
    const tablet = await devices.connect({ userId: aliceId, platform: 'ios', storage: aliceStorage });
    await tablet.im.send(`user:${bobId}`, '4').sent;
    await bob.seen.until(() => bob.seen.messages.length === 4, 'the last message');
    await tablet.im.close();
    await bob.im.close();
    const laptop = await devices.connect({ userId: bobId, platform: 'desktop' });
    await laptop.im.conversation(conversationId).markRead();
    await alice.seen.until(() => alice.im.conversation(conversationId).peerReadSeq === 4, 'all to be read');

    const back = await devices.connect({ userId: bobId, storage });
    await back.seen.until(() => back.im.totalUnread === 0, 'nothing to be unread');
    expect(back.im.conversation(conversationId).readSeq).toBe(4);
    const tabletBack = await devices.connect({ userId: aliceId, platform: 'ios', storage: aliceStorage });
    await tabletBack.seen.until(
      () => tabletBack.im.conversation(conversationId).peerReadSeq === 4,
      'bob’s position',
    );
  });

  test('whose pushes are lost are asked for with the heartbeat', async () => {
    const time = new ManualTime();
    const { bob, bobId, conversationId } = await talk(2, time);
    const laptop = await devices.connect({ userId: bobId, platform: 'desktop' });
    cloud.setFaults({ seed: 1, gateway: { dropPush: 1 } });
    await laptop.seen.until(() => laptop.im.totalUnread === 2, 'what is unread');
    await laptop.im.conversation(conversationId).markRead();
    await laptop.im.sync();
    const receipts = () => laptop.im.conversation(conversationId).receipts(2);
    while ((await receipts()).unreadCount > 0);
    expect(bob.im.totalUnread).toBe(2);
    time.fire(HEARTBEAT_MS);
    await bob.seen.until(() => bob.im.totalUnread === 0, 'nothing to be unread');
  });
});
