// Reactions, over real sockets: exact under races, told to everybody, and gone with a recall.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import type { Message, Reaction } from '../../src/protocol/messages.ts';
import type { SyncedMessage } from '../../src/protocol/server-frames.ts';
import { connect, type Frame, type TestClient } from '../support/client.ts';
import { startCloud } from '../support/cloud.ts';

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(() => cloud.close());

const errorOf = (answer: Frame) => answer['error'] as { code: string; message: string };

/** As a client would: what may pass is tried again. */
async function patiently(request: () => Promise<Frame>): Promise<Frame> {
  for (;;) {
    const answer = await request();
    if (answer.ok || !(answer['error'] as { retryable: boolean }).retryable) return answer;
  }
}

let pairs = 0;
/** Two users, and a message of the first. */
async function newPair() {
  const n = ++pairs;
  const [alice, bob] = [await connect(cloud, `alice-${n}`), await connect(cloud, `bob-${n}`)];
  const conversationId = `d:alice-${n}:bob-${n}`;
  const { seq } = (await alice.send(conversationId, 'look!')) as { seq: number };
  const react = (client: TestClient, emoji: string, fields: Record<string, unknown> = {}) =>
    client.request('react', { conversationId, seq, emoji, ...fields });
  return { n, alice, bob, conversationId, seq, react };
}

async function messagesOf(client: TestClient, conversationId: string): Promise<Message[]> {
  return (await client.request('history', { conversationId }))['messages'] as Message[];
}
async function reactionsOf(client: TestClient, conversationId: string, seq: number) {
  return (await messagesOf(client, conversationId)).find((message) => message.seq === seq)!.reactions;
}
const controlsOf = async (client: TestClient, conversationId: string) =>
  (await messagesOf(client, conversationId)).filter(({ type }) => type === 'control');

describe('P5.12a: a reaction', () => {
  test('is answered, shown to both by every way, and taken back', async () => {
    const { n, alice, bob, conversationId, seq, react } = await newPair();
    expect(Object.keys((await messagesOf(alice, conversationId))[0]!)).not.toContain('reactions');

    const thumb = { emoji: '👍', count: 1, users: [`bob-${n}`] };
    expect(await react(bob, '👍')).toMatchObject({ ok: true, reactions: [{ ...thumb, mine: true }] });
    const [control] = await alice.eventsUpTo(1);
    expect(control).toMatchObject({
      message: { type: 'control', silent: true, body: { op: 'reaction', seq, by: `bob-${n}` } },
      target: { seq, body: { text: 'look!' }, reactions: [{ ...thumb, mine: false }] },
    });
    expect(await reactionsOf(alice, conversationId, seq)).toEqual([{ ...thumb, mine: false }]);
    expect(await reactionsOf(bob, conversationId, seq)).toEqual([{ ...thumb, mine: true }]);
    const { events } = (await bob.request('sync', { after: 0 })) as { events: SyncedMessage[] } & Frame;
    expect(events.map(({ message, target }) => (target ?? (message as Message)) as Message)).toMatchObject([
      { seq, reactions: [{ ...thumb, mine: true }] },
      { seq, reactions: [{ ...thumb, mine: true }] },
    ]);
    const { conversations } = (await alice.request('conversations')) as {
      conversations: { last: Message; unread: number }[];
    } & Frame;
    expect(conversations).toMatchObject([
      { unread: 0, last: { seq, reactions: [{ ...thumb, mine: false }] } },
    ]);

    expect(await react(bob, '👍', { remove: true })).toMatchObject({ ok: true, reactions: [] });
    expect(Object.keys((await messagesOf(alice, conversationId))[0]!)).not.toContain('reactions');
    const [, taken] = await alice.eventsUpTo(2);
    expect(Object.keys(taken!.target!)).not.toContain('reactions');
  });

  test('of the same user with the same emoji is one; what is so already changes nothing', async () => {
    const { n, alice, bob, conversationId, react } = await newPair();
    await Promise.all(Array.from({ length: 10 }, () => react(bob, '🎉')));
    expect(await controlsOf(alice, conversationId)).toHaveLength(1);
    await cloud.settled();
    cloud.resetMetrics();
    expect(await react(bob, '🎉')).toMatchObject({ reactions: [{ emoji: '🎉', count: 1 }] });
    expect(await react(alice, '🎉', { remove: true })).toMatchObject({ reactions: [{ count: 1 }] });
    expect(cloud.metrics().dynamodb.writeUnits).toBe(0);
    const messages = await messagesOf(alice, conversationId);
    expect(messages.map(({ seq }) => seq)).toEqual([1, 2]);
    expect(messages.filter((slot) => 'void' in slot)).toEqual([]);
    expect((await react(bob, '🎉', { remove: true }))['reactions']).toEqual([]);
    expect((await react(bob, '🎉'))['reactions']).toEqual([
      { emoji: '🎉', count: 1, users: [`bob-${n}`], mine: true },
    ]);
  });

  test('of many at once is counted exactly; the most used come first', async () => {
    const users = Array.from({ length: 24 }, (_, n) => `fan-${String(n).padStart(2, '0')}`);
    const fans = await Promise.all(users.map((userId) => connect(cloud, userId)));
    const [star] = fans as [TestClient];
    const { conversationId } = (await star.request('createGroup', {
      clientGroupId: randomUUID(),
      title: 'Fans',
      members: users.slice(1),
    })) as { conversationId: string };
    const { seq } = await star.send(conversationId, 'hello');
    const reactWith = (fan: TestClient, emoji: string) =>
      patiently(() => fan.request('react', { conversationId, seq, emoji }));
    const answers = await Promise.all(
      fans.flatMap((fan, n) => [reactWith(fan, '❤️'), ...(n % 2 === 0 ? [reactWith(fan, '😂')] : [])]),
    );
    expect(answers.every(({ ok }) => ok)).toBe(true);
    const messages = (
      await Promise.all(
        [0, 1].map((page) => star.request('history', { conversationId, after: page * 100, limit: 100 })),
      )
    ).flatMap((answer) => answer['messages'] as Message[]);
    const shown = messages.find((message) => message.seq === seq)!.reactions as Reaction[];
    expect(shown.map(({ emoji, count, mine }) => ({ emoji, count, mine }))).toEqual([
      { emoji: '❤️', count: 24, mine: true },
      { emoji: '😂', count: 12, mine: true },
    ]);
    expect(shown[0]!.users).toEqual(users.slice(0, 20));
    // One number for each, and none is lost.
    expect(messages.filter((message) => message.body?.['op'] === 'reaction')).toHaveLength(36);
    expect(messages.some((slot) => 'void' in slot)).toBe(false);
  }, 60_000);

  test('goes with a recall, and comes to a recalled message no more', async () => {
    const { alice, bob, conversationId, seq, react } = await newPair();
    await react(bob, '👍');
    await react(alice, '😮');
    expect(await alice.request('recall', { conversationId, seq })).toMatchObject({ ok: true });
    const [recalled] = await messagesOf(bob, conversationId);
    expect(recalled).toMatchObject({ recalled: true, body: {} });
    expect(Object.keys(recalled!)).not.toContain('reactions');
    expect(errorOf(await react(bob, '👍')).code).toBe('not_found');
  });

  test('stays with an edit', async () => {
    const { alice, bob, conversationId, seq, react } = await newPair();
    await react(bob, '👍');
    await alice.request('edit', {
      conversationId,
      seq,
      clientMsgId: randomUUID(),
      body: { text: 'look here!' },
    });
    const [edited] = await messagesOf(bob, conversationId);
    expect(edited).toMatchObject({ body: { text: 'look here!' }, reactions: [{ emoji: '👍', count: 1 }] });
  });
});

