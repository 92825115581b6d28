// What a user wants of a conversation, on all of their devices; and the list that a device begins with.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { MemoryStorage } from '../../src/client/storage/memory.ts';
import { seqAt } from '../../src/client/seq-at.ts';
import { startCloud } from '../support/cloud.ts';
import { closeWhenSettled, Devices, directId, newUser, range } from './devices.ts';
import { expirePages } from './expired-pages.ts';
import { metered } from './metered.ts';

let cloud: Cloud;
let devices: Devices;
beforeAll(async () => {
  cloud = await startCloud();
  devices = new Devices(cloud);
});
afterEach(() => devices.close());
afterAll(() => closeWhenSettled(cloud));

/** Alice has written to bob, who has a phone and a laptop. */
async function talk(count: number) {
  const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
  const storage = new MemoryStorage();
  const bob = await devices.connect({ userId: bobId, platform: 'ios', storage });
  const laptop = await devices.connect({ userId: bobId, platform: 'desktop' });
  const alice = await devices.connect({ userId: aliceId });
  for (const n of range(count)) await alice.im.send(`user:${bobId}`, `${n}`).sent;
  for (const { seen } of [bob, laptop]) {
    await seen.until(() => seen.messages.length === count, 'all messages');
  }
  const conversationId = directId(aliceId, bobId);
  const phone = bob.im.conversation(conversationId);
  return { aliceId, bobId, alice, bob, laptop, storage, conversationId, phone };
}

describe('settings', () => {
  test('are the same on all devices of a user, after a restart too', async () => {
    const { bob, bobId, laptop, phone, conversationId, storage } = await talk(2);
    const there = laptop.im.conversation(conversationId);
    await phone.pin();
    expect(phone.summary).toMatchObject({ pinned: true, muted: false, draft: '' });
    expect(bob.seen.of('conversationChanged').at(-1)).toMatchObject({
      conversationId,
      settings: { pinned: true, muted: false, hidden: false, clearedSeq: 0, draft: '' },
    });
    await phone.saveDraft('what I was about to say');
    await phone.mute();
    await laptop.seen.until(() => there.summary.muted, 'the settings');
    expect(there.summary).toMatchObject({ pinned: true, muted: true, draft: 'what I was about to say' });
    await bob.im.close();
    const again = await devices.prepare({ userId: bobId, platform: 'ios', storage });
    expect((await again.im.conversations())[0]).toMatchObject({ conversationId, pinned: true, muted: true });
  });

  test('muted: its unread messages count in no total', async () => {
    const { bob, phone } = await talk(2);
    expect(bob.im.totalUnread).toBe(2);
    await phone.mute();
    expect(bob.im.totalUnread).toBe(0);
    expect(bob.seen.of('unreadChanged').at(-1)).toMatchObject({ unread: 2, total: 0 });
    await phone.mute(false);
    expect(bob.im.totalUnread).toBe(2);
  });

  test('pinned: it comes before what is more recent', async () => {
    const { bob, bobId, phone, conversationId } = await talk(1);
    const note = await bob.im.send(`user:${bobId}`, 'a note').sent;
    const ids = async () => (await bob.im.conversations()).map((summary) => summary.conversationId);
    expect(await ids()).toEqual([note.conversationId, conversationId]);
    await phone.pin();
    expect(await ids()).toEqual([conversationId, note.conversationId]);
  });

  test('hidden: until the next message', async () => {
    const { alice, laptop, bobId, phone, conversationId } = await talk(1);
    const there = laptop.im.conversation(conversationId);
    await phone.hide();
    await laptop.seen.until(() => there.summary.hidden, 'it to be hidden');
    await alice.im.send(`user:${bobId}`, 'hello again').sent;
    await laptop.seen.until(() => !there.summary.hidden, 'it to be back');
    await laptop.seen.until(() => laptop.seen.messages.length === 2, 'the message');
    const told = laptop.seen.of('conversationChanged').flatMap(({ settings }) => settings?.hidden ?? []);
    expect(told).toEqual([true, false]);
  });

  test('cleared: what was there is gone here, and not unread', async () => {
    const { alice, bob, laptop, bobId, phone, conversationId } = await talk(3);
    await phone.clear(2);
    expect((await phone.messages()).map(({ seq }) => seq)).toEqual([3]);
    expect(phone).toMatchObject({ unread: 1, readSeq: 2 });
    await phone.clear();
    expect(await phone.messages()).toEqual([]);
    expect(phone.summary).toMatchObject({ lastMessage: null, clearedSeq: 3, unread: 0 });
    const there = laptop.im.conversation(conversationId);
    await laptop.seen.until(() => there.summary.clearedSeq === 3, 'it to be cleared');
    expect(await there.messages()).toEqual([]);
    expect(await alice.im.conversation(conversationId).messages()).toHaveLength(3);
    await alice.im.send(`user:${bobId}`, 'afresh').sent;
    await bob.seen.until(() => bob.im.totalUnread === 1, 'the next message');
    expect((await phone.messages()).map(({ seq }) => seq)).toEqual([4]);
  });

  test('reject with what the server says', async () => {
    const { phone } = await talk(1);
    await expect(phone.saveDraft('x'.repeat(5_000))).rejects.toMatchObject({ code: 'bad_request' });
    await expect(phone.clear(99)).rejects.toMatchObject({ code: 'bad_request' });
  });
});

