// P8.13: messages of the service API over real HTTP, and what of them arrives at users who are connected.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { connect, type TestClient } from '../support/client.ts';
import { scan, startCloud } from '../support/cloud.ts';
import { TestBackend } from '../support/service.ts';

let cloud: Cloud;
let backend: TestBackend;
let alice: TestClient;
let bob: TestClient;
beforeAll(async () => {
  cloud = await startCloud();
  backend = new TestBackend(cloud.service);
  alice = await connect(cloud, 'alice');
  bob = await connect(cloud, 'bob');
});
afterAll(() => cloud?.close());

let made = 0;
const newId = () => `service-message-${(made += 1)}`;
const message = (from: string, to: string[], fields: Record<string, unknown> = {}) => ({
  from,
  to,
  clientMsgId: newId(),
  type: 'text',
  body: { text: 'hello' },
  ...fields,
});
type Result = { to: string; seq?: number; duplicate?: boolean; error?: { code: string; message: string } };
const send = async (request: object): Promise<Result[]> => {
  const { status, body } = await backend.call('POST', '/v1/messages', request);
  expect(status).toBe(200);
  return body['results'] as Result[];
};

test('P8.13 a message of the system arrives, counts as unread, and can be answered', async () => {
  const body = { text: 'Your parcel is on its way' };
  expect(await send(message('system', ['user:bob'], { body }))).toEqual([
    { to: 'user:bob', conversationId: 'd:bob:system', seq: 1 },
  ]);
  await bob.until(() => bob.events.length === 1, 'the message');
  expect(bob.events[0]!.message).toMatchObject({
    conversationId: 'd:bob:system',
    seq: 1,
    from: 'system',
    type: 'text',
    body,
  });
  const list = await bob.request('conversations');
  expect(list['conversations']).toMatchObject([{ peer: 'system', unread: 1, last: { body } }]);
  expect(await bob.send('user:system', 'thank you')).toMatchObject({ ok: true, seq: 2 });
});

test('P8.13 as a user: all of their devices hear of it, and what they send themselves goes on', async () => {
  expect(await alice.send('user:bob', 'by hand')).toMatchObject({ seq: 1 });
  expect(await send(message('alice', ['user:bob']))).toMatchObject([{ seq: 2 }]);
  expect(await alice.send('user:bob', 'by hand again')).toMatchObject({ seq: 3 });
  await alice.until(() => alice.events.some(({ message: { seq } }) => seq === 2), 'the own message');
  const { positions } = await alice.request('positions', { conversationIds: ['d:alice:bob'] });
  expect(positions).toMatchObject([{ unread: 0, readSeq: 3, lastSeq: 3 }]);
  expect(await bob.request('positions', { conversationIds: ['d:alice:bob'] })).toMatchObject({
    positions: [{ unread: 3 }],
  });
});

