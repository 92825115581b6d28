// That somebody types, as apps tell it and show it.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Cloud } from '../../../local/cloud.ts';
import { startCloud } from '../../support/cloud.ts';
import { closeWhenSettled, Devices, directId, newUser } from '../devices.ts';
import { ManualTime } from '../manual-time.ts';
import { metered, type Traffic } from '../metered.ts';

let cloud: Cloud;
let devices: Devices;
beforeAll(async () => {
  cloud = await startCloud();
  devices = new Devices(cloud);
});
afterEach(() => devices.close());
afterAll(() => closeWhenSettled(cloud));

const told = ({ sent }: Traffic) =>
  sent.filter((frame) => frame.includes('"typing"')).map((frame) => frame.includes('"stopped":true'));

/** Two who have written to each other; their time passes when a test says so. */
async function pair() {
  const ids = [newUser('alice'), newUser('bob')] as const;
  const [alices, bobs] = [new ManualTime(), new ManualTime()];
  const { traffic, webSocket: Metered } = metered();
  let cut = () => {};
  class CutWebSocket extends Metered {
    constructor(url: string, protocols: string[]) {
      super(url, protocols);
      cut = () => this.terminate?.();
    }
  }
  const bob = await devices.connect({ userId: ids[1], environment: bobs.environment });
  const alice = await devices.connect({
    userId: ids[0],
    webSocket: CutWebSocket,
    environment: alices.environment,
  });
  const conversationId = directId(...ids);
  await alice.im.send(conversationId, 'hello').sent;
  await bob.seen.until(() => bob.seen.messages.length === 1, 'the message');
  const atAlice = alice.im.conversation(conversationId);
  const typists = () => bob.seen.of('typing').map(({ users }) => users);
  const cutAlice = () => cut();
  return { alice, bob, ids, alices, bobs, traffic, conversationId, atAlice, typists, cutAlice };
}

test('a key after the other is one frame each 3 s; that it stopped goes out at once, and once', async () => {
  const { alices, traffic, atAlice } = await pair();
  atAlice.typing(true);
  for (const _ of [1, 2, 3]) atAlice.typing();
  // What tells it is loaded with the first key.
  await expect.poll(() => told(traffic)).toEqual([false]);
  alices.advance(2_999);
  atAlice.typing();
  await cloud.settled();
  expect(told(traffic)).toEqual([false]);
  alices.advance(1);
  for (const _ of [1, 2]) atAlice.typing();
  atAlice.typing(true);
  atAlice.typing(true);
  atAlice.typing();
  await expect.poll(() => told(traffic)).toEqual([false, false, true]);
  alices.advance(3_000);
  atAlice.typing();
  await expect.poll(() => told(traffic)).toEqual([false, false, true, false]);
});

test('the other sees who types until they stop, their message is there, or 6 s passed in silence', async () => {
  const { bob, ids, alices, bobs, atAlice, conversationId, typists } = await pair();
  const [aliceId] = ids;
  const ofConversation: (readonly string[])[] = [];
  bob.im.conversation(conversationId).on('typing', ({ users }) => ofConversation.push(users));
  atAlice.typing();
  await bob.seen.until(() => typists().length === 1, 'that alice types');
  expect(bob.seen.of('typing')).toEqual([{ conversationId, users: [aliceId] }]);
  atAlice.typing(true);
  await bob.seen.until(() => typists().length === 2, 'that she stopped');

  alices.advance(3_000);
  atAlice.typing();
  await bob.seen.until(() => typists().length === 3, 'that she types again');
  await atAlice.send('there').sent;
  await bob.seen.until(() => typists().length === 4, 'that she is done');
  expect(bob.seen.texts).toEqual(['hello', 'there']);

  alices.advance(3_000);
  atAlice.typing();
  await bob.seen.until(() => typists().length === 5, 'that she types once more');
  bobs.advance(5_999);
  expect(typists()).toHaveLength(5);
  bobs.advance(1);
  expect(typists()).toEqual([[aliceId], [], [aliceId], [], [aliceId], []]);
  expect(ofConversation).toEqual(typists());
});

test('what is told again lasts on, and is one event', async () => {
  const { bob, alices, bobs, traffic, atAlice, typists } = await pair();
  atAlice.typing();
  await bob.seen.until(() => typists().length === 1, 'that alice types');
  bobs.advance(4_500);
  alices.advance(3_000);
  atAlice.typing();
  await expect.poll(() => told(traffic)).toHaveLength(2);
  await expect.poll(() => bobs.pendingMs).toContain(6_000);
  bobs.advance(5_999);
  expect(typists()).toHaveLength(1);
  bobs.advance(1);
  expect(typists().at(-1)).toEqual([]);
});

test('offline nothing is told, then or later; the next connection starts anew', async () => {
  const alone = await devices.prepare({ userId: newUser('alice') });
  const atNobody = alone.im.conversation('user:nobody');
  atNobody.typing();
  atNobody.typing(true);
  const { alice, alices, traffic, atAlice, cutAlice } = await pair();
  atAlice.typing();
  await expect.poll(() => told(traffic)).toEqual([false]);
  cutAlice();
  await alice.seen.until(() => alice.seen.of('disconnected').length === 1, 'the end');
  atAlice.typing();
  const synced = alice.seen.next('synced');
  alices.advance(25_000);
  await synced;
  expect(told(traffic)).toEqual([false]);
  atAlice.typing();
  await expect.poll(() => told(traffic)).toEqual([false, false]);
});

test('a device that is closed has no timer of it left', async () => {
  const { bob, bobs, atAlice, typists } = await pair();
  atAlice.typing();
  await bob.seen.until(() => typists().length === 1, 'that alice types');
  await bob.im.close();
  expect(bobs.pendingMs).not.toContain(6_000);
  expect(typists()).toHaveLength(1);
});
