// Groups over real sockets: how one begins, who is in it and may do what, who hears what, and how it ends.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { connect, type Frame, type TestClient } from '../support/client.ts';
import { startCloud } from '../support/cloud.ts';

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud({ environment: { IM_SETTINGS: '{"groupLimit":6}' } });
});
afterAll(() => cloud.close());

let scenes = 0;
type Name = 'ann' | 'ben' | 'cem' | 'dan';

interface Scene {
  readonly group: string;
  readonly ids: Readonly<Record<Name, string>>;
  readonly ann: TestClient;
  readonly ben: TestClient;
  readonly cem: TestClient;
  /** Exists, and is not in the group. */
  readonly dan: TestClient;
}

/** Ann's group, with Ben and Cem in it. */
async function newScene(fields: Record<string, unknown> = {}): Promise<Scene> {
  const n = ++scenes;
  const ids = { ann: `ann-${n}`, ben: `ben-${n}`, cem: `cem-${n}`, dan: `dan-${n}` };
  const [ann, ben, cem, dan] = await Promise.all(
    [ids.ann, ids.ben, ids.cem, ids.dan].map((id) => connect(cloud, id)),
  );
  const created = await ann!.request('createGroup', {
    clientGroupId: `group-${randomUUID().slice(0, 20)}`,
    title: 'Walks',
    members: [ids.ben, ids.cem],
    ...fields,
  });
  expect(created).toMatchObject({ ok: true, skipped: [] });
  await cloud.settled();
  const group = created['conversationId'] as string;
  return { group, ids, ann: ann!, ben: ben!, cem: cem!, dan: dan! };
}

const refused = (code: string) =>
  expect.objectContaining({ ok: false, error: expect.objectContaining({ code }) });
const seqOf = (frame: Frame) => frame['seq'] as number;

async function events(client: TestClient): Promise<Record<string, unknown>[]> {
  await cloud.settled();
  const answer = await client.request('sync', { after: 0, limit: 200 });
  return answer['events'] as Record<string, unknown>[];
}

/** What a mailbox holds of a group, in short. */
async function heard(client: TestClient, group: string): Promise<string[]> {
  return (await events(client)).flatMap((event) => {
    if (event['kind'] === 'conversation') {
      return event['conversationId'] === group ? [event['change'] as string] : [];
    }
    const message = event['message'] as { conversationId: string; body?: { op?: string; text?: string } };
    if (message.conversationId !== group) return [];
    return [message.body?.op ?? message.body?.text ?? 'void'];
  });
}

const memberIds = async (client: TestClient, group: string) =>
  ((await client.request('members', { conversationId: group }))['members'] as { userId: string }[]).map(
    ({ userId }) => userId,
  );

