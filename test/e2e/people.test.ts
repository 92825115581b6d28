// People, over real sockets: how they present themselves, what they want of the service, and whom they keep.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import type { Profile, SyncEvent } from '../../src/protocol/server-frames.ts';
import { connect, type Frame, type SyncPush, type TestClient } from '../support/client.ts';
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

describe('P5.32: contacts', () => {
  const eventsOf = async (client: TestClient) =>
    (await ask(client, 'sync', { after: 0 }))['events'] as SyncEvent[];
  const pushedTo = ({ pushes }: TestClient) =>
    pushes.flatMap((push) => (push as unknown as SyncPush).events ?? []);

  test('are one’s own, told to all of one’s devices, and read as they are by then', async () => {
    const [ola, pia] = [await connect(cloud, 'ola'), await connect(cloud, 'pia')];
    const pad = await connect(cloud, 'ola', { deviceId: 'pad', platform: 'web' });
    const plain = { userId: 'pia', starred: false, since: expect.any(Number) as number };
    expect(await ask(ola, 'contact', { userId: 'pia' })).toEqual(plain);
    const starred = { ...plain, alias: 'Pia (work)', starred: true };
    expect(await ask(pad, 'contact', { userId: 'pia', alias: 'Pia (work)', starred: true })).toEqual(starred);
    expect(await ask(ola, 'contacts')).toEqual({ contacts: [starred] });
    for (const device of [ola, pad]) {
      await device.until(() => pushedTo(device).length === 2, 'two events');
      expect(pushedTo(device)).toEqual([
        { syncSeq: 1, kind: 'contact', userId: 'pia', contact: plain },
        { syncSeq: 2, kind: 'contact', userId: 'pia', contact: starred },
      ]);
    }
    expect((await eventsOf(ola)).map((event) => 'contact' in event && event.contact)).toEqual([
      starred,
      starred,
    ]);
    expect(await ask(ola, 'contact', { userId: 'pia', alias: '' })).toEqual({ ...plain, starred: true });
    expect(await ask(ola, 'contact', { userId: 'pia', remove: true })).toEqual({});
    expect(await ask(ola, 'contacts')).toEqual({ contacts: [] });
    await pad.until(() => pushedTo(pad).length === 4, 'the removal');
    const removed = { syncSeq: 4, kind: 'contact', userId: 'pia' };
    expect(pushedTo(pad).at(-1)).toEqual(removed);
    expect((await eventsOf(ola)).at(-1)).toEqual(removed);
    expect(await ask(ola, 'contact', { userId: 'pia' })).toEqual(plain);
    expect(await eventsOf(ola)).toHaveLength(5);
    expect(await eventsOf(pia)).toEqual([]);
    expect(await ask(pia, 'contacts')).toEqual({ contacts: [] });
    expect(await ask(ola, 'conversations')).toEqual({ conversations: [] });
    expect(await ask(ola, 'pending', { after: 0 })).toMatchObject({ total: 0 });
  });

  test('that are so already are not written, and told to nobody', async () => {
    const [quin] = [await connect(cloud, 'quin'), await connect(cloud, 'ray')];
    await ask(quin, 'contact', { userId: 'ray', alias: 'R' });
    await cloud.settled();
    cloud.resetMetrics();
    await ask(quin, 'contact', { userId: 'ray', alias: 'R', starred: false });
    await ask(quin, 'contact', { userId: 'quin', remove: true });
    expect(cloud.metrics().dynamodb.writeUnits).toBe(0);
    expect(await eventsOf(quin)).toHaveLength(1);
  });

  test('come in pages that skip none, whatever was removed among them', async () => {
    const sam = await connect(cloud, 'sam');
    const users = Array.from({ length: 7 }, (_, index) => `sam-${index}`);
    for (const user of users) await (await connect(cloud, user)).close();
    for (const userId of users) await ask(sam, 'contact', { userId });
    for (const userId of ['sam-2', 'sam-3']) await ask(sam, 'contact', { userId, remove: true });
    const pages: string[][] = [];
    let cursor: unknown;
    do {
      const page = await ask(sam, 'contacts', { limit: 2, ...(cursor !== undefined && { cursor }) });
      pages.push((page['contacts'] as { userId: string }[]).map(({ userId }) => userId));
      cursor = page['next'];
    } while (cursor !== undefined);
    expect(pages).toEqual([['sam-0', 'sam-1'], ['sam-4', 'sam-5'], ['sam-6']]);
  });

  test('of nobody, or with wrong input, say why', async () => {
    const tom = await connect(cloud, 'tom');
    const refused = async (fields: Record<string, unknown>) => errorOf(await tom.request('contact', fields));
    expect((await refused({ userId: 'never-was' })).code).toBe('user_not_found');
    expect((await refused({ userId: 'never-was', remove: true })).code).toBe('user_not_found');
    expect((await refused({ userId: 'tom', alias: 'x'.repeat(65) })).message).toContain('alias:');
    expect((await refused({ userId: 'no one' })).message).toContain('userId:');
    const { message } = errorOf(await tom.request('contacts', { limit: 201 }));
    expect(message).toContain('limit:');
  });
});

