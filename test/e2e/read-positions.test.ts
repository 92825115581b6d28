// Read positions over real sockets: they only move forward, are told to who is connected, and asked for by who was away.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { connect, type Frame, type TestClient } from '../support/client.ts';
import { startCloud } from '../support/cloud.ts';

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(() => cloud.close());

let pairs = 0;
async function newPair() {
  const n = ++pairs;
  const bob = await connect(cloud, `bob-${n}`);
  const alice = await connect(cloud, `alice-${n}`);
  return { alice, bob, aliceId: `alice-${n}`, bobId: `bob-${n}`, conversationId: `d:alice-${n}:bob-${n}` };
}

const readPushes = ({ pushes }: TestClient) => pushes.filter(({ push }) => push === 'read');
const hearRead = (client: TestClient, count = 1) =>
  client.until(() => readPushes(client).length >= count, 'the push');
const errorOf = (answer: Frame) => answer['error'] as { code: string; message: string };

describe('P5.8: read', () => {
  test('moves the position forward, and never back; unread follows exactly', async () => {
    const { alice, bob, bobId, conversationId } = await newPair();
    await alice.send(`user:${bobId}`, '1');
    await alice.send(`user:${bobId}`, '2');
    await alice.send(`user:${bobId}`, 'hush', { silent: true });
    await alice.send(`user:${bobId}`, '4');
    await cloud.settled();
    const read = (seq: number) => bob.request('read', { conversationId, seq });
    expect(await read(1)).toMatchObject({ ok: true, readSeq: 1, unread: 2 });
    expect(await read(3)).toMatchObject({ ok: true, readSeq: 3, unread: 1 });
    expect(await read(2)).toMatchObject({ ok: true, readSeq: 3, unread: 1 });
    expect(await read(4)).toMatchObject({ ok: true, readSeq: 4, unread: 0 });
    expect(await read(4)).toMatchObject({ ok: true, readSeq: 4, unread: 0 });
    expect(errorOf(await read(5))).toMatchObject({
      code: 'bad_request',
      message: 'seq: 5 is beyond the head of the conversation, 4',
    });
    expect(await bob.request('pending', { after: 0 })).toMatchObject({ conversations: [{ unread: 0 }] });
    // Sending implies reading.
    await alice.send(`user:${bobId}`, '5');
    await bob.send(conversationId, '6');
    expect(await bob.request('positions', { conversationIds: [conversationId] })).toMatchObject({
      positions: [{ readSeq: 6, unread: 0 }],
    });
  });

  test('races of several devices end at the highest', async () => {
    const { alice, bob, bobId, conversationId } = await newPair();
    const laptop = await connect(cloud, bobId, { deviceId: 'laptop', platform: 'desktop' });
    for (let n = 1; n <= 9; n++) await alice.send(`user:${bobId}`, `${n}`);
    const answers = await Promise.all(
      [3, 9, 1, 7, 5, 2, 8].flatMap((seq) =>
        [bob, laptop].map((device) => device.request('read', { conversationId, seq })),
      ),
    );
    for (const answer of answers) expect(9 - (answer['readSeq'] as number)).toBe(answer['unread']);
    expect(await laptop.request('positions', { conversationIds: [conversationId] })).toMatchObject({
      positions: [{ readSeq: 9, unread: 0 }],
    });
  });

  test('is told to the user’s other devices and to the peer’s, not to the one that read, and only when it moves', async () => {
    const { alice, bob, bobId, conversationId } = await newPair();
    const laptop = await connect(cloud, bobId, { deviceId: 'laptop', platform: 'desktop' });
    await alice.send(`user:${bobId}`, '1');
    await bob.request('read', { conversationId, seq: 1 });
    const push = { push: 'read', conversationId, userId: bobId, readSeq: 1 };
    await hearRead(alice);
    await hearRead(laptop);
    await bob.request('read', { conversationId, seq: 1 });
    await alice.send(`user:${bobId}`, '2');
    await bob.request('read', { conversationId, seq: 2 });
    await hearRead(alice, 2);
    await hearRead(laptop, 2);
    for (const device of [alice, laptop]) {
      expect(readPushes(device)).toEqual([push, { ...push, readSeq: 2 }]);
    }
    expect(readPushes(bob)).toEqual([]);
  });

  test('of who is not in there: nothing is told, and nothing moves', async () => {
    const { alice, bobId, conversationId } = await newPair();
    await alice.send(`user:${bobId}`, '1');
    const mallory = await connect(cloud, 'mallory');
    for (const id of [conversationId, 'd:mallory:nobody', 'g:group']) {
      for (const action of ['read', 'receipts'])
        expect(errorOf(await mallory.request(action, { conversationId: id, seq: 1 })).code).toBe(
          'not_member',
        );
    }
    expect(
      await mallory.request('positions', { conversationIds: [conversationId, 'd:mallory:nobody'] }),
    ).toMatchObject({ ok: true, positions: [] });
    expect(await alice.request('positions', { conversationIds: [conversationId] })).toMatchObject({
      positions: [{ readSeq: 1, peerReadSeq: 0 }],
    });
  });

  test('B12: costs one write unit when it moves, and none when it does not', async () => {
    const { alice, bob, bobId, conversationId } = await newPair();
    await alice.send(`user:${bobId}`, '1');
    await alice.send(`user:${bobId}`, '2');
    await cloud.settled();
    const unitsOf = async (seq: number) => {
      cloud.resetMetrics();
      expect(await bob.request('read', { conversationId, seq })).toMatchObject({ ok: true });
      return cloud.metrics().dynamodb.writeUnits;
    };
    expect(await unitsOf(1)).toBe(1);
    expect(await unitsOf(2)).toBe(1);
    expect(await unitsOf(2)).toBe(0);
    expect(await unitsOf(1)).toBe(0);
  });
});

