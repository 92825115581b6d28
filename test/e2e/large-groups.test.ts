// Groups that are too large to write to each member: who looks gets every message, who does not hears of it, and nothing is
// lost or doubled when a group becomes one.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { connect, type Frame, type TestClient } from '../support/client.ts';
import { startCloud } from '../support/cloud.ts';

let cloud: Cloud;
beforeAll(async () => {
  // Parts so small that every group of these has several.
  cloud = await startCloud({
    environment: { IM_SETTINGS: '{"writeFanoutLimit":3,"recipientsPerInvocation":2,"headsIntervalMs":1000}' },
  });
});
afterAll(() => cloud.close());

let scenes = 0;
interface Scene {
  readonly group: string;
  readonly userIds: readonly string[];
  readonly clients: readonly TestClient[];
}

/** The first of the users makes a group of the first `members` of them. */
async function newScene(users: number, members: number): Promise<Scene> {
  const n = ++scenes;
  const userIds = Array.from({ length: users }, (_, index) => `u${index}-${n}`);
  const clients = await Promise.all(userIds.map((userId) => connect(cloud, userId)));
  const created = await clients[0]!.request('createGroup', {
    clientGroupId: `group-${randomUUID().slice(0, 20)}`,
    title: 'Everybody',
    members: userIds.slice(1, members),
  });
  expect(created).toMatchObject({ ok: true, skipped: [] });
  await cloud.settled({ delayed: true });
  return { group: created['conversationId'] as string, userIds, clients };
}

const textOf = (slot: unknown) => {
  const { body } = slot as { body?: { op?: string; text?: string } };
  return body?.op ?? body?.text ?? 'void';
};

/** What a mailbox holds of a group, in short. */
async function heard(client: TestClient, group: string): Promise<string[]> {
  const events = (await client.request('sync', { after: 0, limit: 200 }))['events'] as Record<
    string,
    unknown
  >[];
  return events.flatMap((event) => {
    if (event['kind'] === 'conversation')
      return event['conversationId'] === group ? [String(event['change'])] : [];
    const message = event['message'] as { conversationId: string };
    return message.conversationId === group ? [textOf(message)] : [];
  });
}

const groupPushes = (client: TestClient) => client.pushes.filter(({ push }) => push === 'group');
const pushedTexts = (client: TestClient) =>
  groupPushes(client).flatMap((frame) => (frame['messages'] as unknown[]).map(textOf));

describe('P5.24 a large group', () => {
  test('is pushed to who looks, and read by seq; members who are online hear that there is something new', async () => {
    const { group, clients } = await newScene(5, 5);
    const [ann, ben, cem, dan] = clients as [TestClient, TestClient, TestClient, TestClient];
    expect(await ben.request('group', { conversationId: group })).toMatchObject({
      fanout: 'read',
      memberCount: 5,
    });
    expect(await heard(ben, group)).toEqual(['joined', 'group.created', 'group.fanout']);
    for (const client of [ann, ben, dan]) {
      expect(await client.request('subscribe', { conversationIds: [group] })).toMatchObject({
        heads: { [group]: 2 },
      });
    }
    await dan.request('unsubscribe', { conversationIds: [group] });
    expect(await ann.send(group, 'one')).toMatchObject({ ok: true, seq: 3 });
    await ben.until(() => pushedTexts(ben).includes('one'), 'the push');
    expect(groupPushes(ben)[0]).toMatchObject({ push: 'group', conversationId: group, headSeq: 3 });
    await cloud.settled({ delayed: true });
    // Neither who looks nor the sending device; who does not look hears of the head.
    expect(await heard(cem, group)).toEqual(['joined', 'group.created', 'group.fanout', 'heads']);
    expect(await heard(dan, group)).toEqual(['joined', 'group.created', 'group.fanout', 'heads']);
    expect(await heard(ben, group)).toEqual(['joined', 'group.created', 'group.fanout']);
    expect(pushedTexts(ann)).toEqual([]);
    expect(pushedTexts(dan)).toEqual([]);
    const page = await cem.request('history', { conversationId: group, after: 2 });
    expect((page['messages'] as unknown[]).map(textOf)).toEqual(['one']);
    expect(await cem.request('positions', { conversationIds: [group] })).toMatchObject({
      positions: [{ unread: 1 }],
    });
    expect(await cem.request('conversations')).toMatchObject({
      conversations: [{ conversationId: group, unread: 1, last: { body: { text: 'one' } } }],
    });
    expect(await cem.request('receipts', { conversationId: group, seq: 3 })).toMatchObject({
      ok: false,
      error: { code: 'too_large' },
    });
  });

  test('who is removed hears no more, though they looked; who joins is told, and sees what comes', async () => {
    const { group, userIds, clients } = await newScene(6, 5);
    const [ann, ben, , , , fay] = clients as TestClient[];
    await ben!.request('subscribe', { conversationIds: [group] });
    await ann!.send(group, 'for all');
    await ben!.until(() => pushedTexts(ben!).includes('for all'), 'the push');
    await ann!.request('removeMembers', { conversationId: group, users: [userIds[1]] });
    await ann!.request('addMembers', { conversationId: group, users: [userIds[5]] });
    await ann!.send(group, 'for the others');
    await cloud.settled({ delayed: true });
    expect(pushedTexts(ben!)).toEqual(['for all']);
    expect((await heard(ben!, group)).at(-1)).toBe('removed');
    expect(await heard(fay!, group)).toContain('joined');
    const page = await fay!.request('history', { conversationId: group });
    expect((page['messages'] as unknown[]).map(textOf)).toEqual(['group.added', 'for the others']);
    await ann!.request('dismissGroup', { conversationId: group });
    await cloud.settled({ delayed: true });
    for (const client of clients.filter((one) => one !== ben))
      expect(await heard(client, group)).toContain('dismissed');
    expect((await fay!.request('conversations'))['conversations']).toEqual([]);
  });

  test('many messages at once are few frames, dense and in order', async () => {
    const { group, clients } = await newScene(5, 5);
    const [ann, ben] = clients as [TestClient, TestClient];
    await ben.request('subscribe', { conversationIds: [group] });
    const startedAt = performance.now();
    for (let n = 0; n < 40; n++) await ann.send(group, `${n}`);
    await ben.until(() => pushedTexts(ben).length === 40, 'forty messages');
    const elapsedMs = performance.now() - startedAt;
    const seqs = groupPushes(ben).flatMap((frame) =>
      (frame['messages'] as { seq: number }[]).map(({ seq }) => seq),
    );
    expect(seqs).toEqual(Array.from({ length: 40 }, (_, index) => index + 3));
    // However long it took: one for each 200 ms of it, and one at both ends.
    expect(groupPushes(ben).length).toBeLessThanOrEqual(elapsedMs / 200 + 2);
  });

  test('what does not fit a frame is seen to be missing', async () => {
    const { group, clients } = await newScene(5, 5);
    const [ann, ben] = clients as [TestClient, TestClient];
    await ben.request('subscribe', { conversationIds: [group] });
    const text = '\u0001'.repeat(2_600);
    expect(await ann.send(group, text)).toMatchObject({ ok: true });
    await cloud.settled({ delayed: true });
    await Promise.all(Array.from({ length: 6 }, () => ann.send(group, text)));
    await cloud.settled({ delayed: true });
    const frames = groupPushes(ben) as (Frame & { messages: { seq: number }[]; headSeq: number })[];
    expect(frames.every((frame) => Buffer.byteLength(JSON.stringify(frame)) <= 32 * 1024)).toBe(true);
    expect(Math.max(...frames.map(({ headSeq }) => headSeq))).toBe(9);
  });
});