describe('P5.20 a group begins', () => {
  test('with its maker as owner; its members learn of it, and hear what is written', async () => {
    const { group, ids, ann, ben } = await newScene({
      announcement: 'Sundays',
      avatar: 'https://example.org/a.png',
    });
    expect(await ben.request('group', { conversationId: group })).toMatchObject({
      ok: true,
      title: 'Walks',
      announcement: 'Sundays',
      avatar: 'https://example.org/a.png',
      owner: ids.ann,
      memberCount: 3,
      fanout: 'write',
      policy: { invite: 'members', post: 'members', history: 'joined' },
      mutedAll: false,
      me: { role: 'member', joinedSeq: 1 },
    });
    const sent = await ann.send(group, 'hello all');
    expect(sent).toMatchObject({ ok: true, conversationId: group, seq: 2 });
    await cloud.settled();
    expect(await heard(ben, group)).toEqual(['joined', 'group.created', 'hello all']);
    const pushed = ben.events.map(({ message }) => message).find(({ seq }) => seq === 2);
    expect(pushed).toMatchObject({ conversationId: group, from: ids.ann, body: { text: 'hello all' } });
    // The sending device is not pushed its own copy.
    expect(ann.events.filter(({ message }) => message.seq === 2)).toEqual([]);
  });

  test('once for each clientGroupId, and not with other fields', async () => {
    const scene = await newScene();
    const frame = {
      clientGroupId: 'the-same-group',
      title: 'Twice',
      members: [scene.ids.ben, 'nobody-at-all', scene.ids.ann],
    };
    const answers = await Promise.all(
      Array.from({ length: 4 }, () => scene.ann.request('createGroup', frame)),
    );
    const [group] = new Set(answers.map((answer) => answer['conversationId']));
    for (const answer of answers) {
      expect(answer).toMatchObject({
        ok: true,
        conversationId: group,
        skipped: [{ userId: 'nobody-at-all', reason: 'user_not_found' }],
      });
    }
    expect(await scene.ann.request('createGroup', frame)).toMatchObject({
      duplicate: true,
      conversationId: group,
    });
    expect(await scene.ann.request('createGroup', { ...frame, title: 'Other' })).toEqual(
      refused('idempotency_conflict'),
    );
    expect(await heard(scene.ben, String(group))).toEqual(['joined', 'group.created']);
    // Whoever was removed is not brought back by the same frame.
    await scene.ann.request('removeMembers', { conversationId: group, users: [scene.ids.ben] });
    await scene.ann.request('createGroup', frame);
    expect(await memberIds(scene.ann, String(group))).toEqual([scene.ids.ann]);
  });

  test('stands in the list of each member, with its title, and is unread there', async () => {
    const { group, ids, ann, ben } = await newScene();
    await ann.send(group, 'one');
    await ann.send(group, 'two', { silent: true });
    await cloud.settled();
    const { conversations } = (await ben.request('conversations')) as { conversations: Frame[] };
    expect(conversations[0]).toMatchObject({
      conversationId: group,
      kind: 'group',
      title: 'Walks',
      memberCount: 3,
      unread: 1,
      lastSeq: 3,
      last: { body: { text: 'two' } },
      floorSeq: 1,
    });
    expect(conversations[0]).not.toHaveProperty('peer');
    expect(await ben.request('unread')).toMatchObject({ total: 1 });
    expect(await ben.request('read', { conversationId: group, seq: 3 })).toMatchObject({
      readSeq: 3,
      unread: 0,
    });
    expect(await ann.request('receipts', { conversationId: group, seq: 2 })).toMatchObject({
      readCount: 1,
      unreadCount: 1,
      read: [{ userId: ids.ben, readSeq: 3 }],
      unread: [{ userId: ids.cem, readSeq: 1 }],
    });
  });
});

