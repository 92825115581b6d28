// People, over real sockets: how they present themselves.
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
