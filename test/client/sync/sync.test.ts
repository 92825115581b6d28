// Staying up to date when pushes get lost, conversations have holes, and mailboxes end.
import { DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Cloud } from '../../../local/cloud.ts';
import { MemoryStorage } from '../../../src/client/storage/memory.ts';
import type { Meta } from '../../../src/client/store/schema.ts';
import { connect } from '../../support/client.ts';
import { startCloud } from '../../support/cloud.ts';
import { closeWhenSettled, Devices, directId, newUser, range } from '../devices.ts';
import { expirePages } from '../expired-pages.ts';
import { ManualTime } from '../manual-time.ts';
import { metered } from '../metered.ts';

let cloud: Cloud;
let devices: Devices;
beforeAll(async () => {
  cloud = await startCloud({ environment: { IM_SETTINGS: '{"settleMs":200}' } });
  devices = new Devices(cloud);
});
afterEach(async () => {
  cloud.clearFaults();
  await devices.close();
});
afterAll(() => closeWhenSettled(cloud));

const HEARTBEAT_MS = 4.5 * 60_000;

/** A sender takes a number and dies: a hole, until a reader fences it. */
async function takeNumber(conversationId: string): Promise<void> {
  const client = new DynamoDBClient({
    endpoint: cloud.dynamoDbEndpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  await client.send(
    new UpdateItemCommand({
      TableName: cloud.model.tables.find(({ name }) => name === 'Conversations')!.tableName,
      Key: { conversationId: { S: conversationId }, item: { S: 'HEAD' } },
      UpdateExpression: 'ADD #seq :one, #counted :one',
      ExpressionAttributeNames: { '#seq': 'seq', '#counted': 'counted' },
      ExpressionAttributeValues: { ':one': { N: '1' } },
    }),
  );
  client.destroy();
}

/** Writes when it is told to. */
class SlowStorage extends MemoryStorage {
  private gate: Promise<void> | undefined;
  private onReached = () => {};

  hold(): { release: () => void; reached: Promise<void> } {
    let release = () => {};
    this.gate = new Promise((resolve) => (release = resolve));
    const reached = new Promise<void>((resolve) => (this.onReached = resolve));
    return { release, reached };
  }

  override async commit(changes: Parameters<MemoryStorage['commit']>[0]): Promise<void> {
    this.onReached();
    await this.gate;
    await super.commit(changes);
  }
}

describe('pushes', () => {
  test('a lost one is noticed by the next, and what it held is pulled', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    const bob = await devices.connect({ userId: bobId });
    const alice = await devices.connect({ userId: aliceId });
    cloud.setFaults({ seed: 1, gateway: { dropPush: 1 } });
    await alice.im.send(`user:${bobId}`, 'one').sent;
    await alice.im.send(`user:${bobId}`, 'two').sent;
    await cloud.settled();
    expect(bob.seen.messages).toEqual([]);
    cloud.clearFaults();
    await alice.im.send(`user:${bobId}`, 'three').sent;
    await bob.seen.until(() => bob.seen.messages.length === 3, 'all messages');
    expect(bob.seen.texts).toEqual(['one', 'two', 'three']);
    expect(bob.seen.messages.slice(0, 2).map(({ delivery }) => delivery)).toEqual(['catch-up', 'catch-up']);
  });

  test('a lost last one is noticed by the heartbeat, or when the app asks', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    const time = new ManualTime();
    const bob = await devices.connect({ userId: bobId, environment: time.environment });
    const alice = await devices.connect({ userId: aliceId });
    cloud.setFaults({ seed: 1, gateway: { dropPush: 1 } });
    await alice.im.send(`user:${bobId}`, 'one').sent;
    await cloud.settled();
    time.advance(HEARTBEAT_MS);
    await bob.seen.until(() => bob.seen.messages.length === 1, 'the first message');
    await alice.im.send(`user:${bobId}`, 'two').sent;
    await cloud.settled();
    await bob.im.sync();
    expect(bob.seen.texts).toEqual(['one', 'two']);
  });

  test.each(['the app asks', 'the heartbeat tells'])(
    'a lost one that %s for while another is being stored is not forgotten',
    async (occasion) => {
      const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
      const time = new ManualTime();
      const storage = new SlowStorage();
      const { traffic, webSocket } = metered();
      const environment = time.environment;
      const bob = await devices.connect({ userId: bobId, environment, storage, webSocket });
      const alice = await devices.connect({ userId: aliceId });
      const { release, reached } = storage.hold();
      await alice.im.send(`user:${bobId}`, 'slow').sent;
      await reached;
      cloud.setFaults({ seed: 1, gateway: { dropPush: 1 } });
      await alice.im.send(`user:${bobId}`, 'lost').sent;
      await cloud.settled();
      const pulls = () => traffic.sent.filter((frame) => frame.includes('"sync"')).length;
      const before = pulls();
      let asked: Promise<void> | undefined;
      if (occasion === 'the app asks') asked = bob.im.sync();
      else {
        const answers = traffic.received.length;
        time.advance(HEARTBEAT_MS);
        while (traffic.received.length === answers) await cloud.settled();
      }
      release();
      await asked;
      await bob.seen.until(() => bob.seen.messages.length === 2, 'both messages');
      expect(bob.seen.texts).toEqual(['slow', 'lost']);
      expect(pulls()).toBe(before + 1);
    },
  );

  test('repeated, late, dropped and out of order: each message once, in order', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    const bob = await devices.connect({ userId: bobId });
    const alice = await devices.connect({ userId: aliceId });
    cloud.setFaults({
      seed: 7,
      stream: { duplicate: 0.3, reorder: true, delayMs: [0, 30] },
      gateway: { dropPush: 0.2, duplicatePush: 0.3, delayPushMs: [0, 60] },
    });
    await Promise.all(range(40).map((n) => alice.im.send(`user:${bobId}`, `${n}`).sent));
    await cloud.settled();
    cloud.clearFaults();
    await bob.im.sync();
    expect(bob.seen.texts).toEqual(range(40).map(String));
    expect(alice.seen.texts).toEqual(range(40).map(String));
  });

  test('acknowledged together: 32 events make one ack, fewer wait for 10 s', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    const time = new ManualTime();
    const { traffic, webSocket } = metered();
    const bob = await devices.connect({ userId: bobId, environment: time.environment, webSocket });
    const alice = await connect(cloud, aliceId);
    const acks = () => traffic.sent.filter((frame) => frame.includes('"ack"'));
    const receive = async (count: number) => {
      await alice.send(`user:${bobId}`, 'hello');
      await bob.seen.until(() => bob.seen.messages.length === count, `${count} messages`);
    };
    for (const n of range(31)) await receive(n);
    expect(acks()).toEqual([]);
    await receive(32);
    expect(acks()).toEqual(['{"action":"ack","cursor":32}']);
    await receive(33);
    expect(acks()).toHaveLength(1);
    time.advance(10_000);
    expect(acks().slice(1)).toEqual(['{"action":"ack","cursor":33}']);

    // An answer on the same connection: the ack before it has arrived.
    await bob.im.pending();
    await cloud.settled();
    const probe = await connect(cloud, bobId, { deviceId: bob.im.deviceId, platform: 'bot' });
    expect(await probe.request('pending')).toMatchObject({ cursor: 33, total: 0 });
  });
});

