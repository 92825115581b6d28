// People, over real sockets: how they present themselves, and what they want of the service.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import type { Profile } from '../../src/protocol/server-frames.ts';
import { connect, type Frame, type TestClient } from '../support/client.ts';
import { startCloud } from '../support/cloud.ts';

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(() => cloud.close());

const errorOf = (answer: Frame) => answer['error'] as { code: string; message: string };
/** What is answered beside the id. */
async function ask(client: TestClient, action: string, fields: Record<string, unknown> = {}) {
  const { id: _, ok, ...answer } = await client.request(action, fields);
  expect(ok, JSON.stringify(answer)).toBe(true);
  return answer;
}

describe('P5.30: a profile', () => {
  const profilesOf = async (client: TestClient, users: readonly string[]) =>
    (await ask(client, 'profiles', { users }))['users'] as Profile[];

  test('is what its user said last, for everybody; a version is a change', async () => {
    const [ann, ben] = [await connect(cloud, 'ann'), await connect(cloud, 'ben')];
    const untold = { userId: 'ann', name: 'ann', avatar: '', custom: {}, version: 0 };
    expect(await ask(ann, 'profile')).toEqual(untold);
    const custom = JSON.parse('{"team":"red","__proto__":{"deep":[1]}}') as object;
    const told = { ...untold, name: 'Ann 👩‍🚀', avatar: 'media:ann/1', custom, version: 1 };
    const { name, avatar } = told;
    expect(await ask(ann, 'profile', { name, avatar, custom })).toEqual(told);
    expect(await ask(ann, 'profile', { avatar: '' })).toEqual({ ...told, avatar: '', version: 2 });
    const nobody = { ...untold, userId: 'nobody', name: 'nobody' };
    expect(await profilesOf(ben, ['nobody', 'ann', 'nobody'])).toEqual([
      nobody,
      { ...told, avatar: '', version: 2 },
    ]);
  });

  test('that is so already is not written, and many are one request', async () => {
    const cat = await connect(cloud, 'cat');
    const said = { name: 'Cat', custom: { mood: 'curious' } };
    await ask(cat, 'profile', said);
    await cloud.settled();
    cloud.resetMetrics();
    expect(await ask(cat, 'profile', said)).toMatchObject({ version: 1 });
    const users = Array.from({ length: 100 }, (_, index) => `cat-${index}`);
    expect(await profilesOf(cat, users)).toHaveLength(100);
    expect(cloud.metrics().dynamodb).toMatchObject({ writeUnits: 0, requests: 2 });
  });

  test('changed by many devices at once has as many versions', async () => {
    const devices = await Promise.all(
      ['ios', 'android', 'web'].map((platform) => connect(cloud, 'dan', { deviceId: platform, platform })),
    );
    const answers = await Promise.all(
      devices.map((device, index) => ask(device, 'profile', { name: `Dan ${index}` })),
    );
    expect(new Set(answers.map(({ version }) => version))).toEqual(new Set([1, 2, 3]));
  });

  test('of many users with much to say is answered as far as it fits', async () => {
    const users = Array.from({ length: 80 }, (_, index) => `eve-${index}`);
    const fields = {
      name: '🙂'.repeat(64),
      avatar: `media:${'x'.repeat(500)}`,
      custom: { text: 'x'.repeat(1_000) },
    };
    for (const userId of users) {
      const client = await connect(cloud, userId);
      await ask(client, 'profile', fields);
      await client.close();
    }
    const eve = await connect(cloud, 'eve');
    const first = await profilesOf(eve, users);
    expect(first.length).toBeGreaterThan(50);
    const rest = users.slice(first.length);
    expect(rest).not.toEqual([]);
    const told = [...first, ...(await profilesOf(eve, rest))];
    expect(told.map(({ userId }) => userId)).toEqual(users);
  });

  test('of wrong input names the field', async () => {
    const fay = await connect(cloud, 'fay');
    const messageOf = async (fields: object) => errorOf(await fay.request('profile', { ...fields })).message;
    expect(await messageOf({ name: '' })).toBe('name: must have 1 to 64 characters');
    expect(await messageOf({ name: 'ä'.repeat(65) })).toContain('name:');
    expect(await messageOf({ avatar: 'http://example.com/a.png' })).toContain('avatar:');
    expect(await messageOf({ custom: [] })).toBe('custom: must be an object');
    expect(await messageOf({ custom: { text: 'ä'.repeat(600) } })).toContain(
      'custom: must have at most 1024',
    );
    const { code } = errorOf(await fay.request('profiles', { users: Array<string>(101).fill('ann') }));
    expect(code).toBe('bad_request');
    expect(await ask(fay, 'profile')).toMatchObject({ version: 0 });
  });
});