test('P8.13 the same request ten times at once is stored once, in a conversation that it begins', async () => {
  await backend.call('POST', '/v1/users', { users: [{ userId: 'carol' }] });
  const request = message('system', ['user:carol']);
  const results = (await Promise.all(Array.from({ length: 10 }, () => send(request)))).flat();
  expect(results.map(({ seq }) => seq)).toEqual(Array.from({ length: 10 }, () => 1));
  expect(results.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
  expect(await send(request)).toMatchObject([{ seq: 1, duplicate: true }]);
  const carol = await connect(cloud, 'carol');
  const history = await carol.request('history', { conversationId: 'd:carol:system' });
  expect(history).toMatchObject({ headSeq: 1, messages: [{ seq: 1, from: 'system' }] });
});

test('P8.13 ten different ones at once are all stored, densely, between what users send', async () => {
  await alice.send('user:bob', 'before');
  const { headSeq: before } = await alice.request('history', { conversationId: 'd:alice:bob' });
  const requests = Array.from({ length: 10 }, () => message('alice', ['user:bob']));
  const answers = await Promise.all([
    ...requests.map((request) => send(request)),
    alice.send('user:bob', 'meanwhile'),
    bob.send('user:alice', 'likewise'),
  ]);
  const refused = answers.flat().filter((answer) => 'error' in answer);
  expect(refused).toEqual([]);
  const history = await bob.request('history', { conversationId: 'd:alice:bob', after: before });
  const messages = history['messages'] as { seq: number; void?: boolean; clientMsgId?: string }[];
  const kept = messages.filter((slot) => !slot.void);
  expect(kept).toHaveLength(12);
  expect(messages.map(({ seq }) => seq)).toEqual(messages.map((_, n) => (before as number) + 1 + n));
  for (const { clientMsgId } of requests) {
    expect(kept.filter((slot) => slot.clientMsgId === clientMsgId)).toHaveLength(1);
  }
});

test('P8.13 each target has its own result', async () => {
  const request = message('alice', ['user:bob', 'user:ghost', 'g:nowhere', 'd:bob:carol', 'd:alice:bob']);
  const results = await send(request);
  expect(results.map(({ to }) => to)).toEqual(request.to);
  expect(results.map(({ error }) => error?.code)).toEqual([
    undefined,
    'user_not_found',
    'not_member',
    'not_member',
    undefined,
  ]);
  // Both name one conversation: it has the message once.
  expect(results[0]!.seq).toBe(results[4]!.seq);
  const other = await send({ ...request, to: ['user:bob'], body: { text: 'other words' } });
  expect(other).toMatchObject([{ to: 'user:bob', error: { code: 'idempotency_conflict' } }]);
});

test('P8.13 who blocks a user is not written to in their name either; the system is not limited', async () => {
  await bob.request('block', { userId: 'alice' });
  expect(await send(message('alice', ['user:bob']))).toMatchObject([{ error: { code: 'blocked' } }]);
  await bob.request('unblock', { userId: 'alice' });
  const users = Array.from({ length: 30 }, (_, n) => ({ userId: `new-${n}` }));
  await backend.call('POST', '/v1/users', { users });
  const results = await send(
    message(
      'system',
      users.map(({ userId }) => `user:${userId}`),
    ),
  );
  expect(results.map(({ seq }) => seq)).toEqual(users.map(() => 1));
});

test('P8.13 groups: the system and members speak, strangers and the muted do not', async () => {
  const group = { clientGroupId: 'the-first-group', title: 'All', members: ['bob'] };
  const { conversationId } = (await alice.request('createGroup', group)) as unknown as {
    conversationId: string;
  };
  const seen = bob.events.length;
  expect(await send(message('system', [conversationId]))).toMatchObject([{ seq: 2 }]);
  expect(await send(message('bob', [conversationId]))).toMatchObject([{ seq: 3 }]);
  expect(await send(message('carol', [conversationId]))).toMatchObject([{ error: { code: 'not_member' } }]);
  await bob.until(() => bob.events.length >= seen + 2, 'both messages');
  const at = async (client: TestClient) =>
    (await client.request('positions', { conversationIds: [conversationId] }))['positions'];
  expect(await at(bob)).toMatchObject([{ unread: 0, readSeq: 3 }]);
  expect(await at(alice)).toMatchObject([{ unread: 2 }]);
  await alice.request('muteMember', { conversationId, userId: 'bob', seconds: 60 });
  expect(await send(message('bob', [conversationId]))).toMatchObject([{ error: { code: 'muted' } }]);
  const parallel = Array.from({ length: 8 }, () => message('alice', [conversationId]));
  const sent = (await Promise.all(parallel.map((request) => send(request)))).flat();
  expect(sent.filter(({ error }) => error)).toEqual([]);
  expect(new Set(sent.map(({ seq }) => seq)).size).toBe(8);
  await alice.request('dismissGroup', { conversationId });
  expect(await send(message('system', [conversationId]))).toMatchObject([{ error: { code: 'not_member' } }]);
});

test.each([
  ['no sender', { from: undefined }, 'from: is missing'],
  ['a target that is none', { to: ['bob'] }, 'to.0: must be user:<userId> or a conversation id'],
  ['too many targets', { to: Array.from({ length: 101 }, (_, n) => `user:u${n}`) }, 'to: must hold at most'],
  ['too short an id', { clientMsgId: 'short' }, 'clientMsgId: must have at least 8'],
  ['a type of the server', { type: 'control' }, 'type: '],
  ['a text without one', { body: {} }, 'body.text: is missing'],
])('P8.13 %s is a bad request that names its field', async (_, fields, expected) => {
  const { status, body } = await backend.call('POST', '/v1/messages', message('alice', ['user:bob'], fields));
  expect(status).toBe(400);
  expect((body['error'] as { message: string }).message).toContain(expected);
});

test('P8.13 a body that is too large is sent to nobody', async () => {
  const answer = await backend.call(
    'POST',
    '/v1/messages',
    message('alice', ['user:bob'], { body: { text: 'x'.repeat(17_000) } }),
  );
  expect(answer).toMatchObject({ status: 413, body: { error: { code: 'too_large' } } });
});

test('P8.13 what remembers a message goes after a day', async () => {
  const items = await scan(cloud, 'Conversations');
  const claims = items.filter(({ item }) => (item as string).startsWith('SERVICE#'));
  expect(claims.length).toBeGreaterThan(40);
  const inADay = Date.now() / 1_000 + 86_400;
  for (const { expiresAt } of claims) expect(Math.abs((expiresAt as number) - inADay)).toBeLessThan(300);
});
