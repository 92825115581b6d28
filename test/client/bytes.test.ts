// What the protocol costs on a slow line: frames and bytes, counted at the socket.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { MemoryStorage } from '../../src/client/storage/memory.ts';
import { startCloud } from '../support/cloud.ts';
import { closeWhenSettled, Devices, directId, newUser, range } from './devices.ts';
import { ManualTime } from './manual-time.ts';
import { metered, type Traffic } from './metered.ts';

let cloud: Cloud;
let devices: Devices;
beforeAll(async () => {
  cloud = await startCloud();
  devices = new Devices(cloud);
});
afterAll(async () => {
  await devices.close();
  await closeWhenSettled(cloud);
});

const bytes = (frames: readonly string[]) => frames.reduce((sum, frame) => sum + Buffer.byteLength(frame), 0);

test('resuming when nothing was missed and nothing is unread takes one round trip and 145 bytes', async () => {
  const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
  const storage = new MemoryStorage();
  const bob = await devices.connect({ userId: bobId, storage });
  const alice = await devices.connect({ userId: aliceId });
  await alice.im.send(`user:${bobId}`, 'hello', { silent: true }).sent;
  await bob.seen.until(() => bob.seen.messages.length === 1, 'the message');
  await bob.im.close();

  const { traffic, webSocket } = metered();
  const again = await devices.connect({ userId: bobId, storage, webSocket });
  await cloud.settled();
  expect(traffic.sent).toEqual(['{"action":"sync","id":"r1","after":1}']);
  const { mailbox } = JSON.parse(traffic.received[0]!) as { mailbox: string };
  expect(traffic.received).toEqual([
    `{"id":"r1","ok":true,"events":[],"next":1,"head":1,"more":false,"mailbox":"${mailbox}"}`,
  ]);
  expect(bytes([...traffic.sent, ...traffic.received])).toBeLessThanOrEqual(145);
  expect(again.seen.messages).toEqual([]);
});

test('coming back after 10 messages takes one round trip, and one for how far was read; each comes once', async () => {
  const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
  const storage = new MemoryStorage();
  const bob = await devices.connect({ userId: bobId, storage });
  const alice = await devices.connect({ userId: aliceId });
  await bob.im.close();
  await Promise.all(range(10).map((n) => alice.im.send(`user:${bobId}`, `missed ${n}`).sent));
  await cloud.settled();

  const { traffic, webSocket } = metered();
  const time = new ManualTime();
  const again = await devices.connect({ userId: bobId, storage, webSocket, environment: time.environment });
  const pulls = traffic.sent.filter((frame) => frame.includes('"sync"'));
  expect(pulls).toHaveLength(1);
  expect(again.seen.texts).toEqual(range(10).map((n) => `missed ${n}`));
  // Ids of 14 characters each; the text itself is 8 bytes of it.
  expect(bytes(traffic.received.slice(0, 1)) / 10).toBeLessThanOrEqual(360);
  await devicesAnswered(traffic, 2);
  time.advance(10_000);
  const [, ...afterwards] = traffic.sent;
  const conversationId = directId(aliceId, bobId);
  expect(afterwards).toEqual([
    `{"action":"positions","id":"r2","conversationIds":["${conversationId}"]}`,
    '{"action":"ack","cursor":10}',
  ]);
});

test('a conversation of 20 costs a frame per message each way, and an ack per 32 events or 10 s', async () => {
  const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
  const [bobs, alices] = [metered(), metered()];
  const time = new ManualTime();
  const bob = await devices.connect({
    userId: bobId,
    webSocket: bobs.webSocket,
    environment: time.environment,
  });
  const alice = await devices.connect({ userId: aliceId, webSocket: alices.webSocket });
  for (const n of range(20)) await alice.im.send(`user:${bobId}`, `${n}`).sent;
  await bob.seen.until(() => bob.seen.messages.length === 20, 'all messages');
  time.advance(10_000);

  const pulled = bobs.traffic.sent.filter((frame) => frame.includes('"sync"'));
  expect(pulled).toHaveLength(1);
  expect(bobs.traffic.sent.slice(1)).toEqual(['{"action":"ack","cursor":20}']);
  expect(bobs.traffic.received.length).toBeLessThanOrEqual(21);
  const sends = alices.traffic.sent.filter((frame) => frame.includes('"send"'));
  expect(sends).toHaveLength(20);
  // Envelope, recipient, key and body of a message of one or two characters.
  expect(bytes(sends) / 20).toBeLessThanOrEqual(150);
  expect(alices.traffic.received).toHaveLength(21);
});

test('an idle hour costs 13 pings; what the last of them tells is not told again', async () => {
  const bobId = newUser('bob');
  const { traffic, webSocket } = metered();
  const time = new ManualTime();
  await devices.connect({ userId: bobId, webSocket, environment: time.environment });
  const before = traffic.sent.length;
  for (const n of range(13)) {
    time.fire(4.5 * 60_000);
    await devicesAnswered(traffic, n + 1);
  }
  const pings = traffic.sent.slice(before);
  expect(pings).toHaveLength(13);
  expect(bytes([...pings, ...traffic.received.slice(-13)]) / 13).toBeLessThanOrEqual(110);
});

/** Each ping has its answer before the next heartbeat. */
async function devicesAnswered(traffic: Traffic, frames: number): Promise<void> {
  while (traffic.received.length < frames) await cloud.settled();
}