describe('P5.25 crossing the limit', () => {
  test('under traffic and faults, nothing is lost or doubled, whatever order batches come in', async () => {
    const { group, userIds, clients } = await newScene(6, 3);
    const [ann, ben, cem] = clients as [TestClient, TestClient, TestClient];
    for (const client of [ann, ben, cem]) await client.request('subscribe', { conversationIds: [group] });
    cloud.setFaults({
      seed: 11,
      dynamodb: { throttle: 0.03, error: 0.02, lostResponse: 0.02 },
      stream: { duplicate: 0.2, reorder: true, delayMs: [0, 200] },
    });
    const write = async (client: TestClient, name: string) => {
      for (let n = 0; n < 15; n++) {
        const frame = {
          to: group,
          clientMsgId: `${name}-message-${n}`,
          type: 'text',
          body: { text: `${name}${n}` },
        };
        for (let tries = 0; tries < 20; tries++) if ((await client.request('send', frame))['ok']) break;
      }
    };
    const grow = async () => {
      for (const userId of userIds.slice(3)) {
        for (let tries = 0; tries < 20; tries++) {
          const answer = await ann.request('addMembers', { conversationId: group, users: [userId] });
          if (answer['ok']) break;
        }
      }
    };
    await Promise.all([write(ann, 'ann'), write(ben, 'ben'), write(cem, 'cem'), grow()]);
    cloud.setFaults({});
    await cloud.settled({ delayed: true });
    const page = await cem.request('history', { conversationId: group, limit: 100 });
    const slots = page['messages'] as { seq: number; void?: true; type?: string; body?: { from?: number } }[];
    expect(slots.map(({ seq }) => seq)).toEqual(slots.map((_, index) => index + 1));
    const texts = slots.filter(({ type }) => type === 'text').map(textOf);
    expect(texts.toSorted()).toEqual(
      ['ann', 'ben', 'cem'].flatMap((name) => Array.from({ length: 15 }, (_, n) => `${name}${n}`)).toSorted(),
    );
    const cutover = slots.find((slot) => textOf(slot) === 'group.fanout')!.seq;
    // Up to the cut-over all of it stands in the mailboxes of those who were in; above it none does.
    const events = (await cem.request('sync', { after: 0, limit: 200 }))['events'] as {
      message?: { conversationId: string; seq: number };
    }[];
    const inMailbox = events.flatMap(({ message }) =>
      message?.conversationId === group ? [message.seq] : [],
    );
    expect([...new Set(inMailbox)].toSorted((a, b) => a - b)).toEqual(
      slots.filter((slot) => !slot.void && slot.seq <= cutover).map(({ seq }) => seq),
    );
    expect(await ann.request('group', { conversationId: group })).toMatchObject({
      fanout: 'read',
      memberCount: 6,
    });
  }, 90_000);
});
