// History of another system, imported over real HTTP, and read as if it had always been here.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { connect, type TestClient } from '../support/client.ts';
import { startCloud } from '../support/cloud.ts';
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

const conversationId = 'd:alice:bob';
const start = Date.UTC(2020, 0, 1);
const text = (n: number, fields: object = {}) => ({
  from: n % 2 === 0 ? 'alice' : 'bob',
  clientMsgId: `imported-${n}`,
  type: 'text',
  body: { text: `number ${n} of the old system` },
  serverTime: start + n * 60_000,
  ...fields,
});
const importAll = (messages: readonly object[], id = conversationId) =>
  backend.call('POST', '/v1/import', { conversationId: id, messages });
const seqs = ({ body }: { body: Record<string, unknown> }) =>
  (body['results'] as { seq: number }[]).map(({ seq }) => seq);

describe('P8.19 import', () => {
  test('history comes with its own times; nobody is pushed to, and nothing is unread', async () => {
    const first = await importAll(Array.from({ length: 25 }, (_, n) => text(n)));
    expect(first.status).toBe(200);
    expect(seqs(first)).toEqual(Array.from({ length: 25 }, (_, n) => n + 1));
    await importAll(Array.from({ length: 5 }, (_, n) => text(25 + n)));
    await cloud.settled({ delayed: true });
    expect([alice.pushes, bob.pushes]).toEqual([[], []]);
    expect(await bob.request('sync', { after: 0 })).toMatchObject({ events: [], head: 0 });
    expect(await bob.request('unread')).toMatchObject({ total: 0 });
    const { conversations } = await bob.request('conversations');
    expect(conversations).toMatchObject([
      { conversationId, lastSeq: 30, unread: 0, last: { body: { text: 'number 29 of the old system' } } },
    ]);
    const page = await bob.request('history', { conversationId, limit: 3 });
    expect(page).toMatchObject({
      headSeq: 30,
      messages: [28, 29, 30].map((seq) => ({
        seq,
        from: seq % 2 === 0 ? 'bob' : 'alice',
        serverTime: start + (seq - 1) * 60_000,
        silent: true,
        recalled: false,
      })),
    });
  });

  test('is found by time and by what it says, and goes on with what is sent now', async () => {
    const around = await bob.request('history', { conversationId, around: start + 10 * 60_000, limit: 4 });
    expect((around['messages'] as { seq: number }[]).map(({ seq }) => seq)).toEqual([9, 10, 11, 12]);
    expect(await bob.request('search', { query: 'NUMBER 7 of' })).toMatchObject({ hits: [{ seq: 8 }] });
    expect(await alice.send('user:bob', 'and now here')).toMatchObject({ ok: true, seq: 31 });
    await cloud.settled();
    expect(await bob.request('unread')).toMatchObject({ total: 1 });
    expect(bob.events).toMatchObject([{ syncSeq: 1, message: { seq: 31 } }]);
  });

  test('is stored once, however often and however many at once it comes', async () => {
    const batch = Array.from({ length: 10 }, (_, n) => text(100 + n));
    const answers = await Promise.all(Array.from({ length: 4 }, () => importAll(batch)));
    const [first] = answers.map(seqs);
    expect(answers.map(seqs)).toEqual([first, first, first, first]);
    const fresh = answers.filter(({ body }) => !('duplicate' in (body['results'] as object[])[0]!));
    expect(fresh).toHaveLength(1);
    const overlapping = await importAll([...batch.slice(5), text(110)]);
    expect(seqs(overlapping)).toEqual([...first!.slice(5), first!.at(-1)! + 1]);
    expect((overlapping.body['results'] as object[]).at(-1)).not.toHaveProperty('duplicate');
    const { messages } = await bob.request('history', { conversationId, after: 31 });
    expect(messages).toHaveLength(11);
  });

  test('each is answered by itself: of a stranger, or the same id with other content', async () => {
    const answer = await importAll([text(120, { from: 'mallory' }), text(121), text(121, { from: 'alice' })]);
    expect(answer.body['results']).toMatchObject([
      { clientMsgId: 'imported-120', to: conversationId, error: { code: 'not_member' } },
      { clientMsgId: 'imported-121', seq: 43 },
      { clientMsgId: 'imported-121', seq: 44 },
    ]);
    expect(await importAll([text(121, { body: { text: 'something else' } })])).toMatchObject({
      body: { results: [{ error: { code: 'idempotency_conflict' } }] },
    });
  });

  test('begins direct conversations between users who are known, and fills groups', async () => {
    await backend.call('POST', '/v1/users', { users: [{ userId: 'carl' }, { userId: 'dora' }] });
    const begun = await importAll([text(1, { from: 'carl' })], 'd:carl:dora');
    expect(seqs(begun)).toEqual([1]);
    const group = { owner: 'alice', clientGroupId: 'old-friends', title: 'Old friends', members: ['bob'] };
    const { body } = await backend.call('POST', '/v1/groups', group);
    const id = body['conversationId'] as string;
    // Whoever has left since is still who said it.
    expect(seqs(await importAll([text(1), text(2, { from: 'gone' })], id))).toEqual([2, 3]);
    expect(await bob.request('history', { conversationId: id })).toMatchObject({
      messages: [{ type: 'control' }, { from: 'bob' }, { from: 'gone' }],
    });
    expect(await importAll([text(1)], 'd:alice:nobody')).toMatchObject({ status: 404 });
    expect(await importAll([text(1)], 'g:nothing')).toMatchObject({ status: 404 });
  });

  test.each([
    ['nothing', [], 'messages: must hold at least one'],
    ['too many', Array.from({ length: 26 }, (_, n) => text(200 + n)), 'messages: must hold at most 25'],
    ['what descends', [text(2), text(1)], 'messages: must ascend in time'],
    ['the same twice', [text(1), text(1)], 'messages: must name each message once'],
    ['the future', [text(1, { serverTime: 32_503_680_000_000 })], 'messages.0.serverTime: is in the future'],
    ['no time', [text(1, { serverTime: undefined })], 'messages.0.serverTime: is missing'],
    ['a control message', [text(1, { type: 'control' })], 'messages.0.type: '],
  ])('%s is a bad request that says where', async (_, messages, message) => {
    const answer = await importAll(messages);
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'bad_request' } } });
    expect((answer.body['error'] as { message: string }).message.startsWith(message)).toBe(true);
  });
});

test('B21 importing 25 messages writes 4 units each, and no other function writes', async () => {
  cloud.resetMetrics();
  await importAll(Array.from({ length: 25 }, (_, n) => text(300 + n)));
  await cloud.settled({ delayed: true });
  const { byFunction, writeUnits } = cloud.metrics().dynamodb;
  // Two for each message and for its claim, two for the head, one for the call.
  expect(byFunction['service']).toMatchObject({ writeUnits: 25 * 4 + 2 + 1 });
  expect(writeUnits).toBe(103);
});