describe('P5.21 sending to a group', () => {
  test('the same frame ten times at once takes one number', async () => {
    const { group, ann, ben } = await newScene();
    const frame = { to: group, clientMsgId: 'ten-times-over', type: 'text', body: { text: 'once' } };
    const answers = await Promise.all(Array.from({ length: 10 }, () => ann.request('send', frame)));
    expect(new Set(answers.map((answer) => answer['seq']))).toEqual(new Set([2]));
    expect(answers.filter((answer) => answer['duplicate'] !== true).length).toBeLessThanOrEqual(1);
    expect(await ann.send(group, 'next')).toMatchObject({ seq: 3 });
    expect(await heard(ben, group)).toEqual(['joined', 'group.created', 'once', 'next']);
    expect(await ann.request('send', { ...frame, body: { text: 'other' } })).toEqual(
      refused('idempotency_conflict'),
    );
  });

  test('all members at once: dense, in one order, and each reads their own', async () => {
    const { group, ann, ben, cem } = await newScene();
    const clients = [ann, ben, cem];
    await Promise.all(
      clients.flatMap((client, who) =>
        Array.from({ length: 8 }, (_, n) => client.send(group, `${who}-${n}`)),
      ),
    );
    await cloud.settled();
    const histories = await Promise.all(
      clients.map(
        async (client) =>
          (await client.request('history', { conversationId: group, limit: 100 }))['messages'],
      ),
    );
    const seqs = (histories[0] as { seq: number }[]).map(({ seq }) => seq);
    expect(seqs).toEqual(Array.from({ length: 25 }, (_, index) => index + 1));
    expect(histories[1]).toEqual(histories[0]);
    expect(histories[2]).toEqual(histories[0]);
    for (const client of clients) {
      expect((await heard(client, group)).filter((text) => text.includes('-')).toSorted()).toHaveLength(24);
    }
    const positions = await ann.request('positions', { conversationIds: [group] });
    expect(positions['positions']).toMatchObject([{ conversationId: group, lastSeq: 25 }]);
  });

  test('by a stranger is not_member, whether the group exists or not', async () => {
    const { group, dan } = await newScene();
    for (const conversationId of [group, 'g:there-is-none']) {
      const asked = await Promise.all([
        dan.send(conversationId, 'hello?'),
        dan.send(conversationId, 'hello?', { ephemeral: true }),
        dan.request('history', { conversationId }),
        dan.request('group', { conversationId }),
        dan.request('members', { conversationId }),
        dan.request('read', { conversationId, seq: 1 }),
        dan.request('receipts', { conversationId, seq: 1 }),
        dan.request('addMembers', { conversationId, users: ['x'] }),
        dan.request('removeMembers', { conversationId, users: ['x'] }),
        dan.request('leaveGroup', { conversationId }),
        dan.request('dismissGroup', { conversationId }),
        dan.request('updateGroup', { conversationId, title: 'Mine' }),
        dan.request('setRole', { conversationId, userId: 'x', role: 'owner' }),
        dan.request('muteMember', { conversationId, userId: 'x', seconds: 9 }),
        dan.request('settings', { conversationId, pinned: true }),
        dan.request('recall', { conversationId, seq: 1 }),
      ]);
      for (const answer of asked) {
        expect(answer).toEqual(refused('not_member'));
        expect((answer['error'] as { message: string }).message.replace(conversationId, 'G')).toMatch(
          /not in G$/,
        );
      }
      expect(await dan.request('subscribe', { conversationIds: [conversationId] })).toMatchObject({
        heads: {},
      });
    }
  });

  test('an ephemeral message reaches who is online, and is stored nowhere', async () => {
    const { group, ann, ben } = await newScene();
    expect(await ann.send(group, 'psst', { ephemeral: true })).toMatchObject({ ok: true });
    await ben.until(() => ben.pushes.some(({ push }) => push === 'ephemeral'), 'the ephemeral message');
    expect(await heard(ben, group)).toEqual(['joined', 'group.created']);
  });
});

