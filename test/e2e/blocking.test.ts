// Blocking, over real sockets: what a blocked user can no more do to the one who blocks, and what they do not learn.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { connect, type Frame, type TestClient } from '../support/client.ts';
import { startCloud } from '../support/cloud.ts';

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(() => cloud.close());

const codeOf = ({ error }: Frame) => (error as { code: string } | undefined)?.code ?? 'ok';
async function ask(client: TestClient, action: string, fields: Record<string, unknown> = {}) {
  const { id: _, ok, ...answer } = await client.request(action, fields);
  expect(ok, JSON.stringify(answer)).toBe(true);
  return answer;
}
const pushesOf = ({ pushes }: TestClient, kind: string) => pushes.filter(({ push }) => push === kind);
/** Whatever was pushed before is here by now. */
const heard = async (client: TestClient, kind: string) => {
  await cloud.settled();
  await client.request('ping');
  return pushesOf(client, kind);
};
const positionIn = async (client: TestClient, conversationId: string) => {
  const { positions } = await ask(client, 'positions', { conversationIds: [conversationId] });
  return (positions as Record<string, unknown>[])[0]!;
};

/** Each side of a conversation is once the one who blocks. */
const sides = [
  ['the first of the two', (name: string) => [`ada-${name}`, `bad-${name}`]],
  ['the second', (name: string) => [`zoe-${name}`, `bob-${name}`]],
] as const;

describe.each(sides)('P5.34: where %s blocks the other', (_, pair) => {
  const meet = async (name: string) => {
    const [blocker, other] = pair(name) as [string, string];
    return {
      ada: await connect(cloud, blocker),
      bad: await connect(cloud, other),
      blocker,
      other,
      conversationId: `d:${[blocker, other].toSorted().join(':')}`,
    };
  };

  test('in a conversation that exists, they can write, edit and type no more, and recall what they wrote', async () => {
    const { ada, bad, blocker, other, conversationId } = await meet('exists');
    const { seq } = await bad.send(`user:${blocker}`, 'rude');
    await ask(ada, 'block', { userId: other });
    expect(codeOf(await bad.send(`user:${blocker}`, 'hello?'))).toBe('blocked');
    expect(codeOf(await bad.send(conversationId, 'psst', { ephemeral: true }))).toBe('blocked');
    expect(codeOf(await bad.request('typing', { conversationId }))).toBe('blocked');
    const change = { conversationId, seq, clientMsgId: 'changed-once', body: { text: 'ruder' } };
    expect(codeOf(await bad.request('edit', change))).toBe('blocked');
    expect(codeOf(await bad.request('recall', { conversationId, seq }))).toBe('ok');
    expect(codeOf(await ada.send(`user:${other}`, 'I can still write'))).toBe('ok');

    await ask(ada, 'unblock', { userId: other });
    expect(codeOf(await bad.send(`user:${blocker}`, 'sorry'))).toBe('ok');
    await ask(bad, 'typing', { conversationId });
  });

  test('in one that begins later, all the same', async () => {
    const { ada, bad, blocker, other, conversationId } = await meet('later');
    await ask(ada, 'block', { userId: other });
    expect(codeOf(await bad.send(`user:${blocker}`, 'let me in'))).toBe('blocked');
    expect(await ask(bad, 'conversations')).toEqual({ conversations: [] });
    // The one who blocks may begin it: it begins with the block in it.
    expect(codeOf(await ada.send(`user:${other}`, 'do not answer'))).toBe('ok');
    expect(codeOf(await bad.send(`user:${blocker}`, 'I will'))).toBe('blocked');
    expect(codeOf(await bad.request('typing', { conversationId }))).toBe('blocked');
    await ask(ada, 'unblock', { userId: other });
    expect(codeOf(await bad.send(`user:${blocker}`, 'now'))).toBe('ok');
  });

  test('the other one learns nothing of what the one who blocks reads and types', async () => {
    const { ada, bad, blocker, other, conversationId } = await meet('secret');
    for (const text of ['1', '2']) await bad.send(`user:${blocker}`, text);
    await ask(ada, 'read', { conversationId, seq: 1 });
    await ask(ada, 'typing', { conversationId });
    await bad.until(() => pushesOf(bad, 'read').length === 1, 'the read push');
    await bad.until(() => pushesOf(bad, 'typing').length === 1, 'the typing push');
    expect(await positionIn(bad, conversationId)).toMatchObject({ peerReadSeq: 1 });

    await ask(ada, 'block', { userId: other });
    await ask(ada, 'read', { conversationId, seq: 2 });
    await ask(ada, 'typing', { conversationId });
    expect(await heard(bad, 'read')).toHaveLength(1);
    expect(await heard(bad, 'typing')).toHaveLength(1);
    expect(await positionIn(bad, conversationId)).not.toHaveProperty('peerReadSeq');
    expect(await ask(bad, 'receipts', { conversationId, seq: 2 })).toMatchObject({ readCount: 0 });
    const { conversations } = await ask(bad, 'conversations');
    expect((conversations as object[])[0]).not.toHaveProperty('peerReadSeq');

    await ask(ada, 'unblock', { userId: other });
    expect(await positionIn(bad, conversationId)).toMatchObject({ peerReadSeq: 2 });
    await ask(ada, 'typing', { conversationId });
    await bad.until(() => pushesOf(bad, 'typing').length === 2, 'typing again');
  });

  test('the other one adds them to no group, and they may add the other', async () => {
    const { ada, bad, blocker, other } = await meet('group');
    await ask(ada, 'block', { userId: other });
    const make = (maker: TestClient, member: string) =>
      ask(maker, 'createGroup', { clientGroupId: `group-with-${member}`, title: 'All', members: [member] });
    const { conversationId, skipped } = await make(bad, blocker);
    expect(skipped).toEqual([{ userId: blocker, reason: 'blocked' }]);
    expect(await ask(bad, 'addMembers', { conversationId, users: [blocker] })).toEqual({
      added: [],
      skipped: [{ userId: blocker, reason: 'blocked' }],
    });
    expect(await make(ada, other)).toMatchObject({ skipped: [] });
    await ask(ada, 'unblock', { userId: other });
    const added = await ask(bad, 'addMembers', { conversationId, users: [blocker] });
    expect(added).toEqual({ added: [blocker], skipped: [] });
  });
});

