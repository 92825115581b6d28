// A user is erased, over real HTTP and sockets: what is left of them is looked for in every table, and in the store of files.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { tableDefinitions, type TableName } from '../../src/core/tables.ts';
import { connect, refusal, type TestClient } from '../support/client.ts';
import { scan, startCloud } from '../support/cloud.ts';
import { sendPicture, uploadFile } from '../support/files.ts';
import { TestBackend } from '../support/service.ts';

let cloud: Cloud;
let backend: TestBackend;
beforeAll(async () => {
  // An invocation does one bit: so an erasure is many of them.
  cloud = await startCloud({ environment: { IM_SETTINGS: '{"workSliceMs":0,"pushFreshMs":0}' } });
  backend = new TestBackend(cloud.service);
});
afterAll(() => cloud?.close());

const SECRET = 'unspeakable';
const erase = (userId: string) => backend.call('DELETE', `/v1/users/${userId}`);

async function untilErased(userId: string): Promise<void> {
  const giveUp = Date.now() + 60_000;
  while ((await backend.call('GET', `/v1/users/${userId}`)).status !== 404) {
    if (Date.now() > giveUp) throw new Error(`${userId} is still there`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Everything that is stored, as text; sets and bytes included. */
async function everything(): Promise<string[]> {
  const names = Object.keys(tableDefinitions) as TableName[];
  const items = (await Promise.all(names.map((name) => scan(cloud, name)))).flat();
  return items.map((item) => JSON.stringify(item));
}

const make = async (owner: TestClient, clientGroupId: string, members: string[]) =>
  (await owner.request('createGroup', { clientGroupId, title: 'Friends', members }))[
    'conversationId'
  ] as string;

describe('P8.21 erasure', () => {
  test('takes everything of a user: what they said, their files, their devices, what they kept and wanted', async () => {
    const phone = { deviceId: 'phone', platform: 'ios' } as const;
    const token = await cloud.issueToken('alice');
    const alice = await connect(cloud, 'alice', { ...phone, token });
    const bob = await connect(cloud, 'bob');
    const carol = await connect(cloud, 'carol');
    const direct = 'd:alice:bob';
    for (let n = 1; n <= 20; n++) await alice.send('user:bob', `${SECRET} ${n}`);
    const edited = await alice.send('user:bob', 'to be edited');
    await alice.request('edit', {
      conversationId: direct,
      seq: edited['seq'],
      clientMsgId: 'an-edit-of-alice',
      body: { text: `${SECRET}, edited` },
    });
    await bob.send('user:alice', 'what bob says stays');
    await bob.request('react', { conversationId: direct, seq: 3, emoji: '👍' });
    await bob.request('read', { conversationId: direct, seq: 10 });
    const file = await uploadFile(alice, direct);
    await sendPicture(alice, direct, file);
    const owned = await make(alice, 'owned-by-alice', ['bob', 'carol']);
    await alice.send(owned, `${SECRET} in a group`);
    const left = await make(carol, 'left-by-alice', ['alice', 'bob']);
    await alice.send(left, `${SECRET} in a group that she left`);
    await alice.request('leaveGroup', { conversationId: left });
    const avatar = await uploadFile(alice);
    await alice.request('profile', { name: `${SECRET} name`, avatar: avatar.media, custom: { a: SECRET } });
    await alice.request('device', { pushToken: `${SECRET} token` });
    await alice.request('settings', { conversationId: direct, pinned: true, draft: `${SECRET} draft` });
    await alice.request('contact', { userId: 'bob', alias: `${SECRET} alias` });
    await alice.request('block', { userId: 'carol' });
    await cloud.settled();
    const { url } = await bob.request('download', { media: file.media });
    const { url: ofAvatar } = await bob.request('download', { media: avatar.media });
    expect((await everything()).some((item) => item.includes(SECRET))).toBe(true);

    const answers = [await erase('alice'), await erase('alice')];
    expect(answers.map(({ status }) => status)).toEqual([202, 202]);
    expect(answers[0]!.body).toEqual({ erasureId: expect.any(String) });
    expect(answers[1]!.body).toEqual(answers[0]!.body);
    await alice.closed;
    expect(alice.pushes).toContainEqual({ push: 'kicked', reason: 'erased' });
    expect(await refusal(cloud, 'alice', { ...phone, token })).toBe(403);
    await untilErased('alice');
    await cloud.settled();

    expect((await everything()).filter((item) => item.includes(SECRET))).toEqual([]);
    const users = await scan(cloud, 'Users');
    expect(users.filter(({ userId }) => userId === 'alice')).toEqual([]);
    expect(users.filter(({ userId }) => String(userId).startsWith('TOKEN#'))).toEqual([]);
    expect((await scan(cloud, 'OfflineQueue')).filter(({ userId }) => userId === 'alice')).toEqual([]);
    for (const address of [url, ofAvatar]) expect((await fetch(address as string)).status).toBe(404);
    expect((await everything()).some((item) => item.includes(file.media.split('/').at(-1)!))).toBe(false);

    // The others keep what is theirs.
    const { messages } = await bob.request('history', { conversationId: direct, limit: 100 });
    const shown = messages as { type: string; from: string; recalled: boolean; body: object }[];
    const ofAlice = shown.filter(({ from, type }) => from === 'alice' && type !== 'control');
    expect(ofAlice.every(({ recalled, body }) => recalled && Object.keys(body).length === 0)).toBe(true);
    expect(ofAlice).toHaveLength(22);
    expect(shown).toContainEqual(
      expect.objectContaining({ from: 'bob', body: { text: 'what bob says stays' } }),
    );
    expect(await bob.request('unread')).toMatchObject({ total: 0 });
    expect(await bob.request('group', { conversationId: owned })).toMatchObject({ memberCount: 2 });
    const { owner } = await bob.request('group', { conversationId: owned });
    expect(['bob', 'carol']).toContain(owner);
    expect(await bob.send('user:alice', 'are you there?')).toMatchObject({ error: { code: 'blocked' } });
    expect(await carol.send('user:alice', 'and for me?')).toMatchObject({
      error: { code: 'user_not_found' },
    });
    expect(await erase('alice')).toMatchObject({ status: 202, body: answers[0]!.body });
  });

  test('goes on after deaths', async () => {
    const dan = await connect(cloud, 'dan');
    const eve = await connect(cloud, 'eve');
    for (let n = 1; n <= 30; n++) await dan.send('user:eve', `${SECRET} ${n}`);
    const group = await make(dan, 'owned-by-dan', ['eve']);
    await dan.send(group, `${SECRET} once more`);
    await cloud.settled();
    cloud.setFaults({
      seed: 5,
      lambda: { crashMidway: 0.2 },
      dynamodb: { throttle: 0.05, error: 0.02, lostResponse: 0.02 },
    });
    const giveUp = Date.now() + 60_000;
    // A queue brings it back after minutes; the same request has it carried out at once.
    while ((await backend.call('GET', '/v1/users/dan')).status !== 404 && Date.now() < giveUp) {
      await erase('dan');
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    cloud.setFaults({});
    await untilErased('dan');
    expect((await everything()).filter((item) => item.includes(SECRET))).toEqual([]);
    expect(await eve.request('group', { conversationId: group })).toMatchObject({
      owner: 'eve',
      memberCount: 1,
    });
    expect(await eve.request('unread')).toMatchObject({ total: 0 });
  });

  test('of nobody is not found', async () => {
    expect(await erase('nobody')).toMatchObject({ status: 404, body: { error: { code: 'user_not_found' } } });
  });
});