describe('P5.22 who is in', () => {
  test('a newcomer sees what comes after them; who went gets nothing that was sent after', async () => {
    const { group, ids, ann, ben, dan } = await newScene();
    await ann.send(group, 'before dan');
    expect(
      await ben.request('addMembers', { conversationId: group, users: [ids.dan, ids.cem, 'nobody'] }),
    ).toMatchObject({
      added: [ids.dan],
      skipped: [
        { userId: ids.cem, reason: 'member' },
        { userId: 'nobody', reason: 'user_not_found' },
      ],
    });
    await ann.send(group, 'with dan');
    await cloud.settled();
    expect(await heard(dan, group)).toEqual(['joined', 'group.added', 'with dan']);
    const page = await dan.request('history', { conversationId: group });
    expect(page).toMatchObject({ floorSeq: 3, headSeq: 4, end: true });
    expect(await dan.request('positions', { conversationIds: [group] })).toMatchObject({
      positions: [{ unread: 1, readSeq: 3 }],
    });

    expect(await ben.request('removeMembers', { conversationId: group, users: [ids.dan] })).toEqual(
      refused('forbidden'),
    );
    expect(
      await ann.request('removeMembers', { conversationId: group, users: [ids.dan, ids.ann, 'nobody'] }),
    ).toMatchObject({
      removed: [ids.dan],
      skipped: [
        { userId: ids.ann, reason: 'forbidden' },
        { userId: 'nobody', reason: 'not_member' },
      ],
    });
    await ann.send(group, 'without dan');
    await cloud.settled();
    expect(await heard(dan, group)).toEqual(['joined', 'group.added', 'with dan', 'removed']);
    expect(await dan.request('history', { conversationId: group })).toEqual(refused('not_member'));
    expect(await dan.send(group, 'let me in')).toEqual(refused('not_member'));
    expect((await dan.request('conversations'))['conversations']).toEqual([]);

    // Joining anew gives no access to what was before, unless the group says so.
    await ann.request('addMembers', { conversationId: group, users: [ids.dan] });
    await ann.send(group, 'dan again');
    await cloud.settled();
    const again = await dan.request('history', { conversationId: group });
    expect((again['messages'] as { body: unknown }[]).map(({ body }) => body)).toMatchObject([
      { op: 'group.added', users: [ids.dan] },
      { text: 'dan again' },
    ]);
    await ann.request('updateGroup', { conversationId: group, policy: { history: 'all' } });
    expect(await dan.request('history', { conversationId: group })).toMatchObject({ floorSeq: 1 });
  });

  test.each([
    ['joined', [undefined, undefined]],
    ['all', ['later', undefined]],
  ])(
    'who went is not told what became of a message since; who is back, by the policy: %s',
    async (history, back) => {
      const { group, ids, ann, ben, cem } = await newScene({ policy: { history } });
      const [first, second, third] = [
        seqOf(await ann.send(group, 'one')),
        seqOf(await ann.send(group, 'two')),
        seqOf(await ann.send(group, 'three')),
      ];
      const edit = async (seq: number, text: string) => {
        const change = { seq, clientMsgId: randomUUID(), body: { text } };
        expect(await ann.request('edit', { conversationId: group, ...change })).toMatchObject({ ok: true });
      };
      const react = (seq: number) => cem.request('react', { conversationId: group, seq, emoji: '👍' });
      /** By seq: the text, and the reactions. */
      const shown = async () => {
        const messages = (await events(ben)).flatMap(({ message }) => (message ? [message as Frame] : []));
        return [first, second, third].map((seq) => {
          const { body, reactions } = messages.find((message) => message['seq'] === seq)!;
          return [(body as { text: string } | undefined)?.text, (reactions as unknown[] | undefined)?.length];
        });
      };
      await edit(first, 'in time');
      await react(second);
      expect(await shown()).toEqual([
        ['in time', undefined],
        ['two', 1],
        ['three', undefined],
      ]);

      await ann.request('removeMembers', { conversationId: group, users: [ids.ben] });
      expect(await shown()).toEqual([
        ['in time', undefined],
        ['two', 1],
        ['three', undefined],
      ]);
      await react(first);
      await edit(third, 'later');
      expect(await shown()).toEqual([
        ['in time', undefined],
        ['two', 1],
        [undefined, undefined],
      ]);
      expect(await ann.request('recall', { conversationId: group, seq: second })).toMatchObject({ ok: true });
      expect((await shown())[1]).toEqual([undefined, undefined]);

      await ann.request('addMembers', { conversationId: group, users: [ids.ben] });
      expect((await shown())[2]).toEqual(back);
      // What was never changed, and what came since, is as it was.
      const fourth = seqOf(await ann.send(group, 'four'));
      await edit(fourth, 'welcome back');
      expect(JSON.stringify(await events(ben))).toContain('welcome back');
    },
  );

  test('the same frame again changes nothing, and answers the same', async () => {
    const { group, ids, ann } = await newScene();
    const answerTo = async (text: string) => {
      const answers = () => ann.frames.filter(({ id }) => id === 'again');
      const seen = answers().length;
      ann.socket.send(text);
      await ann.until(() => answers().length > seen, 'an answer');
      return answers()[seen]!;
    };
    const repeat = async (frame: Record<string, unknown>) => {
      const text = JSON.stringify({ id: 'again', conversationId: group, ...frame });
      const first = await answerTo(text);
      await cloud.settled();
      const head = (await ann.request('positions', { conversationIds: [group] }))['positions'];
      expect(await answerTo(text)).toEqual(first);
      expect((await ann.request('positions', { conversationIds: [group] }))['positions']).toEqual(head);
      return first;
    };
    expect(await repeat({ action: 'addMembers', users: [ids.dan] })).toMatchObject({ added: [ids.dan] });
    expect(await repeat({ action: 'muteMember', userId: ids.dan, seconds: 60 })).toMatchObject({ ok: true });
    expect(await repeat({ action: 'removeMembers', users: [ids.dan] })).toMatchObject({ removed: [ids.dan] });
    expect(await repeat({ action: 'updateGroup', title: 'Hikes' })).toMatchObject({ title: 'Hikes' });
    expect(await repeat({ action: 'setRole', userId: ids.ben, role: 'owner' })).toMatchObject({ ok: true });
    expect(await repeat({ action: 'leaveGroup' })).toMatchObject({ ok: true });
  });

  test('leaving and being removed at once, joining twice, two admins: one consistent state', async () => {
    const { group, ids, ann, ben, cem } = await newScene();
    await ann.request('setRole', { conversationId: group, userId: ids.ben, role: 'admin' });
    await Promise.all([
      cem.request('leaveGroup', { conversationId: group }),
      ann.request('removeMembers', { conversationId: group, users: [ids.cem] }),
      ben.request('removeMembers', { conversationId: group, users: [ids.cem] }),
      ann.request('addMembers', { conversationId: group, users: [ids.dan] }),
      ben.request('addMembers', { conversationId: group, users: [ids.dan] }),
      cem.send(group, 'am I still here?'),
      ann.send(group, 'what is going on?'),
    ]);
    const { memberCount } = await ann.request('group', { conversationId: group });
    const present = await memberIds(ann, group);
    expect(present).toEqual([ids.ann, ids.ben, ids.dan]);
    expect(memberCount).toBe(present.length);
    const page = await ann.request('history', { conversationId: group, limit: 100 });
    const messages = page['messages'] as { seq: number }[];
    expect(messages.map(({ seq }) => seq)).toEqual(messages.map((_, index) => index + 1));
  });

  test('a group that is full', async () => {
    const { group, ids, ann } = await newScene();
    const others = ['e', 'f', 'g', 'h'].map((name) => `${name}-${scenes}`);
    await Promise.all(others.map((userId) => connect(cloud, userId)));
    expect(
      await ann.request('addMembers', { conversationId: group, users: [ids.dan, ...others] }),
    ).toMatchObject({
      added: [ids.dan, others[0], others[1]],
      skipped: [
        { userId: others[2], reason: 'full' },
        { userId: others[3], reason: 'full' },
      ],
    });
    expect(await ann.request('addMembers', { conversationId: group, users: [others[3]] })).toEqual(
      refused('group_full'),
    );
    expect(await ann.request('group', { conversationId: group })).toMatchObject({ memberCount: 6 });
  });
});

