// Messages that are recalled or edited: every device shows them as they are by now, whatever came late.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import type { WebSocketConstructor } from '../../src/client/environment.ts';
import { NodeWebSocket } from '../../src/client/node.ts';
import { MemoryStorage } from '../../src/client/storage/memory.ts';
import { startCloud } from '../support/cloud.ts';
import {
  closeWhenSettled,
  Devices,
  directId,
  newUser,
  range,
  type Device,
  type DeviceOptions,
} from './devices.ts';
import { expirePages } from './expired-pages.ts';

let cloud: Cloud;
let devices: Devices;
beforeAll(async () => {
  cloud = await startCloud({ environment: { IM_SETTINGS: '{"pushFreshMs":0}' } });
  devices = new Devices(cloud);
});
afterEach(async () => {
  cloud.clearFaults();
  await devices.close();
});
afterAll(() => closeWhenSettled(cloud));

const recalled = { recalled: true, body: {} };
const changed = ({ seen }: Device) => seen.of('messageChanged').map(({ message }) => message);

/** Sockets of which one breaks with the first answer to an edit, and does not deliver it. */
function breakingOnce(): WebSocketConstructor {
  let broken = false;
  class BreakingWebSocket extends NodeWebSocket {
    override emit(name: string, ...rest: unknown[]): boolean {
      const isEdited = name === 'message' && String(rest[0]).includes('"edited":') && !broken;
      if (!isEdited || !String(rest[0]).includes('"ok":true')) return super.emit(name, ...rest);
      broken = true;
      this.terminate();
      return false;
    }
  }
  return BreakingWebSocket;
}

/** Alice and bob in one conversation, in which alice has said something, and bob has it. */
async function talk(texts: readonly string[], options: Partial<DeviceOptions> = {}) {
  const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
  const storage = new MemoryStorage();
  const bob = await devices.connect({ userId: bobId, storage });
  const alice = await devices.connect({ userId: aliceId, ...options });
  for (const text of texts) await alice.im.send(`user:${bobId}`, text).sent;
  await bob.seen.until(() => bob.seen.messages.length === texts.length, 'all messages');
  const conversationId = directId(aliceId, bobId);
  return { aliceId, bobId, alice, bob, storage, conversationId };
}

const local = ({ im }: Device, conversationId: string) => im.conversation(conversationId).messages();

describe('recall', () => {
  test('takes the message from every device, from what is unread, and from what is read again later', async () => {
    const { alice, bob, bobId, conversationId, storage } = await talk(['one', 'two', 'three']);
    const laptop = await devices.connect({ userId: bobId, platform: 'desktop' });
    expect(bob.im.totalUnread).toBe(3);
    await alice.im.conversation(conversationId).recall(2);
    expect(changed(alice)).toMatchObject([{ seq: 2, ...recalled }]);
    await bob.seen.until(() => changed(bob).length === 1, 'the recall');
    await laptop.seen.until(() => changed(laptop).length === 1, 'the recall on the laptop');
    expect(changed(bob)).toMatchObject([{ conversationId, seq: 2, ...recalled }]);
    expect(bob.im.totalUnread).toBe(2);
    expect(bob.seen.texts).toEqual(['one', 'two', 'three']);
    const expected = [{ seq: 1 }, { seq: 2, ...recalled }, { seq: 3, body: { text: 'three' } }];
    expect(await local(bob, conversationId)).toMatchObject(expected);
    expect(await local(alice, conversationId)).toMatchObject(expected);

    await bob.im.close();
    const again = await devices.prepare({ userId: bobId, storage });
    expect(await local(again, conversationId)).toMatchObject(expected);
    await again.im.start();
    // The control message has a place, and is nothing to show: the next message comes as ever.
    const { seq } = await alice.im.send(`user:${bobId}`, 'five').sent;
    await again.seen.until(() => again.seen.messages.length === 1, 'the next message');
    expect(seq).toBe(5);
    expect(again.seen.texts).toEqual(['five']);
    expect(again.im.totalUnread).toBe(3);
    const { messages } = await again.im.conversation(conversationId).history();
    expect(messages.map((message) => message.seq)).toEqual([1, 2, 3, 5]);
  });

  test('of the newest message shows in the summary, and lowers nothing where that was read', async () => {
    const { aliceId, alice, bob, conversationId } = await talk(['one']);
    await bob.im.send(`user:${aliceId}`, 'two').sent;
    await alice.im.conversation(conversationId).recall(1);
    await bob.seen.until(() => changed(bob).length === 1, 'the recall');
    expect(bob.im.totalUnread).toBe(0);
    await bob.im.conversation(conversationId).recall(2);
    expect(bob.im.conversation(conversationId).summary.lastMessage).toMatchObject({ seq: 2, ...recalled });
  });

  test('says why not', async () => {
    const { alice, bob, conversationId } = await talk(['one']);
    const conversation = bob.im.conversation(conversationId);
    await expect(conversation.recall(1)).rejects.toMatchObject({ name: 'ImError', code: 'forbidden' });
    await expect(conversation.recall(7)).rejects.toMatchObject({ code: 'not_found' });
    await expect(conversation.edit(1, 'mine')).rejects.toMatchObject({ code: 'forbidden' });
    await expect(alice.im.conversation(conversationId).edit(1, 'x'.repeat(17_000))).rejects.toMatchObject({
      code: 'too_large',
    });
    await bob.im.close();
    await expect(conversation.recall(1)).rejects.toMatchObject({ code: 'closed' });
  });
});

