// Devices that are away, from a message over the streams and queues to the app's own backend, which is told by a webhook.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { synthesize } from '../../local/template/synthesize.ts';
import { connect, type TestClient } from '../support/client.ts';
import { scan, startCloud } from '../support/cloud.ts';
import { isSigned, startWebhookServer, type WebhookServer } from '../support/webhook-server.ts';

let directory: string;
let webhook: WebhookServer;
let cloud: Cloud;
let secret: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'serverless-im-'));
  webhook = await startWebhookServer();
  const settings = { notifyDelayMs: 1_000, ackTimeoutMs: 2_000, settleMs: 0 };
  const context = { pushWebhookUrl: webhook.url, settings: JSON.stringify(settings) };
  cloud = await startCloud({ templatePath: await synthesize({ outDirectory: directory, context }) });
  const response = await fetch(`${cloud.httpUrl}/dev/push`);
  ({ webhookSecret: secret } = (await response.json()) as { webhookSecret: string });
});
afterAll(async () => {
  await cloud.close();
  await webhook.close();
  await rm(directory, { recursive: true, force: true });
});

let scenes = 0;
interface Scene {
  readonly alice: TestClient;
  readonly aliceId: string;
  readonly bobId: string;
  readonly bob: TestClient;
}

/** Bob's telephone is registered. */
async function newScene(): Promise<Scene> {
  const n = ++scenes;
  const [aliceId, bobId] = [`alice-${n}`, `bob-${n}`];
  const alice = await connect(cloud, aliceId, { platform: 'web' });
  const bob = await connect(cloud, bobId);
  expect(await bob.request('device', { pushToken: `token of ${bobId}` })).toMatchObject({ ok: true });
  return { alice, aliceId, bob, bobId };
}

const toldTo = (userId: string) =>
  webhook.received.filter(({ notification }) => notification.userId === userId);
const reportsOf = (userId: string) => cloud.notifications().filter((report) => report.userId === userId);
const allNotes = () => cloud.settled({ delayed: true });
const entriesOf = async (userId: string) =>
  (await scan(cloud, 'OfflineQueue')).filter((item) => item['userId'] === userId);

test('P8.1: who is away is told once of a burst, signed; and of what came on top, in its place', async () => {
  const { alice, bob, aliceId, bobId } = await newScene();
  await bob.close();
  await cloud.settled();
  for (const text of ['one', 'two', 'three']) await alice.send(`user:${bobId}`, text);
  await allNotes();
  const [told, ...others] = toldTo(bobId);
  expect(others).toEqual([]);
  expect(isSigned(told!, secret)).toBe(true);
  expect(told!.notification).toEqual({
    userId: bobId,
    deviceId: 'phone',
    platform: 'ios',
    pushToken: `token of ${bobId}`,
    conversationId: `d:${aliceId}:${bobId}`,
    seq: 3,
    from: aliceId,
    title: aliceId,
    preview: 'three',
    count: 3,
    badge: 3,
    collapseId: expect.any(String),
    notificationId: expect.any(String),
  });
  await alice.send(`user:${bobId}`, 'four');
  await allNotes();
  const [, next] = toldTo(bobId);
  expect(next!.notification).toMatchObject({
    seq: 4,
    count: 4,
    badge: 4,
    collapseId: told!.notification.collapseId,
  });
  expect(reportsOf(bobId)).toMatchObject([
    { outcome: 'sent', seq: 4 },
    { outcome: 'sent', seq: 3 },
  ]);
});

test('P8.3: what was recalled meanwhile is told to nobody, and stands nowhere', async () => {
  const { alice, bob, aliceId, bobId } = await newScene();
  await bob.close();
  await cloud.settled();
  await alice.send(`user:${bobId}`, 'a slip of the tongue');
  await alice.request('recall', { conversationId: `d:${aliceId}:${bobId}`, seq: 1 });
  await allNotes();
  expect(toldTo(bobId)).toEqual([]);
  expect(reportsOf(bobId)).toMatchObject([{ outcome: 'dropped', reason: 'recalled', preview: null }]);
  const queues = await (await fetch(`${cloud.httpUrl}/dev/queues`)).text();
  expect(JSON.stringify([await scan(cloud, 'OfflineQueue'), queues])).not.toContain('slip');
});

