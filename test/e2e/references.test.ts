// Replies and mentions, over real sockets: what a message points at comes back as it was sent.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import type { Message } from '../../src/protocol/messages.ts';
import { connect, type Frame, type TestClient } from '../support/client.ts';
import { startCloud } from '../support/cloud.ts';

let cloud: Cloud;
let alice: TestClient;
let bob: TestClient;
beforeAll(async () => {
  cloud = await startCloud();
  [alice, bob] = [await connect(cloud, 'alice'), await connect(cloud, 'bob')];
});
afterAll(() => cloud.close());

const conversationId = 'd:alice:bob';
const errorOf = (answer: Frame) => answer['error'] as { code: string; message: string };
const messagesOf = async (client: TestClient, id = conversationId) =>
  (await client.request('history', { conversationId: id }))['messages'] as Message[];
const pointing = (message: unknown) => {
  const { replyTo, mentions } = message as Message;
  return { replyTo, mentions };
};

describe('P5.1c: a reply with mentions', () => {
  test('comes as it was sent: by push, sync, history and as the last message', async () => {
    await alice.send('user:bob', 'lunch?');
    const sent = { replyTo: 1, mentions: ['alice', 'nobody'] };
    const { seq } = await bob.send('user:alice', 'yes', sent);
    expect(seq).toBe(2);
    const [pushed] = await alice.eventsUpTo(1);
    expect(pointing(pushed!.message)).toEqual(sent);
    const { events } = (await alice.request('sync', { after: 0 })) as {
      events: { message: Message }[];
    } & Frame;
    expect(events.map(({ message }) => pointing(message))).toEqual([{}, sent]);
    const [first, second] = await messagesOf(bob);
    expect(pointing(second)).toEqual(sent);
    expect(Object.keys(first!)).not.toContain('replyTo');
    expect(Object.keys(first!)).not.toContain('mentions');
    const { conversations } = (await alice.request('conversations')) as {
      conversations: { last: Message }[];
    } & Frame;
    expect(pointing(conversations[0]!.last)).toEqual(sent);
  });

  test('belongs to what its clientMsgId stands for', async () => {
    const clientMsgId = randomUUID();
    const first = await alice.send('user:bob', 'once', { clientMsgId, replyTo: 2, mentions: 'all' });
    const again = await alice.send('user:bob', 'once', { clientMsgId, mentions: 'all', replyTo: 2 });
    expect(again).toMatchObject({ seq: first['seq'], duplicate: true });
    for (const other of [{ replyTo: 2 }, { replyTo: 1, mentions: 'all' }, {}]) {
      const answer = await alice.send('user:bob', 'once', { clientMsgId, ...other });
      expect(errorOf(answer).code).toBe('idempotency_conflict');
    }
    // Nobody is mentioned: the same as no word of it.
    const plain = randomUUID();
    const { seq } = await alice.send('user:bob', 'plain', { clientMsgId: plain, mentions: [] });
    expect(await alice.send('user:bob', 'plain', { clientMsgId: plain })).toMatchObject({
      seq,
      duplicate: true,
    });
    expect(Object.keys((await messagesOf(bob)).at(-1)!)).not.toContain('mentions');
  });

  test('that is ephemeral comes as it was sent, too', async () => {
    const before = bob.pushes.length;
    await alice.send('user:bob', 'psst', { ephemeral: true, replyTo: 2, mentions: ['bob'] });
    await bob.until(() => bob.pushes.slice(before).some(({ push }) => push === 'ephemeral'), 'the message');
    const { message } = bob.pushes.find(({ push }) => push === 'ephemeral') as unknown as {
      message: Message;
    };
    expect(pointing(message)).toEqual({ replyTo: 2, mentions: ['bob'] });
  });

  test('points at nothing any more when it is taken back', async () => {
    const { seq } = await alice.send('user:bob', 'oops', { replyTo: 2, mentions: ['bob'] });
    await alice.request('recall', { conversationId, seq });
    const recalled = (await messagesOf(bob)).find((message) => message.seq === seq)!;
    expect(recalled).toMatchObject({ recalled: true, body: {} });
    expect(pointing(recalled)).toEqual({});
  });

  test('stays one when it is edited', async () => {
    const { seq } = await alice.send('user:bob', 'thsi', { replyTo: 2 });
    await alice.request('edit', { conversationId, seq, clientMsgId: randomUUID(), body: { text: 'this' } });
    const edited = (await messagesOf(bob)).find((message) => message.seq === seq)!;
    expect(edited).toMatchObject({ replyTo: 2, body: { text: 'this' } });
  });
});