describe('edit', () => {
  test('changes the message everywhere, each edit once; a recall after it is for ever', async () => {
    const { alice, bob, conversationId } = await talk(['teh cat', 'and']);
    const conversation = alice.im.conversation(conversationId);
    await conversation.edit(1, 'the cat');
    await bob.seen.until(() => changed(bob).length === 1, 'the first edit');
    await conversation.edit(1, { text: 'the cat sat', lang: 'en' });
    await bob.seen.until(() => changed(bob).length === 2, 'both edits');
    const edited = changed(bob).map((message) => message.edited!);
    expect(edited[0]).toBeLessThan(edited[1]!);
    expect(bob.im.totalUnread).toBe(2);
    const expected = [{ body: { text: 'the cat sat', lang: 'en' }, edited: edited[1] }, { edited: null }];
    expect(await local(bob, conversationId)).toMatchObject(expected);
    expect(await local(alice, conversationId)).toMatchObject(expected);
    await conversation.recall(1);
    await bob.seen.until(() => changed(bob).length === 3, 'the recall');
    expect((await local(bob, conversationId))[0]).toMatchObject(recalled);
    await expect(conversation.edit(1, 'too late')).rejects.toMatchObject({ code: 'not_found' });
  });

  test('is made once when the connection breaks before its answer', async () => {
    const { alice, bob, conversationId } = await talk(['one'], { webSocket: breakingOnce() });
    await alice.im.conversation(conversationId).edit(1, 'first');
    expect(alice.seen.of('disconnected')).toHaveLength(1);
    expect(changed(alice)).toMatchObject([{ body: { text: 'first' } }]);
    await bob.seen.until(() => changed(bob).length === 1, 'the edit');
    const { seq } = await alice.im.conversation(conversationId).send('next').sent;
    expect(seq).toBe(3);
  });
});

describe('a device that was away', () => {
  test('shows what was done meanwhile, also to messages that it had', async () => {
    const { alice, bob, bobId, conversationId, storage } = await talk(['one', 'two', 'three']);
    await bob.im.close();
    const conversation = alice.im.conversation(conversationId);
    await conversation.recall(1);
    await conversation.edit(3, 'third');
    await cloud.settled();
    const again = await devices.connect({ userId: bobId, storage });
    expect(changed(again)).toMatchObject([
      { seq: 1, ...recalled },
      { seq: 3, body: { text: 'third' } },
    ]);
    expect(again.im.totalUnread).toBe(2);
    expect(await local(again, conversationId)).toMatchObject([
      recalled,
      { body: { text: 'two' } },
      { body: { text: 'third' } },
    ]);
  });

  test('for longer than the mailbox reaches: reads anew what changed', async () => {
    const { alice, bob, bobId, conversationId, storage } = await talk(['one', 'two', 'three']);
    await bob.im.close();
    const conversation = alice.im.conversation(conversationId);
    await conversation.recall(1);
    await conversation.edit(3, 'third');
    const missed = range(40).map((n) => `missed ${n}`);
    await Promise.all(missed.map((text) => conversation.send(text).sent));
    await cloud.settled();
    await expirePages(cloud, bobId, 2);
    const again = await devices.connect({ userId: bobId, storage });
    expect(again.seen.of('reset')).toMatchObject([{ reason: 'behind' }]);
    expect(again.seen.texts).toEqual(missed);
    expect(changed(again)).toMatchObject([
      { seq: 1, ...recalled },
      { seq: 3, body: { text: 'third' } },
    ]);
    expect(await local(again, conversationId)).toMatchObject([
      recalled,
      { body: { text: 'two' } },
      { body: { text: 'third' } },
      ...missed.map((text) => ({ body: { text } })),
    ]);
    expect(again.im.totalUnread).toBe(42);
  });
});