describe('P5.33: where only contacts may', () => {
  let closed: Cloud;
  beforeAll(async () => {
    closed = await startCloud({ environment: { IM_SETTINGS: JSON.stringify({ contactsOnly: true }) } });
  });
  afterAll(() => closed.close());

  test('begin conversations and add to groups, others are blocked; what was begun goes on', async () => {
    const [uma, vic] = [await connect(closed, 'uma'), await connect(closed, 'vic')];
    const codeOf = async (from: TestClient, to: string) => errorOf(await from.send(`user:${to}`, 'hi')).code;
    expect(await codeOf(uma, 'vic')).toBe('blocked');
    await ask(uma, 'contact', { userId: 'vic' });
    expect(await codeOf(uma, 'vic')).toBe('blocked');
    const group = { clientGroupId: 'strangers', title: 'All', members: ['vic'] };
    const { conversationId, skipped } = await ask(uma, 'createGroup', group);
    expect(skipped).toEqual([{ userId: 'vic', reason: 'blocked' }]);

    await ask(vic, 'contact', { userId: 'uma' });
    expect((await uma.send('user:vic', 'hi')).ok).toBe(true);
    const added = { added: ['vic'], skipped: [] };
    expect(await ask(uma, 'addMembers', { conversationId, users: ['vic'] })).toEqual(added);
    expect((await uma.send('user:uma', 'a note')).ok).toBe(true);
    await ask(vic, 'contact', { userId: 'uma', remove: true });
    expect((await uma.send('user:vic', 'still here')).ok).toBe(true);
    const again = await ask(uma, 'createGroup', { ...group, clientGroupId: 'strangers-again' });
    expect(again['skipped']).toEqual([{ userId: 'vic', reason: 'blocked' }]);
  });
});

describe('P5.29: that somebody types', () => {
  const typingPushes = ({ pushes }: TestClient) => pushes.filter(({ push }) => push === 'typing');
  /** Whatever was pushed before is here by now. */
  const heard = async (client: TestClient) => {
    await cloud.settled();
    await client.request('ping');
    return typingPushes(client);
  };

  test('is pushed to the other one who is online, and stored nowhere', async () => {
    const [ann, ben] = [await connect(cloud, 'typing-ann'), await connect(cloud, 'typing-ben')];
    const second = await connect(cloud, 'typing-ann', { deviceId: 'pc', platform: 'desktop' });
    await ann.send('user:typing-ben', 'hi');
    await ben.eventsUpTo(1);
    const conversationId = 'd:typing-ann:typing-ben';
    cloud.resetMetrics();
    await ask(ann, 'typing', { conversationId });
    await ask(ann, 'typing', { conversationId, stopped: true });
    const told = { push: 'typing', conversationId, from: 'typing-ann' };
    expect(await heard(ben)).toEqual([told, { ...told, stopped: true }]);
    expect(await heard(second)).toEqual([]);
    expect(cloud.metrics().dynamodb.writeUnits).toBe(0);
  });

  test('is pushed to the members of a group, and to who looks at a large one', async () => {
    const names = ['tom', 'tim', 'tia'].map((name) => `typing-${name}`);
    const [tom, tim, tia] = await Promise.all(names.map((name) => connect(cloud, name)));
    const fields = { clientGroupId: 'typing-group', title: 'All', members: names.slice(1) };
    const { conversationId } = await ask(tom!, 'createGroup', fields);
    await ask(tim!, 'typing', { conversationId });
    const told = { push: 'typing', conversationId, from: 'typing-tim' };
    expect(await heard(tom!)).toEqual([told]);
    expect(await heard(tia!)).toEqual([told]);
    await ask(tom!, 'muteMember', { conversationId, userId: 'typing-tim', seconds: 60 });
    expect(errorOf(await tim!.request('typing', { conversationId }))).toMatchObject({ code: 'muted' });
  });

  test('is not told to strangers, nor where nothing was ever said', async () => {
    const eve = await connect(cloud, 'typing-eve');
    for (const conversationId of ['d:typing-ann:typing-ben', 'g:nowhere', 'd:typing-ben:typing-eve']) {
      expect(errorOf(await eve.request('typing', { conversationId }))).toMatchObject({ code: 'not_member' });
    }
    expect(errorOf(await eve.request('typing', { conversationId: 'nonsense' }))).toMatchObject({
      code: 'bad_request',
      message: expect.stringContaining('conversationId'),
    });
  });
});
