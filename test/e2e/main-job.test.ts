// The main job: Alice's message reaches Bob's devices, on the template that deploys.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import type { SyncedMessage } from '../../src/protocol/server-frames.ts';
import { isVoid } from '../../src/protocol/slots.ts';
import { connect, type TestClient } from '../support/client.ts';
import { scan, startCloud } from '../support/cloud.ts';

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(() => cloud.close());

let users = 0;
const newUser = (name: string) => `${name}-${++users}`;

function texts(events: readonly SyncedMessage[]): unknown[] {
  return events.map(({ message }) => (isVoid(message) ? 'void' : message.body['text']));
}
const range = (count: number, from = 1) => Array.from({ length: count }, (_, index) => from + index);

describe('alice sends, bob receives', () => {
  test('20 messages reach both of bob’s devices in order, with contiguous syncSeq', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    const alice = await connect(cloud, aliceId);
    const phone = await connect(cloud, bobId);
    const laptop = await connect(cloud, bobId, { deviceId: 'laptop', platform: 'desktop' });
    for (const n of range(20)) {
      expect(await alice.send(`user:${bobId}`, `hello ${n}`)).toMatchObject({
        ok: true,
        conversationId: `d:${aliceId}:${bobId}`,
        seq: n,
      });
    }
    for (const device of [phone, laptop]) {
      const events = await device.eventsUpTo(20);
      expect(texts(events)).toEqual(range(20).map((n) => `hello ${n}`));
      expect(events.map(({ syncSeq }) => syncSeq)).toEqual(range(20));
      // Extents follow each other: a client that follows them never pulls.
      let position = 0;
      for (const push of device.pushes as { from?: number; to?: number }[]) {
        expect(push.from).toBe(position + 1);
        position = push.to!;
      }
      expect(position).toBe(20);
    }
    expect(alice.pushes).toEqual([]);
  });

  test('a repeated clientMsgId gets the original seq; with another payload, idempotency_conflict', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    const bob = await connect(cloud, bobId);
    const alice = await connect(cloud, aliceId);
    const to = `user:${bobId}`;
    const first = await alice.send(to, 'once', { clientMsgId: 'message-0001' });
    const { serverTime } = first;
    expect(await alice.send(to, 'once', { clientMsgId: 'message-0001' })).toMatchObject({
      ok: true,
      seq: 1,
      serverTime,
      duplicate: true,
    });
    expect(await alice.send(to, 'twice', { clientMsgId: 'message-0001' })).toMatchObject({
      ok: false,
      error: { code: 'idempotency_conflict', retryable: false },
    });
    expect(await alice.send(to, 'after', { clientMsgId: 'message-0002' })).toMatchObject({ seq: 2 });
    expect(texts(await bob.eventsUpTo(2))).toEqual(['once', 'after']);
  });

  test('P5.1a: an ephemeral message is pushed to who is online in a conversation that exists, and kept nowhere', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    const bob = await connect(cloud, bobId);
    const alice = await connect(cloud, aliceId);
    // Not before there is a conversation: nobody is reached by strangers that way.
    expect(await alice.send(`user:${bobId}`, 'puff', { ephemeral: true })).toMatchObject({
      ok: false,
      error: { code: 'not_member' },
    });
    await alice.send(`user:${bobId}`, 'hello');
    await bob.eventsUpTo(1);
    bob.pushes.length = 0;
    const answer = await alice.send(`user:${bobId}`, 'puff', { ephemeral: true });
    expect(answer).toMatchObject({ ok: true, conversationId: `d:${aliceId}:${bobId}` });
    expect(answer).not.toHaveProperty('seq');
    await bob.until(() => bob.pushes.length === 1, 'the push');
    expect(bob.pushes).toMatchObject([
      { push: 'ephemeral', message: { from: aliceId, body: { text: 'puff' } } },
    ]);
    expect(await bob.request('pending')).toMatchObject({ total: 1, head: 1 });
    // Whether they exist or not.
    expect(await alice.send('user:nobody', 'puff', { ephemeral: true })).toMatchObject({
      error: { code: 'not_member' },
    });
  });

  test('a silent message arrives, and counts nowhere as unread', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    const bob = await connect(cloud, bobId);
    const alice = await connect(cloud, aliceId);
    await alice.send(`user:${bobId}`, 'aloud');
    await alice.send(`user:${bobId}`, 'hush', { silent: true });
    const events = await bob.eventsUpTo(2);
    expect(events.map(({ message }) => !isVoid(message) && message.silent)).toEqual([false, true]);
    expect(await bob.request('pending')).toMatchObject({ conversations: [{ unread: 1, lastSeq: 2 }] });
  });
});

