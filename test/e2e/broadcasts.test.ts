// Broadcasts of the app's own backend, over real HTTP and sockets: to a list, and to everybody who is known.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { directConversationId } from '../../src/protocol/ids.ts';
import { connect, type TestClient } from '../support/client.ts';
import { startCloud } from '../support/cloud.ts';
import { TestBackend, type ServiceAnswer } from '../support/service.ts';

let cloud: Cloud;
let backend: TestBackend;
const users = Array.from({ length: 30 }, (_, n) => `user-${String(n).padStart(2, '0')}`);
beforeAll(async () => {
  // So that a lane is many invocations.
  cloud = await startCloud({ environment: { IM_SETTINGS: '{"workSliceMs":900}' } });
  backend = new TestBackend(cloud.service);
  await backend.call('POST', '/v1/users', { users: users.map((userId) => ({ userId })) });
});
afterAll(() => cloud?.close());

const begin = (clientBroadcastId: string, fields: object) =>
  backend.call('POST', '/v1/broadcasts', {
    clientBroadcastId,
    from: 'system',
    type: 'text',
    body: { text: `news of ${clientBroadcastId}` },
    ...fields,
  });
const look = (id: unknown) => backend.call('GET', `/v1/broadcasts/${String(id)}`);

async function until(
  id: unknown,
  holds: (state: Record<string, unknown>) => boolean,
): Promise<ServiceAnswer> {
  const giveUp = Date.now() + 60_000;
  for (;;) {
    const answer = await look(id);
    if (holds(answer.body)) return answer;
    if (Date.now() > giveUp) throw new Error(`Waited in vain: ${JSON.stringify(answer.body)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** What a user has of it, in their conversation with `system`. */
async function received(client: TestClient, userId: string): Promise<string[]> {
  const conversationId = directConversationId('system', userId);
  const { messages } = await client.request('history', { conversationId });
  return ((messages ?? []) as { body: { text: string } }[]).map(({ body }) => body.text);
}

describe('P8.20 broadcasts', () => {
  test('to a list reach each user once, however often they are asked for; who is not there keeps nobody waiting', async () => {
    const online = await connect(cloud, users[3]!);
    const fields = { users: [...users, users[0], 'nobody'], ratePerSecond: 1_000 };
    const answers = await Promise.all([1, 2, 3].map(() => begin('first-news', fields)));
    const ids = answers.map(({ body }) => body['broadcastId']);
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202]);
    expect(new Set(ids).size).toBe(1);
    const { body } = await until(ids[0], ({ state }) => state !== 'running');
    expect(body).toMatchObject({ state: 'done', total: 31, sent: 30, failed: 1 });
    expect(body['finishedAt']).toBeGreaterThanOrEqual(body['startedAt'] as number);
    expect(await begin('first-news', fields)).toMatchObject({ status: 202, body: { broadcastId: ids[0] } });
    await cloud.settled();
    expect(online.events).toMatchObject([{ message: { body: { text: 'news of first-news' } } }]);
    const offline = await connect(cloud, users[7]!);
    expect(await received(offline, users[7]!)).toEqual(['news of first-news']);
    expect(await offline.request('unread')).toMatchObject({ total: 1 });
    expect(await begin('first-news', { ...fields, silent: true })).toMatchObject({
      status: 409,
      body: { error: { code: 'idempotency_conflict' } },
    });
  });

  test('to all reach whoever is known, by connecting or by the backend', async () => {
    await connect(cloud, 'connected-once');
    const { body } = await begin('to-everybody', { all: true, ratePerSecond: 2_000 });
    const done = await until(body['broadcastId'], ({ state }) => state === 'done');
    // Those of the list and of this test, and `system` is no user.
    expect(done.body).toMatchObject({ total: users.length + 1, sent: users.length + 1, failed: 0 });
    const latest = await connect(cloud, 'connected-once', { deviceId: 'pad', platform: 'web' });
    expect(await received(latest, 'connected-once')).toEqual(['news of to-everybody']);
  });

  test('go at the rate that is asked for', async () => {
    const { body } = await begin('slow-news', { users, ratePerSecond: 10 });
    const { body: done } = await until(body['broadcastId'], ({ state }) => state === 'done');
    const seconds = ((done['finishedAt'] as number) - (done['startedAt'] as number)) / 1_000;
    // Thirty at ten a second: not sooner. How much later is the machine's.
    expect(seconds).toBeGreaterThan(2.7);
  });

  test('are stopped where they are', async () => {
    const { body } = await begin('stopped-news', { users, ratePerSecond: 2 });
    const id = body['broadcastId'];
    await until(id, ({ sent }) => (sent as number) > 0);
    const stopped = await backend.call('DELETE', `/v1/broadcasts/${String(id)}`);
    expect(stopped).toMatchObject({ status: 200, body: { state: 'stopped', total: 30 } });
    const { body: after } = await look(id);
    expect(after).toMatchObject({ state: 'stopped', finishedAt: stopped.body['finishedAt'] });
    expect(after['sent']).toBeLessThan(30);
    expect((await backend.call('DELETE', `/v1/broadcasts/${String(id)}`)).body).toEqual(after);
  });

  test('go on after deaths, and reach each user once', async () => {
    cloud.setFaults({
      seed: 11,
      lambda: { crashMidway: 0.05 },
      dynamodb: { throttle: 0.05, error: 0.02, lostResponse: 0.02 },
    });
    const fields = { users, ratePerSecond: 1_000 };
    let answer = await begin('news-in-a-storm', fields);
    while (answer.status !== 202) answer = await begin('news-in-a-storm', fields);
    const id = answer.body['broadcastId'];
    const giveUp = Date.now() + 60_000;
    // A queue brings a lane back after minutes; the same request has it run at once.
    while ((await look(id)).body['state'] !== 'done' && Date.now() < giveUp) {
      await begin('news-in-a-storm', fields);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    cloud.setFaults({});
    await begin('news-in-a-storm', fields);
    const { body } = await until(id, ({ state }) => state === 'done');
    expect(body).toMatchObject({ total: 30 });
    expect((body['sent'] as number) + (body['failed'] as number)).toBe(30);
    // Whatever died and ran twice: nobody has it twice, and nobody who counts as sent is without it.
    const texts = await Promise.all(
      users.map(async (userId) => {
        const client = await connect(cloud, userId, { deviceId: 'tablet', platform: 'desktop' });
        return (await received(client, userId)).filter((text) => text.includes('storm'));
      }),
    );
    expect(texts.filter((own) => own.length > 1)).toEqual([]);
    expect(texts.filter((own) => own.length === 1).length).toBeGreaterThanOrEqual(body['sent'] as number);
  });

  test.each([
    ['nobody', {}, 'users: must name users, or else all: true'],
    ['a list and all', { users: ['a'], all: true }, 'users: must name users, or else all: true'],
    [
      'too many',
      { users: Array.from({ length: 10_001 }, (_, n) => `u${n}`) },
      'users: must hold at most 10000',
    ],
    ['no rate', { all: true, ratePerSecond: 0 }, 'ratePerSecond: '],
    ['another type', { all: true, type: 'control' }, 'type: '],
  ])('%s is a bad request that says where', async (_, fields, message) => {
    const answer = await begin('bad-broadcast', fields);
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'bad_request' } } });
    expect((answer.body['error'] as { message: string }).message.startsWith(message)).toBe(true);
  });

  test('of no such id are not found', async () => {
    expect(await look('nothing')).toMatchObject({ status: 404, body: { error: { code: 'not_found' } } });
    expect(await backend.call('DELETE', '/v1/broadcasts/nothing')).toMatchObject({ status: 404 });
  });
});