test('P5.2a: what is sent acknowledges on the way; no ack follows', async () => {
  const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
  const time = new ManualTime();
  const { traffic, webSocket } = metered();
  const bob = await devices.connect({ userId: bobId, environment: time.environment, webSocket });
  const alice = await connect(cloud, aliceId);
  await alice.send(`user:${bobId}`, 'how are you?');
  await bob.seen.until(() => bob.seen.messages.length === 1, 'the message');
  await bob.im.send(`user:${aliceId}`, 'fine').sent;
  await bob.im.send(`user:${aliceId}`, 'and you?').sent;
  const cursors = traffic.sent
    .filter((frame) => frame.includes('"send"'))
    .map((frame) => (JSON.parse(frame) as { cursor?: number }).cursor);
  expect(cursors).toEqual([1, undefined]);
  time.advance(10_000);
  expect(traffic.sent.filter((frame) => frame.includes('"ack"'))).toEqual([]);
  expect(await bob.im.pending()).toMatchObject({ total: 0 });
});

describe('a hole in a conversation', () => {
  test('that a dead sender left is shown over once it is settled', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    const bob = await devices.connect({ userId: bobId });
    const alice = await devices.connect({ userId: aliceId });
    await alice.im.send(`user:${bobId}`, 'before').sent;
    await takeNumber(directId(aliceId, bobId));
    const after = await alice.im.send(`user:${bobId}`, 'after').sent;
    expect(after.seq).toBe(3);
    for (const { im, seen } of [bob, alice]) {
      await seen.until(() => seen.messages.length === 2, 'the message after the hole');
      expect(seen.messages.map(({ message }) => message.seq)).toEqual([1, 3]);
      const stored = await im.conversation(directId(aliceId, bobId)).messages();
      expect(stored.map(({ seq }) => seq)).toEqual([1, 3]);
    }
    expect(bob.im.totalUnread).toBe(2);
  });

  test('outlives a restart: what waits behind it is stored, acknowledged, and shown later', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    const storage = new MemoryStorage();
    const time = new ManualTime();
    const bob = await devices.connect({ userId: bobId, storage, environment: time.environment });
    const alice = await devices.connect({ userId: aliceId });
    await alice.im.send(`user:${bobId}`, 'before').sent;
    await bob.seen.until(() => bob.seen.messages.length === 1, 'the first message');
    await takeNumber(directId(aliceId, bobId));
    await alice.im.send(`user:${bobId}`, 'after').sent;
    await cloud.settled();
    await bob.im.sync();
    expect(bob.seen.texts).toEqual(['before']);
    expect(await bob.im.conversation(directId(aliceId, bobId)).messages()).toHaveLength(1);
    await bob.im.close();

    const again = await devices.connect({ userId: bobId, storage });
    await again.seen.until(() => again.seen.messages.length === 1, 'the message after the hole');
    expect(again.seen.texts).toEqual(['after']);
    expect(again.seen.messages[0]!.message.seq).toBe(3);
  });
});