describe('P5.1c: what cannot be answered', () => {
  const storedBefore = async () => (await messagesOf(alice)).at(-1)!.seq;

  test.each([
    ['a number that is not given out', { replyTo: 99_999 }, 'replyTo: there is no message 99999'],
    ['no number', { replyTo: 0 }, 'replyTo'],
    ['a text', { replyTo: '1' }, 'replyTo'],
    ['more than fifty mentions', { mentions: Array.from({ length: 51 }, (_, n) => `u${n}`) }, 'mentions'],
    ['a mention that is no userId', { mentions: ['a b'] }, 'mentions'],
    ['a mention of some', { mentions: 'some' }, 'mentions'],
  ])('%s is refused, and nothing is stored', async (_, fields, reason) => {
    const before = await storedBefore();
    const error = errorOf(await alice.send('user:bob', 'hi', fields));
    expect(error.code).toBe('bad_request');
    expect(error.message).toContain(reason);
    expect(await storedBefore()).toBe(before);
  });

  test('nor what one has cleared; but what was sent before is answered as it was', async () => {
    const clientMsgId = randomUUID();
    const { seq } = await bob.send('user:alice', 'before', { clientMsgId, replyTo: 2 });
    await bob.request('settings', { conversationId, clearedSeq: 2 });
    const refused = await bob.send('user:alice', 'after', { replyTo: 2 });
    expect(errorOf(refused)).toMatchObject({ code: 'bad_request' });
    const again = await bob.send('user:alice', 'before', { clientMsgId, replyTo: 2 });
    expect(again).toMatchObject({ seq, duplicate: true });
  });

  test('nor, by a stranger, anything: they are told what any stranger is', async () => {
    const eve = await connect(cloud, 'eve');
    expect(errorOf(await eve.send(conversationId, 'hi', { replyTo: 1 })).code).toBe('not_member');
    expect(errorOf(await eve.send('user:bob', 'hi', { replyTo: 1 })).code).toBe('bad_request');
    expect(errorOf(await eve.send('g:nobody-knows', 'hi', { replyTo: 1 })).code).toBe('not_member');
  });

  test('nor, by a newcomer to a group, what was there before them', async () => {
    const carol = await connect(cloud, 'carol');
    const group = { clientGroupId: randomUUID(), title: 'Three', members: ['bob'] };
    const { conversationId: groupId } = (await alice.request('createGroup', group)) as {
      conversationId: string;
    };
    const { seq } = await alice.send(groupId, 'before');
    await alice.request('addMembers', { conversationId: groupId, users: ['carol'] });
    const reply = { replyTo: seq, mentions: 'all' };
    expect(await bob.send(groupId, 'yes', reply)).toMatchObject({ ok: true });
    expect(errorOf(await carol.send(groupId, 'what?', reply)).code).toBe('bad_request');
    expect(pointing((await messagesOf(alice, groupId)).at(-1))).toEqual(reply);
    await alice.request('removeMembers', { conversationId: groupId, users: ['carol'] });
    expect(errorOf(await carol.send(groupId, 'but', reply)).code).toBe('not_member');
  });
});

test('B1: a message that points at nothing costs no read', async () => {
  await cloud.settled();
  cloud.resetMetrics();
  await alice.send('user:bob', 'hi', { mentions: ['bob'] });
  expect(cloud.metrics().dynamodb.byFunction['send']).toMatchObject({ requests: 2, readUnits: 0 });
});