describe('P5.31: preferences', () => {
  const defaults = { presence: true, receipts: true, previews: true };
  const conversationsOf = async (client: TestClient) =>
    (await ask(client, 'conversations'))['conversations'] as Record<string, unknown>[];
  const positionIn = async (client: TestClient, conversationId: string) => {
    const { positions } = await ask(client, 'positions', { conversationIds: [conversationId] });
    return (positions as Record<string, unknown>[])[0]!;
  };
  const readsPushed = ({ pushes }: TestClient) => pushes.filter(({ push }) => push === 'read');

  test('are all true at first, kept, and answered as they are', async () => {
    const phone = await connect(cloud, 'gus');
    const pad = await connect(cloud, 'gus', { deviceId: 'pad', platform: 'web' });
    expect(await ask(phone, 'preferences')).toEqual(defaults);
    const quiet = { ...defaults, presence: false, previews: false };
    expect(await ask(phone, 'preferences', { presence: false, previews: false })).toEqual(quiet);
    expect(await ask(pad, 'preferences', { previews: true, receipts: true })).toEqual({
      ...quiet,
      previews: true,
    });
    await cloud.settled();
    cloud.resetMetrics();
    expect(await ask(phone, 'preferences', { presence: false })).toMatchObject({ presence: false });
    expect(cloud.metrics().dynamodb.writeUnits).toBe(0);
    expect(errorOf(await phone.request('preferences', { presence: 'no' })).message).toContain('presence:');
  });

  test('without receipts, neither of the two is told how far the other has read', async () => {
    const [hal, ida] = [await connect(cloud, 'hal'), await connect(cloud, 'ida')];
    const pad = await connect(cloud, 'hal', { deviceId: 'pad', platform: 'web' });
    const conversationId = 'd:hal:ida';
    for (const text of ['1', '2', '3']) await ida.send('user:hal', text);
    await hal.request('read', { conversationId, seq: 1 });
    await ida.until(() => readsPushed(ida).length === 1, 'the read push');
    expect(await positionIn(ida, conversationId)).toMatchObject({ peerReadSeq: 1 });

    await ask(hal, 'preferences', { receipts: false });
    await hal.request('read', { conversationId, seq: 2 });
    await pad.until(() => readsPushed(pad).length === 2, 'the read pushes of one’s own');
    for (const client of [hal, ida]) {
      expect(await positionIn(client, conversationId)).not.toHaveProperty('peerReadSeq');
      expect((await conversationsOf(client))[0]).not.toHaveProperty('peerReadSeq');
    }
    const receipts = () => ask(ida, 'receipts', { conversationId, seq: 1 });
    expect(await receipts()).toMatchObject({ readCount: 0, unread: [{ userId: 'hal', readSeq: 0 }] });
    await hal.send('user:ida', '4');
    await ida.request('read', { conversationId, seq: 4 });
    expect(await ask(hal, 'receipts', { conversationId, seq: 4 })).toMatchObject({ readCount: 0 });

    await ask(hal, 'preferences', { receipts: true });
    expect(await positionIn(ida, conversationId)).toMatchObject({ peerReadSeq: 4 });
    await ida.send('user:hal', '5');
    await hal.request('read', { conversationId, seq: 5 });
    await ida.until(() => readsPushed(ida).length === 2, 'the next read push');
    expect(readsPushed(ida).map(({ readSeq }) => readSeq)).toEqual([1, 5]);
    expect(readsPushed(hal)).toEqual([]);
  });

  test('hold in conversations and groups that begin later', async () => {
    const [jay, kim, lea] = await Promise.all(['jay', 'kim', 'lea'].map((user) => connect(cloud, user)));
    await ask(kim!, 'preferences', { receipts: false });
    await jay!.send('user:kim', '1');
    await kim!.request('read', { conversationId: 'd:jay:kim', seq: 1 });
    expect(await positionIn(jay!, 'd:jay:kim')).not.toHaveProperty('peerReadSeq');

    const make = async (maker: TestClient, clientGroupId: string, members: string[]) =>
      (await ask(maker, 'createGroup', { clientGroupId, title: 'All', members }))['conversationId'];
    const readBy = async (asker: TestClient, conversationId: unknown, seq: unknown) =>
      ((await ask(asker, 'receipts', { conversationId, seq }))['read'] as { userId: string }[]).map(
        ({ userId }) => userId,
      );
    const toJay = await make(jay!, 'made-by-jay', ['kim', 'lea']);
    const { seq } = await jay!.send(toJay as string, 'who reads this?');
    for (const reader of [kim!, lea!]) await reader.request('read', { conversationId: toJay, seq });
    expect(await readBy(jay!, toJay, seq)).toEqual(['lea']);
    const toKim = await make(kim!, 'made-by-kim', ['lea']);
    const { seq: asked } = await kim!.send(toKim as string, 'and this?');
    await lea!.request('read', { conversationId: toKim, seq: asked });
    // Who shows nothing is shown nothing.
    expect(await readBy(kim!, toKim, asked)).toEqual([]);
    await ask(kim!, 'preferences', { receipts: true });
    expect(await readBy(kim!, toKim, asked)).toEqual(['lea']);
    expect(await readBy(jay!, toJay, seq)).toEqual(['kim', 'lea']);
  });

  test('of two devices that differ, one holds everywhere', async () => {
    const phone = await connect(cloud, 'moe');
    const pad = await connect(cloud, 'moe', { deviceId: 'pad', platform: 'web' });
    const ned = await connect(cloud, 'ned');
    await ned.send('user:moe', '1');
    for (let round = 0; round < 4; round++) {
      await Promise.all([
        ask(phone, 'preferences', { receipts: false }),
        ask(pad, 'preferences', { receipts: true }),
      ]);
      const { receipts } = await ask(phone, 'preferences');
      expect('peerReadSeq' in (await positionIn(ned, 'd:moe:ned'))).toBe(receipts);
    }
  });
});
