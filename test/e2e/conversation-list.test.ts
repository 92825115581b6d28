// Opening the app over real sockets: the conversations in order, each with what is shown of it, in pages that hold.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import type { Conversation } from '../../src/protocol/server-frames.ts';
import { connect, type Frame, type TestClient } from '../support/client.ts';
import { startCloud } from '../support/cloud.ts';

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud({
    environment: { IM_SETTINGS: '{"pushFreshMs":100,"conversationsPerMinute":1000}' },
  });
});
afterAll(() => cloud.close());

let scenes = 0;
/** A user, and the friends that write to it. */
async function newUser(friends: number) {
  const n = ++scenes;
  const userId = `me-${n}`;
  const me = await connect(cloud, userId);
  const names = Array.from(
    { length: friends },
    (_, index) => `friend-${n}-${String(index).padStart(2, '0')}`,
  );
  const clients = await Promise.all(names.map((name) => connect(cloud, name)));
  const conversationId = (index: number) => `d:${names[index]!}:${userId}`;
  const write = (index: number, text: string, fields = {}) =>
    clients[index]!.send(`user:${userId}`, text, fields);
  return { me, userId, names, clients, conversationId, write };
}

const errorOf = (answer: Frame) => answer['error'] as { code: string; message: string };
async function list(client: TestClient, fields: object = {}) {
  const answer = await client.request('conversations', { ...fields });
  expect(answer, JSON.stringify(answer)).toMatchObject({ ok: true });
  return answer as Frame & { conversations: Conversation[]; next?: string };
}
async function listAll(client: TestClient, limit: number, between: () => Promise<void> = async () => {}) {
  const all: Conversation[] = [];
  let cursor: string | undefined;
  do {
    const page = await list(client, { limit, ...(cursor && { cursor }) });
    all.push(...page.conversations);
    cursor = page.next;
    if (cursor) await between();
  } while (cursor);
  return all;
}
const ids = (conversations: readonly Conversation[]) =>
  conversations.map(({ conversationId }) => conversationId);