describe('P5.34: a block', () => {
  test('that is there already, or not there, is not written again', async () => {
    const [cat] = [await connect(cloud, 'cat'), await connect(cloud, 'dog')];
    await ask(cat, 'unblock', { userId: 'dog' });
    await ask(cat, 'block', { userId: 'dog' });
    await cloud.settled();
    cloud.resetMetrics();
    await ask(cat, 'block', { userId: 'dog' });
    expect(cloud.metrics().dynamodb.writeUnits).toBe(0);
    await ask(cat, 'unblock', { userId: 'dog' });
    await cloud.settled();
    cloud.resetMetrics();
    await ask(cat, 'unblock', { userId: 'dog' });
    expect(cloud.metrics().dynamodb.writeUnits).toBe(0);
  });

  test('of nobody, of oneself, or with wrong input, says why', async () => {
    const eve = await connect(cloud, 'eve');
    for (const action of ['block', 'unblock']) {
      expect(codeOf(await eve.request(action, { userId: 'never-was' }))).toBe('user_not_found');
      expect(codeOf(await eve.request(action, { userId: 'eve' }))).toBe('bad_request');
      expect(codeOf(await eve.request(action, { userId: 'no one' }))).toBe('bad_request');
    }
    expect(codeOf(await eve.request('blocked', { limit: 201 }))).toBe('bad_request');
    expect(await ask(eve, 'blocked')).toEqual({ users: [] });
  });

  test('is listed, in pages that skip none, for nobody else', async () => {
    const fay = await connect(cloud, 'fay');
    const users = Array.from({ length: 5 }, (_, index) => `fay-${index}`);
    for (const user of users) await (await connect(cloud, user)).close();
    for (const userId of users) await ask(fay, 'block', { userId });
    await ask(fay, 'unblock', { userId: 'fay-1' });
    const first = await ask(fay, 'blocked', { limit: 2 });
    expect(first).toEqual({ users: ['fay-0', 'fay-2'], next: 'fay-2' });
    const second = await ask(fay, 'blocked', { limit: 2, cursor: first['next'] });
    expect(second).toEqual({ users: ['fay-3', 'fay-4'] });
    expect(await ask(await connect(cloud, 'fay-0'), 'blocked')).toEqual({ users: [] });
  });

  test('by two devices that differ ends in one state, in which all agree', async () => {
    const phone = await connect(cloud, 'gus');
    const pad = await connect(cloud, 'gus', { deviceId: 'pad', platform: 'web' });
    for (let round = 0; round < 4; round++) {
      const other = `gus-${round}`;
      const client = await connect(cloud, other);
      await Promise.all([
        ask(phone, 'block', { userId: other }),
        // While one of them begins the conversation.
        phone.send(`user:${other}`, 'hi'),
        ask(pad, 'unblock', { userId: other }),
        ask(pad, 'block', { userId: other }),
      ]);
      const { users } = await ask(phone, 'blocked');
      const isBlocked = (users as string[]).includes(other);
      expect(codeOf(await client.send('user:gus', 'hi'))).toBe(isBlocked ? 'blocked' : 'ok');
    }
  });

  test('makes no send dearer', async () => {
    const [hal, ida] = [await connect(cloud, 'hal'), await connect(cloud, 'ida')];
    await hal.send('user:ida', 'hello');
    await ida.eventsUpTo(1);
    const costOfSend = async () => {
      await cloud.settled();
      cloud.resetMetrics();
      expect(codeOf(await hal.send('user:ida', 'again'))).toBe('ok');
      const { readUnits, writeUnits } = cloud.metrics().dynamodb.byFunction['send']!;
      return { readUnits, writeUnits };
    };
    expect(await costOfSend()).toEqual({ readUnits: 0, writeUnits: 2 });
    await ask(hal, 'block', { userId: 'ida' });
    expect(await costOfSend()).toEqual({ readUnits: 0, writeUnits: 2 });
    await cloud.settled();
    cloud.resetMetrics();
    expect(codeOf(await ida.send('user:hal', 'hello?'))).toBe('blocked');
    expect(cloud.metrics().dynamodb.readUnits).toBe(0);
  });
});