describe('P5.12a: is refused', () => {
  test('beyond twenty emoji; what is there may be joined, and makes room when it goes', async () => {
    const { alice, bob, react } = await newPair();
    const slowly = (...args: Parameters<typeof react>) => patiently(() => react(...args));
    for (let n = 0; n < 20; n++) expect(await slowly(bob, `e${n}`)).toMatchObject({ ok: true });
    expect(errorOf(await slowly(alice, 'one more'))).toMatchObject({ code: 'too_large' });
    expect(await slowly(alice, 'e7')).toMatchObject({ ok: true });
    expect(await slowly(bob, 'e3', { remove: true })).toMatchObject({ ok: true });
    expect((await slowly(alice, 'one more'))['reactions']).toHaveLength(20);
  }, 60_000);

  test.each([
    ['an emoji that is none', { emoji: '' }, 'emoji'],
    ['a long one', { emoji: 'x'.repeat(33) }, 'emoji'],
    ['half of one', { emoji: '\ud83d' }, 'emoji'],
    ['no number', { emoji: '👍', seq: 0 }, 'seq'],
  ])('with %s', async (_, fields, field) => {
    const { alice, conversationId, seq } = await newPair();
    const error = errorOf(await alice.request('react', { conversationId, seq, ...fields }));
    expect(error).toMatchObject({ code: 'bad_request' });
    expect(error.message).toContain(field);
  });

  test('to what is no message, by strangers, and by who was removed', async () => {
    const { alice, bob, conversationId, react, n } = await newPair();
    await react(bob, '👍');
    const to = (client: TestClient, id: string, seq: number) =>
      client.request('react', { conversationId: id, seq, emoji: '👍' });
    expect(errorOf(await to(bob, conversationId, 2)).code).toBe('not_found');
    expect(errorOf(await to(bob, conversationId, 99)).code).toBe('not_found');
    const eve = await connect(cloud, `eve-${n}`);
    expect(errorOf(await to(eve, conversationId, 1)).code).toBe('not_member');
    expect(errorOf(await to(eve, 'g:nowhere', 1)).code).toBe('not_member');

    const { conversationId: groupId } = (await alice.request('createGroup', {
      clientGroupId: randomUUID(),
      title: 'Three',
      members: [`bob-${n}`],
    })) as { conversationId: string };
    const { seq } = (await alice.send(groupId, 'before')) as { seq: number };
    await alice.request('addMembers', { conversationId: groupId, users: [`eve-${n}`] });
    expect(errorOf(await to(eve, groupId, seq)).code).toBe('not_found');
    await alice.request('muteMember', { conversationId: groupId, userId: `bob-${n}`, seconds: 60 });
    expect(errorOf(await to(bob, groupId, seq)).code).toBe('muted');
    await alice.request('removeMembers', { conversationId: groupId, users: [`bob-${n}`] });
    expect(errorOf(await to(bob, groupId, seq)).code).toBe('not_member');
  });
});

test('B7a: costs three write units, and a mailbox update for each member', async () => {
  const { bob, react } = await newPair();
  await cloud.settled();
  cloud.resetMetrics();
  expect(await react(bob, '👍')).toMatchObject({ ok: true });
  await cloud.settled();
  const { byFunction, writeUnits } = cloud.metrics().dynamodb;
  expect(byFunction['changes']!.writeUnits).toBe(3);
  expect(writeUnits).toBeLessThanOrEqual(3 + 1.15 * 2);
});