describe('P5.17: conversations', () => {
  test('come with the most recent first, each as both of its users see it', async () => {
    const { me, userId, names, clients, conversationId, write } = await newUser(3);
    await write(0, 'a0');
    await write(1, 'b0');
    await write(2, 'c0');
    await write(0, 'a1');
    await cloud.settled();
    await me.request('read', { conversationId: conversationId(1), seq: 1 });
    const defaults = { pinned: false, muted: false, hidden: false, clearedSeq: 0, draft: '' };
    const { conversations, next } = await list(me);
    expect(next).toBeUndefined();
    expect(conversations).toMatchObject([
      {
        conversationId: conversationId(0),
        kind: 'direct',
        peer: names[0],
        lastSeq: 2,
        last: { seq: 2, body: { text: 'a1' } },
        unread: 2,
        readSeq: 0,
        peerReadSeq: 2,
        floorSeq: 1,
        ...defaults,
      },
      { conversationId: conversationId(2), unread: 1, last: { body: { text: 'c0' } } },
      { conversationId: conversationId(1), unread: 0, readSeq: 1, last: { body: { text: 'b0' } } },
    ]);
    expect((await list(clients[1]!)).conversations).toMatchObject([
      { conversationId: conversationId(1), peer: userId, unread: 0, readSeq: 1, peerReadSeq: 1 },
    ]);
    expect((await list(await connect(cloud, `nobody-${scenes}`))).conversations).toEqual([]);
  });

  test('pinned ones are first, hidden ones apart until their next message', async () => {
    const { me, conversationId, write } = await newUser(4);
    for (const index of [0, 1, 2, 3]) await write(index, 'hello');
    await cloud.settled();
    const change = (index: number, changes: object) =>
      me.request('settings', { conversationId: conversationId(index), ...changes });
    await change(0, { pinned: true, draft: 'half a th' });
    await change(1, { pinned: true });
    await change(2, { hidden: true });
    const { conversations } = await list(me);
    expect(ids(conversations)).toEqual([1, 0, 3].map(conversationId));
    expect(conversations[1]).toMatchObject({ pinned: true, draft: 'half a th' });
    expect((await list(me, { hidden: true })).conversations).toMatchObject([
      { conversationId: conversationId(2), hidden: true },
    ]);
    await write(2, 'I am back');
    await cloud.settled();
    expect(ids((await list(me)).conversations)).toEqual([1, 0, 2, 3].map(conversationId));
    expect((await list(me, { hidden: true })).conversations).toEqual([]);
  });

  test('the last message is the newest that is shown: no void, control, recalled or cleared one', async () => {
    const { me, clients, conversationId, write } = await newUser(2);
    for (const text of ['1', '2', '3']) await write(0, text);
    await write(1, 'only');
    const last = async () =>
      Object.fromEntries(
        (await list(me)).conversations.map((conversation) => [
          conversation.conversationId,
          conversation.last?.body['text'] ?? null,
        ]),
      );
    await clients[0]!.request('recall', { conversationId: conversationId(0), seq: 3 });
    await clients[0]!.request('edit', {
      conversationId: conversationId(0),
      seq: 2,
      clientMsgId: 'edit-of-second',
      body: { text: 'second' },
    });
    await clients[1]!.request('recall', { conversationId: conversationId(1), seq: 1 });
    expect(await last()).toEqual({ [conversationId(0)]: 'second', [conversationId(1)]: null });
    await me.request('settings', { conversationId: conversationId(0), clearedSeq: 2 });
    expect(await last()).toEqual({ [conversationId(0)]: null, [conversationId(1)]: null });
    await cloud.settled();
    expect((await me.request('pending', { after: 0 }))['conversations']).toMatchObject([
      { last: null },
      { last: null },
    ]);
    expect(await me.request('unread')).toMatchObject({ total: 0, muted: 0, complete: true });
  });

  test('pages skip none and repeat none while new messages arrive', async () => {
    const { me, names, conversationId, write } = await newUser(14);
    for (const index of names.keys()) await write(index, 'first');
    await cloud.settled();
    for (const index of [3, 5])
      await me.request('settings', { conversationId: conversationId(index), pinned: true });
    let next = 0;
    const all = await listAll(me, 3, async () => {
      // Those that were listed become the most recent, and so do those that were not.
      await write(next++, 'again');
      await write(13 - next, 'again');
      await cloud.settled();
    });
    expect(ids(all)).toHaveLength(14);
    expect(new Set(ids(all))).toEqual(new Set([...names.keys()].map(conversationId)));
    expect(ids(all).slice(0, 3)).toEqual([5, 3, 13].map(conversationId));
  });

  test('go as far back as there are any, also where the mailbox does not', async () => {
    const { me, userId, names, conversationId, write } = await newUser(5);
    for (const index of [0, 1, 2, 3, 4]) await write(index, 'long ago');
    // So many entries of one conversation that the others are out of sight.
    const chatty = await connect(cloud, 'chatty');
    for (let n = 0; n < 70; n++) {
      await Promise.all([0, 1, 2].map((m) => chatty.send(`user:${userId}`, `${n} ${m}`)));
    }
    await cloud.settled();
    const { conversations } = await list(me);
    expect(ids(conversations)[0]).toBe(`d:chatty:${userId}`);
    expect(new Set(ids(conversations))).toEqual(
      new Set([`d:chatty:${userId}`, ...[...names.keys()].map(conversationId)]),
    );
    expect(conversations[0]).toMatchObject({ unread: 210 });
  });

  test('a cursor that is none names itself', async () => {
    const { me } = await newUser(1);
    for (const cursor of ['x', '', 'W10', 'WzEsMiwzLDRd']) {
      expect(errorOf(await me.request('conversations', { cursor }))).toMatchObject({
        code: 'bad_request',
        message: 'cursor: is none that this action answered',
      });
    }
    expect(errorOf(await me.request('conversations', { limit: 101 })).message).toContain('limit:');
  });
});

test('P5.18: unread counts all conversations, muted ones apart', async () => {
  const { me, conversationId, write } = await newUser(3);
  for (const [index, count] of [1, 2, 3].entries()) {
    for (let n = 0; n < count; n++) await write(index, `${n}`);
  }
  await write(2, 'hush', { silent: true });
  await me.request('settings', { conversationId: conversationId(1), muted: true });
  expect(await me.request('unread')).toMatchObject({ ok: true, total: 4, muted: 2, complete: true });
  await me.request('read', { conversationId: conversationId(2), seq: 2 });
  expect(await me.request('unread')).toMatchObject({ total: 2, muted: 2 });
});

test('B13: opening the app takes 5 requests and 40 read units for 20 conversations', async () => {
  const { me, names, conversationId, write } = await newUser(20);
  for (const index of names.keys()) await write(index, 'x'.repeat(100));
  await cloud.settled();
  await me.request('settings', {
    conversationId: conversationId(4),
    pinned: true,
    muted: true,
    draft: 'a draft',
  });
  await cloud.settled();
  cloud.resetMetrics();
  const { conversations, next } = await list(me, { limit: 20 });
  expect(conversations).toHaveLength(20);
  expect(next).toBeUndefined();
  const { requests, readUnits, writeUnits } = cloud.metrics().dynamodb;
  expect(requests).toBeLessThanOrEqual(5);
  expect(readUnits).toBeLessThanOrEqual(40);
  expect(writeUnits).toBe(0);
});