describe('a device that was away', () => {
  test('learns the counts first, then pulls exactly what it missed, page by page', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    const bob = await connect(cloud, bobId);
    const alice = await connect(cloud, aliceId);
    await alice.send(`user:${bobId}`, 'before');
    await bob.eventsUpTo(1);
    bob.socket.send(JSON.stringify({ action: 'ack', cursor: 1 }));
    await bob.request('ping', { cursor: 1 });
    await bob.close();
    await cloud.settled();
    for (const n of range(50)) await alice.send(`user:${bobId}`, `missed ${n}`);
    await cloud.settled();

    const back = await connect(cloud, bobId);
    expect(await back.request('pending')).toMatchObject({
      total: 50,
      cursor: 1,
      head: 51,
      conversations: [
        {
          conversationId: `d:${aliceId}:${bobId}`,
          unread: 51,
          lastSeq: 51,
          last: { body: { text: 'missed 50' } },
        },
      ],
    });
    const pulled: SyncedMessage[] = [];
    for (let after: number | undefined; ;) {
      const page = await back.request('sync', { limit: 20, ...(after && { after }) });
      pulled.push(...(page['events'] as SyncedMessage[]));
      after = page['next'] as number;
      if (!page['more']) break;
    }
    expect(texts(pulled)).toEqual(range(50).map((n) => `missed ${n}`));
    expect(pulled.map(({ syncSeq }) => syncSeq)).toEqual(range(50, 2));

    // The last page was not acknowledged: it comes again, until it is.
    expect(texts((await back.request('sync'))['events'] as SyncedMessage[])).toEqual(
      range(10, 41).map((n) => `missed ${n}`),
    );
    expect(await back.request('ping', { cursor: 51 })).toMatchObject({ head: 51 });
    expect(await back.request('sync')).toMatchObject({ events: [], next: 51, more: false });
    expect(await back.request('pending')).toMatchObject({ total: 0, conversations: [] });
  });

  test('P5.2a: acknowledges with what it sends', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    const bob = await connect(cloud, bobId);
    const alice = await connect(cloud, aliceId);
    await alice.send(`user:${bobId}`, 'how are you?');
    await bob.eventsUpTo(1);
    const cursor = async () => (await bob.request('pending'))['cursor'];
    // Beyond the head: the message is sent, and the cursor stays.
    expect(await bob.send(`user:${aliceId}`, 'fine', { cursor: 1_000 })).toMatchObject({ ok: true, seq: 2 });
    expect(await cursor()).toBe(0);
    expect(await bob.send(`user:${aliceId}`, 'and you?', { cursor: 1 })).toMatchObject({ ok: true, seq: 3 });
    expect(await cursor()).toBe(1);
    // What the message is refused for does not concern it, and it never moves back.
    await alice.send(`user:${bobId}`, 'fine, too');
    await bob.eventsUpTo(2);
    expect(await bob.send('user:nobody-at-all', 'hello?', { cursor: 4 })).toMatchObject({
      ok: false,
      error: { code: 'user_not_found' },
    });
    expect(await cursor()).toBe(4);
    await bob.send(`user:${aliceId}`, 'good', { cursor: 1 });
    expect(await cursor()).toBe(4);
  });

  test('with a cursor beyond the head is told to reset', async () => {
    const bob = await connect(cloud, newUser('bob'));
    expect(await bob.request('sync', { after: 7 })).toMatchObject({ ok: true, reset: true, head: 0 });
  });

  test('reads history as it was written', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    const bob = await connect(cloud, bobId);
    const alice = await connect(cloud, aliceId);
    await alice.send(`user:${bobId}`, 'one');
    await bob.send(`user:${aliceId}`, 'two');
    expect(await bob.request('history', { conversationId: `d:${aliceId}:${bobId}` })).toMatchObject({
      messages: [
        { seq: 1, from: aliceId, deviceId: 'phone', type: 'text', body: { text: 'one' }, edited: null },
        { seq: 2, from: bobId, body: { text: 'two' }, recalled: false, silent: false },
      ],
      floorSeq: 1,
      headSeq: 2,
      end: true,
    });
  });

  test('and is registered has an entry in the offline queue', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    const bob = await connect(cloud, bobId);
    const alice = await connect(cloud, aliceId);
    expect(await bob.request('device', { pushToken: 'token', provider: 'fcm' })).toMatchObject({ ok: true });
    await bob.close();
    await cloud.settled();
    await alice.send(`user:${bobId}`, 'wake up');
    await cloud.settled();
    const queue = (await scan(cloud, 'OfflineQueue')).filter((item) => item['userId'] === bobId);
    expect(queue).toMatchObject([{ deviceId: 'phone', count: 1, lastSeq: 1 }]);
  });
});

