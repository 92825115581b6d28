// A user's own view of a conversation, over real sockets: kept, exact, and on all of their devices.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import type { Slot } from '../../src/protocol/messages.ts';
import type { SyncEvent } from '../../src/protocol/server-frames.ts';
import { connect, type Frame, type SyncPush, type TestClient } from '../support/client.ts';
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

const defaults = { pinned: false, muted: false, hidden: false, clearedSeq: 0, draft: '' };
const errorOf = (answer: Frame) => answer['error'] as { code: string; message: string };
async function settings(client: TestClient, conversationId: string, changes: object = {}) {
  const { id: _, ok, ...now } = await client.request('settings', { conversationId, ...changes });
  expect(ok, JSON.stringify(now)).toBe(true);
  return now;
}
const eventsOf = async (client: TestClient) =>
  (await client.request('sync', { after: 0 }))['events'] as SyncEvent[];
const settingsPushed = ({ pushes }: TestClient) =>
  pushes
    .flatMap((push) => (push as unknown as SyncPush).events ?? [])
    .filter((event) => event.kind === 'conversation');

describe('P5.14: settings', () => {
  test('are kept, answered as they are, and told to the user’s devices alone', async () => {
    const { alice, bob, bobId, conversationId } = await newPair();
    const laptop = await connect(cloud, bobId, { deviceId: 'laptop', platform: 'desktop' });
    await alice.send(`user:${bobId}`, '1');
    await bob.eventsUpTo(1);
    expect(await settings(bob, conversationId)).toEqual(defaults);
    const pinned = { ...defaults, pinned: true, draft: 'dear alice' };
    expect(await settings(bob, conversationId, { pinned: true, draft: 'dear alice' })).toEqual(pinned);
    expect(await settings(laptop, conversationId, { muted: true })).toEqual({ ...pinned, muted: true });
    for (const device of [bob, laptop]) {
      await device.until(() => settingsPushed(device).length === 2, 'two events');
      expect(settingsPushed(device)).toMatchObject([
        { syncSeq: 2, conversationId, change: 'settings', settings: pinned },
        { syncSeq: 3, conversationId, change: 'settings', settings: { ...pinned, muted: true } },
      ]);
    }
    const back = { pinned: false, muted: false, draft: '' };
    expect(await settings(bob, conversationId, back)).toEqual(defaults);
    // Who reads the events later is told what holds then.
    const events = await eventsOf(bob);
    expect(events.map(({ syncSeq, kind }) => `${syncSeq} ${kind}`)).toEqual([
      '1 message',
      '2 conversation',
      '3 conversation',
      '4 conversation',
    ]);
    for (const event of events.slice(1))
      expect(event).toMatchObject({ change: 'settings', settings: defaults });
    expect(await eventsOf(alice)).toHaveLength(1);
    expect(await settings(alice, conversationId)).toEqual(defaults);
  });

  test('that are so already change nothing, and tell nobody', async () => {
    const { alice, bob, bobId, conversationId } = await newPair();
    await alice.send(`user:${bobId}`, '1');
    await settings(bob, conversationId, { pinned: true });
    await cloud.settled();
    cloud.resetMetrics();
    expect(await settings(bob, conversationId, { pinned: true, muted: false, draft: '' })).toMatchObject({
      pinned: true,
    });
    expect(cloud.metrics().dynamodb.writeUnits).toBe(0);
    expect(await eventsOf(bob)).toHaveLength(2);
  });

  test('of wrong input name the field, and of a conversation that one is not in say so', async () => {
    const { alice, bob, bobId, conversationId } = await newPair();
    await alice.send(`user:${bobId}`, '1');
    const refused = async (changes: object, client = bob) =>
      errorOf(await client.request('settings', { conversationId, ...changes }));
    expect((await refused({ pinned: 'yes' })).message).toContain('pinned:');
    expect((await refused({ draft: 'ä'.repeat(2_100) })).message).toBe('draft: must have at most 4096 bytes');
    expect((await refused({ clearedSeq: 2 })).message).toContain('clearedSeq: 2 is beyond the head');
    expect((await refused({ pinned: true }, await connect(cloud, 'mallory'))).code).toBe('not_member');
    expect(await settings(bob, conversationId)).toEqual(defaults);
  });
});

describe('P5.15: clearing', () => {
  test('is for oneself alone, reads what it clears, and never goes back', async () => {
    const { alice, bob, bobId, conversationId } = await newPair();
    for (let n = 1; n <= 4; n++) await alice.send(`user:${bobId}`, `${n}`);
    await cloud.settled();
    expect(await settings(bob, conversationId, { clearedSeq: 3 })).toMatchObject({ clearedSeq: 3 });
    expect(await settings(bob, conversationId, { clearedSeq: 2 })).toMatchObject({ clearedSeq: 3 });
    const read = async (client: TestClient) => {
      const { messages, floorSeq } = await client.request('history', { conversationId });
      return { seqs: (messages as Slot[]).map(({ seq }) => seq), floorSeq };
    };
    expect(await read(bob)).toEqual({ seqs: [4], floorSeq: 4 });
    expect(await read(alice)).toEqual({ seqs: [1, 2, 3, 4], floorSeq: 1 });
    const position = async (client: TestClient) =>
      (
        (await client.request('positions', { conversationIds: [conversationId] }))['positions'] as object[]
      )[0];
    expect(await position(bob)).toMatchObject({ readSeq: 3, unread: 1 });
    expect(await bob.request('pending', { after: 0 })).toMatchObject({
      total: 1,
      conversations: [{ waiting: 1, unread: 1 }],
    });
    expect(errorOf(await bob.request('receipts', { conversationId, seq: 2 })).code).toBe('not_found');
    // What was read further stays read.
    await bob.request('read', { conversationId, seq: 4 });
    await settings(bob, conversationId, { clearedSeq: 4 });
    expect(await position(bob)).toMatchObject({ readSeq: 4, unread: 0 });
    expect(await read(bob)).toEqual({ seqs: [], floorSeq: 5 });
    await alice.send(`user:${bobId}`, '5');
    expect(await read(bob)).toEqual({ seqs: [5], floorSeq: 5 });
    expect(await position(bob)).toMatchObject({ unread: 1 });
  });
});

test('P5.16: a hidden conversation comes back with the next message, not with what is told of others', async () => {
  const { alice, bob, bobId, conversationId } = await newPair();
  await alice.send(`user:${bobId}`, '1');
  await settings(bob, conversationId, { hidden: true });
  await alice.request('recall', { conversationId, seq: 1 });
  expect(await settings(bob, conversationId)).toMatchObject({ hidden: true });
  await alice.send(`user:${bobId}`, '2');
  expect(await settings(bob, conversationId)).toMatchObject({ hidden: false });
  expect(await settings(bob, conversationId, { hidden: true })).toMatchObject({ hidden: true });
  expect(await settings(bob, conversationId, { hidden: false })).toMatchObject({ hidden: false });
});