describe('P5.9: positions', () => {
  test('tell who was away what they missed', async () => {
    const { alice, bob, aliceId, bobId, conversationId } = await newPair();
    await alice.send(`user:${bobId}`, '1');
    await alice.send(`user:${bobId}`, '2');
    await alice.close();
    await bob.request('read', { conversationId, seq: 1 });
    const back = await connect(cloud, aliceId);
    const ask = (client: TestClient) =>
      client.request('positions', {
        conversationIds: [conversationId, conversationId, `d:${aliceId}:nobody`],
      });
    expect((await ask(back))['positions']).toEqual([
      { conversationId, readSeq: 2, unread: 0, peerReadSeq: 1, lastSeq: 2 },
    ]);
    expect((await ask(bob))['positions']).toEqual([
      { conversationId, readSeq: 1, unread: 1, peerReadSeq: 2, lastSeq: 2 },
    ]);
  });

  test('at most 100 at once', async () => {
    const { bob } = await newPair();
    const ids = (count: number) => Array.from({ length: count }, (_, n) => `d:a-${n}:b`);
    expect(await bob.request('positions', { conversationIds: ids(100) })).toMatchObject({ positions: [] });
    const refused = await bob.request('positions', { conversationIds: ids(101) });
    expect(errorOf(refused)).toMatchObject({ code: 'bad_request' });
    expect(errorOf(refused).message).toContain('conversationIds: must hold at most 100');
  });
});

describe('P5.10: receipts', () => {
  test('say who other than the author has read a message', async () => {
    const { alice, bob, aliceId, bobId, conversationId } = await newPair();
    await alice.send(`user:${bobId}`, '1');
    await alice.send(`user:${bobId}`, '2');
    await bob.request('read', { conversationId, seq: 1 });
    const receipts = async (client: TestClient, seq: number) => {
      const { id: _, ok: _ok, ...answer } = await client.request('receipts', { conversationId, seq });
      return answer;
    };
    const reader = { userId: bobId, readSeq: 1 };
    expect(await receipts(alice, 1)).toEqual({ readCount: 1, unreadCount: 0, read: [reader], unread: [] });
    expect(await receipts(alice, 2)).toEqual({ readCount: 0, unreadCount: 1, read: [], unread: [reader] });
    // Bob's own view of alice's message is of himself.
    expect(await receipts(bob, 2)).toEqual({ readCount: 0, unreadCount: 1, read: [], unread: [reader] });
    await bob.send(conversationId, '3');
    expect(await receipts(bob, 3)).toMatchObject({ unread: [{ userId: aliceId, readSeq: 2 }] });
    expect(errorOf(await alice.request('receipts', { conversationId, seq: 4 })).code).toBe('not_found');
  });
});