describe('several devices', () => {
  const isClosed = (client: TestClient) => client.socket.readyState === client.socket.CLOSED;

  test('another device of the same platform: the newcomer wins, the older is told and closed', async () => {
    const bobId = newUser('bob');
    const phone = await connect(cloud, bobId);
    const pad = await connect(cloud, bobId, { deviceId: 'pad' });
    await phone.closed;
    expect(phone.pushes).toEqual([
      { push: 'kicked', reason: 'replaced', by: { deviceId: 'pad', platform: 'ios' } },
    ]);
    expect(await pad.request('ping')).toMatchObject({ ok: true });
  });

  test('the same device again: the older connection is told, and closed', async () => {
    const bobId = newUser('bob');
    const before = await connect(cloud, bobId);
    const after = await connect(cloud, bobId);
    await before.closed;
    expect(before.pushes).toEqual([
      { push: 'kicked', reason: 'replaced', by: { deviceId: 'phone', platform: 'ios' } },
    ]);
    await cloud.settled();
    // The older one's $disconnect must not have taken the newer one with it.
    const alice = await connect(cloud, newUser('alice'));
    await alice.send(`user:${bobId}`, 'still there?');
    expect(texts(await after.eventsUpTo(1))).toEqual(['still there?']);
  });

  test('other platforms live side by side, and other users are left alone', async () => {
    const bobId = newUser('bob');
    const phone = await connect(cloud, bobId);
    const web = await connect(cloud, bobId, { deviceId: 'browser', platform: 'web' });
    const other = await connect(cloud, newUser('carol'), { deviceId: 'pad' });
    expect([phone, web, other].map(isClosed)).toEqual([false, false, false]);
  });

  test('a message from one’s phone appears on one’s laptop', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    await connect(cloud, bobId);
    const phone = await connect(cloud, aliceId);
    const laptop = await connect(cloud, aliceId, { deviceId: 'laptop', platform: 'desktop' });
    await phone.send(`user:${bobId}`, 'from my phone');
    expect(texts(await laptop.eventsUpTo(1))).toEqual(['from my phone']);
  });

  test('a device that vanished without a word is forgotten when a push finds it gone', async () => {
    const vanishing = await startCloud({ environment: { IM_SETTINGS: '{"connectGraceMs":0}' } });
    try {
      const bob = await connect(vanishing, 'bob');
      const alice = await connect(vanishing, 'alice');
      await alice.send('user:bob', 'one');
      await bob.eventsUpTo(1);
      // $disconnect is best effort on AWS: here it fails.
      const connections = async () =>
        (await scan(vanishing, 'Users'))
          .filter((item) => item['userId'] === 'bob' && item['item'] === 'HEAD')
          .flatMap((item) => Object.keys(item).filter((name) => name.startsWith('c#')));
      expect(await connections()).toEqual(['c#phone']);
      vanishing.setFaults({ seed: 1, lambda: { crashBefore: 1 } });
      bob.socket.terminate();
      await vanishing.settled();
      vanishing.clearFaults();
      expect(await connections()).toEqual(['c#phone']);
      await alice.send('user:bob', 'two');
      await vanishing.settled();
      expect(vanishing.metrics().gateway.gone).toBe(1);
      expect(await connections()).toEqual([]);
    } finally {
      await vanishing.close();
    }
  });
});