test('P8.3: a telephone is not silenced by a PC that is online, unless the message is read there', async () => {
  const { alice, bob, aliceId, bobId } = await newScene();
  await bob.close();
  const pc = await connect(cloud, bobId, { deviceId: 'pc', platform: 'desktop' });
  await cloud.settled();
  await alice.send(`user:${bobId}`, 'one');
  await allNotes();
  expect(toldTo(bobId)).toMatchObject([{ notification: { deviceId: 'phone', seq: 1 } }]);

  await alice.send(`user:${bobId}`, 'two');
  await pc.request('read', { conversationId: `d:${aliceId}:${bobId}`, seq: 2 });
  await allNotes();
  expect(toldTo(bobId)).toHaveLength(1);
  expect(reportsOf(bobId)[0]).toMatchObject({ outcome: 'dropped', reason: 'read', seq: 2 });
});

describe('P8.2: a device that looks connected', () => {
  test('is told when it acknowledges nothing; once it is heard of, its entry goes', async () => {
    const { alice, bob, bobId } = await newScene();
    await alice.send(`user:${bobId}`, 'are you there?');
    await bob.eventsUpTo(1);
    await allNotes();
    expect(toldTo(bobId)).toMatchObject([{ notification: { seq: 1, count: 1 } }]);
    expect(await entriesOf(bobId)).toMatchObject([{ count: 1, lastSyncSeq: 1 }]);
    await bob.request('ping', { cursor: 1 });
    expect(await entriesOf(bobId)).toEqual([]);
  });

  test('B17: and acknowledges is told nothing, and that costs no write', async () => {
    const { alice, bob, bobId } = await newScene();
    await alice.send(`user:${bobId}`, 'hello');
    await bob.eventsUpTo(1);
    await bob.request('ping', { cursor: 1 });
    await allNotes();
    cloud.resetMetrics();
    for (let n = 2; n <= 5; n++) {
      await alice.send(`user:${bobId}`, `${n}`);
      await bob.eventsUpTo(n);
      await bob.request('ping', { cursor: n });
    }
    await allNotes();
    expect(cloud.metrics().dynamodb.byTable['OfflineQueue']?.writeUnits ?? 0).toBe(0);
    expect(toldTo(bobId)).toEqual([]);
  });

  test('and of which nothing is heard any more is told as if it were away', async () => {
    const { alice, bob, bobId } = await newScene();
    cloud.setFaults({ seed: 1, gateway: { halfOpen: 1 } });
    await alice.send(`user:${bobId}`, 'one');
    await allNotes();
    cloud.clearFaults();
    expect(bob.events).toEqual([]);
    expect(toldTo(bobId)).toMatchObject([{ notification: { seq: 1 } }]);
  });
});

test('P8.5: a backend that is busy is told again, with the same id; a token that nobody has is forgotten', async () => {
  const { alice, bob, bobId } = await newScene();
  await bob.close();
  await cloud.settled();
  webhook.answer({ status: 503 });
  await alice.send(`user:${bobId}`, 'one');
  await allNotes();
  const [first, second] = toldTo(bobId);
  expect(second!.notification).toEqual(first!.notification);

  webhook.answer({ status: 410 });
  await alice.send(`user:${bobId}`, 'two');
  await allNotes();
  expect(reportsOf(bobId)[0]).toMatchObject({ outcome: 'dropped', reason: 'gone' });
  await alice.send(`user:${bobId}`, 'three');
  await allNotes();
  expect(toldTo(bobId)).toHaveLength(3);
  expect(await entriesOf(bobId)).toEqual([]);
});

test('P8.4: queues that repeat and functions that die tell nothing twice with another content, and lose nothing', async () => {
  const { alice, bob, bobId } = await newScene();
  await bob.close();
  await cloud.settled();
  cloud.setFaults({
    seed: 20,
    stream: { duplicate: 0.4, reorder: true, delayMs: [0, 200] },
    dynamodb: { lostResponse: 0.05 },
  });
  for (let n = 1; n <= 12; n++) await alice.send(`user:${bobId}`, `${n}`);
  await allNotes();
  cloud.clearFaults();
  const told = toldTo(bobId).map(({ notification }) => notification);
  expect(told.at(-1)).toMatchObject({ seq: 12, count: 12 });
  const contents = new Map<string, string>();
  for (const notification of told) {
    const content = JSON.stringify(notification);
    expect(contents.get(notification.notificationId) ?? content).toBe(content);
    contents.set(notification.notificationId, content);
  }
});