describe('P5.23 who may do what', () => {
  test('roles, and the hand-over: there is one owner', async () => {
    const { group, ids, ann, ben, cem } = await newScene();
    expect(await ben.request('setRole', { conversationId: group, userId: ids.ben, role: 'owner' })).toEqual(
      refused('forbidden'),
    );
    expect(await ann.request('leaveGroup', { conversationId: group })).toEqual(refused('forbidden'));
    expect(
      await ann.request('setRole', { conversationId: group, userId: ids.ben, role: 'owner' }),
    ).toMatchObject({ ok: true });
    const members = (await cem.request('members', { conversationId: group }))['members'] as {
      userId: string;
      role: string;
    }[];
    expect(Object.fromEntries(members.map(({ userId, role }) => [userId, role]))).toEqual({
      [ids.ann]: 'admin',
      [ids.ben]: 'owner',
      [ids.cem]: 'member',
    });
    expect(await cem.request('group', { conversationId: group })).toMatchObject({ owner: ids.ben });
    expect(await ann.request('dismissGroup', { conversationId: group })).toEqual(refused('forbidden'));
    expect(await ann.request('removeMembers', { conversationId: group, users: [ids.ben] })).toMatchObject({
      removed: [],
      skipped: [{ userId: ids.ben, reason: 'forbidden' }],
    });
    expect(await ann.request('leaveGroup', { conversationId: group })).toMatchObject({ ok: true });
    expect(await heard(ann, group)).toContain('left');
    expect(await memberIds(cem, group)).toEqual([ids.ben, ids.cem]);
  });

  test('muted members, a muted group, and groups where admins alone write', async () => {
    const { group, ids, ann, ben, cem } = await newScene();
    const muted = await ann.request('muteMember', { conversationId: group, userId: ids.ben, seconds: 600 });
    expect(muted['mutedUntil']).toBeGreaterThan(Date.now());
    expect(await ben.send(group, 'but')).toEqual(refused('muted'));
    expect(await cem.request('muteMember', { conversationId: group, userId: ids.ben, seconds: 0 })).toEqual(
      refused('forbidden'),
    );
    expect(
      await ann.request('muteMember', { conversationId: group, userId: ids.ben, seconds: 0 }),
    ).toMatchObject({ mutedUntil: 0 });
    expect(await ben.send(group, 'thanks')).toMatchObject({ ok: true });
    await ann.request('updateGroup', { conversationId: group, mutedAll: true });
    expect(await ben.send(group, 'and now?')).toEqual(refused('muted'));
    expect(await ann.send(group, 'I may')).toMatchObject({ ok: true });
    await ann.request('updateGroup', {
      conversationId: group,
      mutedAll: false,
      policy: { post: 'admins', invite: 'admins' },
    });
    expect(await ben.send(group, 'still not?')).toEqual(refused('muted'));
    expect(await ben.request('addMembers', { conversationId: group, users: [ids.dan] })).toEqual(
      refused('forbidden'),
    );
    await ann.request('setRole', { conversationId: group, userId: ids.ben, role: 'admin' });
    expect(await ben.send(group, 'at last')).toMatchObject({ ok: true });
    // Dense: what was refused took no number that stays empty.
    const head = seqOf(await ann.send(group, 'end'));
    const page = await ann.request('history', { conversationId: group, limit: 100 });
    const slots = page['messages'] as { void?: true }[];
    expect(slots).toHaveLength(head);
    expect(slots.filter((slot) => slot.void)).toEqual([]);
  });

  test('an owner takes back what others wrote; a member does not', async () => {
    const { group, ann, ben, cem } = await newScene();
    const sent = await ben.send(group, 'nonsense');
    expect(await cem.request('recall', { conversationId: group, seq: sent['seq'] })).toEqual(
      refused('forbidden'),
    );
    expect(await ann.request('recall', { conversationId: group, seq: sent['seq'] })).toMatchObject({
      ok: true,
    });
    const page = await cem.request('history', { conversationId: group });
    expect((page['messages'] as unknown[])[1]).toMatchObject({ recalled: true, body: {} });
    expect(await cem.request('positions', { conversationIds: [group] })).toMatchObject({
      positions: [{ unread: 0 }],
    });
  });

  test('a dismissed group is gone for everybody, who are told', async () => {
    const { group, ann, ben } = await newScene();
    await ben.send(group, 'something');
    expect(await ben.request('dismissGroup', { conversationId: group })).toEqual(refused('forbidden'));
    expect(await ann.request('dismissGroup', { conversationId: group })).toMatchObject({ ok: true });
    expect(await ann.request('dismissGroup', { conversationId: group })).toMatchObject({ ok: true });
    expect(await ben.send(group, 'hello?')).toEqual(refused('not_member'));
    expect(await ben.request('history', { conversationId: group })).toEqual(refused('not_member'));
    await cloud.settled();
    expect((await heard(ben, group)).slice(-2)).toEqual(['group.dismissed', 'dismissed']);
    expect((await ben.request('conversations'))['conversations']).toEqual([]);
  });
});