describe('a mailbox that does not reach back', () => {
  async function changeMeta(storage: MemoryStorage, change: Partial<Meta>): Promise<void> {
    const [entry] = await storage.list({ from: 'meta', to: 'meta' });
    await storage.commit([{ key: 'meta', value: { ...(entry!.value as Meta), ...change } }]);
  }

  test('because it is another one: what was stored of the old one goes, and all begins anew', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    const storage = new MemoryStorage();
    const bob = await devices.connect({ userId: bobId, storage });
    const alice = await devices.connect({ userId: aliceId });
    await alice.im.send(`user:${bobId}`, 'hello').sent;
    await bob.seen.until(() => bob.seen.messages.length === 1, 'the message');
    await bob.im.close();
    // As if the server had been set up anew since.
    await changeMeta(storage, { position: 4711 });
    await storage.commit([
      { key: 'message/d:old:times/000000000001', value: { seq: 1 } },
      {
        key: 'conversation/d:old:times',
        value: { conversationId: 'd:old:times', shownSeq: 1, unread: 5, countedSeq: 1, last: null },
      },
    ]);

    const again = await devices.connect({ userId: bobId, storage });
    expect(again.seen.of('reset')).toEqual([{ reason: 'foreign', head: 1 }]);
    expect(again.seen.texts).toEqual(['hello']);
    expect(await again.im.conversations()).toMatchObject([
      { conversationId: directId(aliceId, bobId), unread: 1 },
    ]);
    expect(again.im.totalUnread).toBe(1);
    expect(await storage.list({ from: 'message/d:old', to: 'message/d:old0' })).toEqual([]);
  });

  test('because the server was set up anew, with a mailbox as long as the old one or longer', async () => {
    const storage = new MemoryStorage();
    const stretch = async (texts: readonly string[]) => {
      const server = await startCloud();
      const here = new Devices(server);
      try {
        await (await here.connect({ userId: 'bob' })).im.close();
        const alice = await here.connect({ userId: 'alice' });
        for (const text of texts) await alice.im.send('user:bob', text).sent;
        await server.settled();
        const bob = await here.connect({ userId: 'bob', storage });
        await bob.seen.until(() => bob.seen.messages.length === texts.length, 'all messages');
        return bob;
      } finally {
        await here.close();
        await closeWhenSettled(server);
      }
    };
    await stretch(['old 1', 'old 2']);
    const bob = await stretch(['new 1', 'new 2', 'new 3']);
    expect(bob.seen.of('reset')).toEqual([{ reason: 'foreign', head: 3 }]);
    expect(bob.seen.texts).toEqual(['new 1', 'new 2', 'new 3']);
  });

  test('because its pages have expired: what was missed is read from history, once and in order', async () => {
    const brief = await startCloud({ environment: { IM_SETTINGS: '{"mailboxRetentionDays":1}' } });
    const here = new Devices(brief);
    try {
      const storage = new MemoryStorage();
      const bob = await here.connect({ userId: 'bob', storage });
      const carol = await here.connect({ userId: 'carol' });
      const alice = await here.connect({ userId: 'alice' });
      const sender = await connect(brief, 'alice', { platform: 'ios' });
      await Promise.all(range(5).map((n) => alice.im.send('user:bob', `${n}`).sent));
      await bob.seen.until(() => bob.seen.messages.length === 5, 'the first messages');
      await bob.im.close();
      // More than one page of history.
      for (const n of range(120, 6)) await sender.send('user:bob', `${n}`);
      await carol.im.send('user:bob', 'from carol').sent;
      await brief.settled();
      await expirePages(brief, 'bob', 7);
      await alice.im.send('user:bob', '126').sent;
      await brief.settled();

      const again = await here.connect({ userId: 'bob', storage });
      expect(again.seen.of('reset')).toEqual([{ reason: 'behind', head: 127 }]);
      const fromAlice = again.seen.messages.filter(({ message }) => message.from === 'alice');
      expect(fromAlice.map(({ message }) => message.body['text'])).toEqual(range(121, 6).map(String));
      // A conversation that this device had not heard of.
      expect(again.seen.texts).toContain('from carol');
      await alice.im.send('user:bob', 'live').sent;
      await again.seen.until(() => again.seen.texts.includes('live'), 'a message after the reset');
      expect(again.seen.messages.at(-1)).toMatchObject({ delivery: 'live', message: { seq: 127 } });
      const stored = await again.im.conversation('d:alice:bob').messages({ limit: 200 });
      expect(stored.map(({ seq }) => seq)).toEqual(range(127));
    } finally {
      await here.close();
      await closeWhenSettled(brief);
    }
  }, 60_000);
});