describe('a device whose mailbox does not reach back', () => {
  test('and that is new begins with the list, and reads no history before it is asked to', async () => {
    const { alice, bobId, phone, conversationId } = await talk(1);
    await phone.pin();
    await phone.markRead();
    await alice.seen.until(() => alice.im.conversation(conversationId).peerReadSeq === 1, 'all to be read');
    await Promise.all(range(40).map((n) => alice.im.send(`user:${bobId}`, `more ${n}`).sent));
    const carol = await devices.connect({ userId: newUser('carol') });
    const fromCarol = await carol.im.send(`user:${bobId}`, 'hello').sent;
    await cloud.settled();
    await expirePages(cloud, bobId, 2);

    const { traffic, webSocket } = metered();
    const tablet = await devices.connect({ userId: bobId, platform: 'web', webSocket });
    expect(traffic.sent.filter((frame) => frame.includes('"history"'))).toEqual([]);
    expect(await tablet.im.conversations()).toMatchObject([
      { conversationId, pinned: true, unread: 40, readSeq: 1, peerReadSeq: 41, lastMessage: { seq: 41 } },
      { conversationId: fromCarol.conversationId, pinned: false, unread: 1, lastMessage: fromCarol },
    ]);
    expect(tablet.im.totalUnread).toBe(41);
    const newest = await tablet.im.conversation(conversationId).messages({ limit: 3 });
    expect(newest.map(({ seq }) => seq)).toEqual([39, 40, 41]);
    await alice.im.send(`user:${bobId}`, 'live').sent;
    await tablet.seen.until(() => tablet.seen.messages.length > 0, 'the next message');
    expect(tablet.seen.texts).toEqual(['live']);
    expect(tablet.im.totalUnread).toBe(42);
  });

  test('takes over what was read and set meanwhile', async () => {
    const { alice, bob, bobId, laptop, conversationId, storage } = await talk(2);
    await bob.im.close();
    await Promise.all(range(40).map((n) => alice.im.send(`user:${bobId}`, `more ${n}`).sent));
    const there = laptop.im.conversation(conversationId);
    await laptop.seen.until(() => laptop.seen.messages.length === 42, 'all messages');
    await there.markRead(40);
    await there.saveDraft('on the laptop');
    await alice.seen.until(() => alice.im.conversation(conversationId).peerReadSeq === 40, 'all to be read');
    await cloud.settled();
    await expirePages(cloud, bobId, 2);
    const again = await devices.connect({ userId: bobId, platform: 'ios', storage });
    expect(again.seen.of('reset')).toMatchObject([{ reason: 'behind' }]);
    expect(again.im.conversation(conversationId).summary).toMatchObject({
      draft: 'on the laptop',
      readSeq: 40,
      unread: 2,
    });
    expect(again.seen.messages).toHaveLength(40);
  });
});

test('history around a time is the page with what was said before and after it', async () => {
  const { alice, conversationId } = await talk(9);
  const conversation = alice.im.conversation(conversationId);
  const { serverTime } = (await conversation.messages({ after: 4, limit: 1 }))[0]!;
  const page = await conversation.history({ around: new Date(serverTime), limit: 4 });
  expect(page.messages.map(({ seq }) => seq)).toEqual([3, 4, 5, 6]);
  expect((await conversation.history(page.next)).messages.map(({ seq }) => seq)).toEqual([1, 2]);
});

test('the first message since a time is found, whatever stands between; where there is none, none is', async () => {
  const { alice, conversationId } = await talk(3);
  const conversation = alice.im.conversation(conversationId);
  const times = (await conversation.messages()).map((message) =>
    'serverTime' in message ? message.serverTime : 0,
  );
  for (const time of times)
    expect(await seqAt(conversation, new Date(time))).toBe(1 + times.findIndex((one) => one >= time));
  expect(await seqAt(conversation, 0)).toBe(1);
  const since = times.at(-1)! + 1;
  expect(await seqAt(conversation, since)).toBeUndefined();
  // More of them than half a page, and they are no messages.
  for (const emoji of range(30).map(() => '👍')) {
    await conversation.react(1, emoji);
    await conversation.unreact(1, emoji);
  }
  const { seq } = await conversation.send('at last').sent;
  expect(seq).toBeGreaterThan(60);
  expect(await seqAt(conversation, since)).toBe(seq);
});