test('a push that is lost: the hole it leaves is read from history, and with it what it told of', async () => {
  const { alice, bob, conversationId } = await talk(['one', 'two']);
  cloud.setFaults({ seed: 1, gateway: { dropPush: 1 } });
  await alice.im.conversation(conversationId).edit(1, 'first');
  await cloud.settled();
  cloud.clearFaults();
  await alice.im.conversation(conversationId).send('four').sent;
  await bob.seen.until(() => bob.seen.messages.length === 3, 'the next message');
  await bob.seen.until(() => changed(bob).length === 1, 'the edit');
  expect(await local(bob, conversationId)).toMatchObject([
    { body: { text: 'first' } },
    { body: { text: 'two' } },
    { body: { text: 'four' } },
  ]);
});

describe('reactions', () => {
  const reactionsOf = async (device: Device, conversationId: string, index = 0) =>
    (await local(device, conversationId))[index]!.reactions;

  test('are shown on every device as they are, live and after a restart, and taken back', async () => {
    const { alice, aliceId, bob, bobId, conversationId, storage } = await talk(['one', 'two']);
    const laptop = await devices.connect({ userId: bobId, platform: 'desktop' });
    const heart = { emoji: '❤️', count: 1, users: [bobId] };
    const atBob = bob.im.conversation(conversationId);
    expect(await atBob.react(1, '❤️')).toEqual([{ ...heart, mine: true }]);
    expect(changed(bob)).toMatchObject([{ seq: 1, reactions: [{ ...heart, mine: true }] }]);
    await alice.seen.until(() => changed(alice).length === 1, 'the reaction');
    expect(changed(alice)).toMatchObject([{ seq: 1, reactions: [{ ...heart, mine: false }] }]);
    await laptop.seen.until(() => changed(laptop).length === 1, 'the reaction');
    expect(await reactionsOf(laptop, conversationId)).toEqual([{ ...heart, mine: true }]);

    expect(await alice.im.conversation(conversationId).react(1, '❤️')).toMatchObject([{ count: 2 }]);
    await bob.seen.until(() => changed(bob).length === 2, 'the other reaction');
    const both = { emoji: '❤️', count: 2, users: [aliceId, bobId].toSorted(), mine: true };
    await bob.im.close();
    const again = await devices.connect({ userId: bobId, storage });
    expect(await reactionsOf(again, conversationId)).toEqual([both]);
    expect(await reactionsOf(again, conversationId, 1)).toBeUndefined();

    const atAgain = again.im.conversation(conversationId);
    expect(await atAgain.unreact(1, '❤️')).toMatchObject([{ count: 1, mine: false }]);
    await alice.im.conversation(conversationId).unreact(1, '❤️');
    await again.seen.until(() => changed(again).length === 2, 'that none is left');
    for (const device of [alice, again]) {
      // An answer that others' reactions overtook waits for its own control message.
      await expect
        .poll(async () => Object.keys((await local(device, conversationId))[0]!))
        .not.toContain('reactions');
    }
  });

  test('of messages that others have meanwhile are known to who was away, and gone with a recall', async () => {
    const { alice, bob, bobId, conversationId, storage } = await talk(['one', 'two']);
    await bob.im.close();
    const atAlice = alice.im.conversation(conversationId);
    await atAlice.react(1, '🎉');
    await atAlice.react(2, '🎉');
    await atAlice.recall(2);
    expect(await reactionsOf(alice, conversationId, 1)).toBeUndefined();
    const again = await devices.connect({ userId: bobId, storage });
    expect(await reactionsOf(again, conversationId)).toMatchObject([{ emoji: '🎉', count: 1, mine: false }]);
    const [, second] = await local(again, conversationId);
    expect(second).toMatchObject(recalled);
    expect(Object.keys(second!)).not.toContain('reactions');
    await expect(again.im.conversation(conversationId).react(2, '👍')).rejects.toMatchObject({
      code: 'not_found',
    });
  });
});
