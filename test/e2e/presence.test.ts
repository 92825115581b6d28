// Presence, over real sockets: who is there, who is told when they come and go, and who is not.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import type { Presence } from '../../src/protocol/server-frames.ts';
import { connect, type Frame, type TestClient } from '../support/client.ts';
import { startCloud } from '../support/cloud.ts';

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(() => cloud.close());

const errorOf = ({ error }: Frame) => error as { code: string; message: string };
async function ask(client: TestClient, action: string, fields: Record<string, unknown> = {}) {
  const { id: _, ok, ...answer } = await client.request(action, fields);
  expect(ok, JSON.stringify(answer)).toBe(true);
  return answer;
}
const presenceOf = async (client: TestClient, ...users: string[]) =>
  (await ask(client, 'presence', { users }))['users'] as Presence[];
const watch = async (client: TestClient, ...users: string[]) =>
  (await ask(client, 'watchPresence', { users }))['users'] as Presence[];

/** What a watcher was told of a user, in order. */
const toldOf = ({ pushes }: TestClient, userId: string) =>
  pushes
    .filter((frame) => frame['push'] === 'presence' && frame['userId'] === userId)
    .map(({ online }) => online);
const untilTold = (client: TestClient, userId: string, ...told: boolean[]) =>
  client
    .until(() => toldOf(client, userId).length >= told.length, `${userId} ${told.join(', ')}`)
    .then(() => expect(toldOf(client, userId)).toEqual(told));
/** Whatever was to be told is here by now. */
async function heard(client: TestClient, userId: string) {
  await cloud.settled();
  await client.request('ping');
  return toldOf(client, userId);
}

const away = (userId: string) => ({ userId, online: false, platforms: [] });

describe('P5.35: presence', () => {
  test('tells who is there, on what, and when they were there last; in the order asked, each once', async () => {
    const before = Date.now();
    const [ann, ben] = [await connect(cloud, 'ann'), await connect(cloud, 'ben')];
    const pc = await connect(cloud, 'ben', { deviceId: 'pc', platform: 'desktop' });
    const there = { userId: 'ben', online: true, platforms: ['desktop', 'ios'] };
    expect(await presenceOf(ann, 'nobody', 'ben', 'nobody')).toEqual([away('nobody'), there]);
    await ben.close();
    await cloud.settled();
    expect(await presenceOf(ann, 'ben')).toEqual([{ ...there, platforms: ['desktop'] }]);
    await pc.close();
    await cloud.settled();
    const [gone] = await presenceOf(ann, 'ben');
    expect(gone).toEqual({ ...away('ben'), lastSeen: expect.any(Number) as number });
    expect(gone!.lastSeen).toBeGreaterThanOrEqual(before);
    expect(gone!.lastSeen).toBeLessThanOrEqual(Date.now());
  });

  test('is not told of who wants nobody to see it, nor to whom one blocks', async () => {
    const [cat, dan] = [await connect(cloud, 'cat'), await connect(cloud, 'dan')];
    await ask(dan, 'preferences', { presence: false });
    expect(await presenceOf(cat, 'dan')).toEqual([away('dan')]);
    await ask(dan, 'preferences', { presence: true });
    expect(await presenceOf(cat, 'dan')).toMatchObject([{ online: true }]);
    await ask(dan, 'block', { userId: 'cat' });
    expect(await presenceOf(cat, 'dan')).toEqual([away('dan')]);
    expect(await presenceOf(dan, 'cat')).toMatchObject([{ online: true }]);
    await dan.close();
    await cloud.settled();
    expect(await presenceOf(cat, 'dan')).toEqual([away('dan')]);
  });

  test('of a hundred users is two requests, and at most a unit for each', async () => {
    const eve = await connect(cloud, 'eve');
    const users = Array.from({ length: 100 }, (_, index) => `eve-${index}`);
    await cloud.settled();
    cloud.resetMetrics();
    expect(await presenceOf(eve, ...users)).toEqual(users.map(away));
    expect(cloud.metrics().dynamodb).toMatchObject({ requests: 2, writeUnits: 0 });
    expect(cloud.metrics().dynamodb.readUnits).toBeLessThanOrEqual(100);
    const { code } = errorOf(await eve.request('presence', { users: [...users, 'one-more'] }));
    expect(code).toBe('bad_request');
  });
});

describe('P5.36: who watches', () => {
  test('is told who comes and goes, once each; other devices change nothing', async () => {
    const [fay, gus] = [await connect(cloud, 'fay'), await connect(cloud, 'gus')];
    expect(await watch(fay, 'gus', 'hal')).toEqual([
      { userId: 'gus', online: true, platforms: ['ios'] },
      away('hal'),
    ]);
    const pad = await connect(cloud, 'gus', { deviceId: 'pad', platform: 'web' });
    await gus.close();
    expect(await heard(fay, 'gus')).toEqual([]);
    await pad.close();
    await untilTold(fay, 'gus', false);
    const { lastSeen } = (await presenceOf(fay, 'gus'))[0]!;
    expect(fay.pushes.at(-1)).toEqual({ push: 'presence', userId: 'gus', online: false, since: lastSeen });
    const hal = await connect(cloud, 'hal');
    await untilTold(fay, 'hal', true);
    // The same device, and another one of its platform, take over: nobody has gone.
    const again = await connect(cloud, 'hal');
    const other = await connect(cloud, 'hal', { deviceId: 'other-phone' });
    await Promise.all([hal.closed, again.closed]);
    expect(await heard(fay, 'hal')).toEqual([true]);
    await other.close();
    await untilTold(fay, 'hal', true, false);
  });

  test('watches as long as the connection lasts, or until it says so; twice is once', async () => {
    const [ida, jay] = [await connect(cloud, 'ida'), await connect(cloud, 'jay')];
    const users = ['kim'];
    for (const watcher of [ida, jay]) await watch(watcher, ...users);
    await watch(ida, ...users);
    const kim = await connect(cloud, 'kim');
    await untilTold(ida, 'kim', true);
    await untilTold(jay, 'kim', true);
    await ask(ida, 'unwatchPresence', { users });
    await ask(ida, 'unwatchPresence', { users });
    await jay.close();
    const back = await connect(cloud, 'jay');
    await kim.close();
    expect(await heard(back, 'kim')).toEqual([]);
    expect(toldOf(ida, 'kim')).toEqual([true]);
    // The watch of the connection that is gone was forgotten when it was told: nobody is left to tell.
    cloud.resetMetrics();
    await connect(cloud, 'kim');
    await cloud.settled();
    expect(cloud.metrics().dynamodb.byTable['Users']!.requests).toBe(connectRequests + 1);
  });

  test('is told at once of who hides, and shows themselves again; and nothing of what is hidden', async () => {
    const [lea, moe] = [await connect(cloud, 'lea'), await connect(cloud, 'moe')];
    await watch(lea, 'moe');
    await ask(moe, 'preferences', { presence: false });
    await untilTold(lea, 'moe', false);
    expect(await presenceOf(lea, 'moe')).toEqual([away('moe')]);
    await moe.close();
    const back = await connect(cloud, 'moe');
    expect(await heard(lea, 'moe')).toEqual([false]);
    await ask(back, 'preferences', { presence: true });
    await untilTold(lea, 'moe', false, true);
  });

  test('and is blocked, hears that they went, and nothing more', async () => {
    const [ned, ola, pia] = await Promise.all(['ned', 'ola', 'pia'].map((user) => connect(cloud, user)));
    for (const watcher of [ned!, pia!]) await watch(watcher, 'ola');
    await ask(ola!, 'block', { userId: 'ned' });
    await untilTold(ned!, 'ola', false);
    expect(await watch(ned!, 'ola')).toEqual([away('ola')]);
    await ola!.close();
    await untilTold(pia!, 'ola', false);
    const back = await connect(cloud, 'ola');
    await untilTold(pia!, 'ola', false, true);
    expect(await heard(ned!, 'ola')).toEqual([false]);
    // The one who blocks may watch.
    expect(await watch(back, 'ned')).toMatchObject([{ online: true }]);
    await ned!.close();
    await untilTold(back, 'ned', false);
  });

  test('sees a storm of reconnects as little as the truth needs', async () => {
    const quin = await connect(cloud, 'quin');
    await watch(quin, 'ray');
    let ray: TestClient | undefined;
    const startedAt = Date.now();
    for (let n = 0; n < 20; n++) {
      ray = await connect(cloud, 'ray', { deviceId: `phone-${n % 2}` });
      if (n < 19) void ray.close();
    }
    await cloud.settled();
    const stormMs = Date.now() - startedAt;
    const stormTold = await heard(quin, 'ray');
    expect(stormTold.at(-1)).toBe(true);
    expect(stormTold.length).toBeLessThanOrEqual(2 + Math.floor(stormMs / 1_000));
    expect(await presenceOf(quin, 'ray')).toMatchObject([{ online: true }]);
    await ray!.close();
    await quin.until(() => toldOf(quin, 'ray').at(-1) === false, 'the end');
  });

  test('watches five hundred at most on a connection, and begins anew with the next', async () => {
    const sam = await connect(cloud, 'sam');
    const users = Array.from({ length: 501 }, (_, index) => `sam-${index}`);
    for (let from = 0; from < 500; from += 100) await watch(sam, ...users.slice(from, from + 100));
    const refused = async () => errorOf(await sam.request('watchPresence', { users: ['sam-500'] }));
    expect((await refused()).code).toBe('too_large');
    // What it watches already, it may watch again.
    await watch(sam, ...users.slice(0, 100));
    await ask(sam, 'unwatchPresence', { users: ['sam-0'] });
    await watch(sam, 'sam-500');
    expect(errorOf(await sam.request('watchPresence', { users: ['sam-0'] })).code).toBe('too_large');
    const again = await connect(cloud, 'sam');
    expect(await watch(again, 'sam-0')).toEqual([away('sam-0')]);
  });

  test('may send several frames at once', async () => {
    const tim = await connect(cloud, 'tim');
    const names = Array.from({ length: 4 }, (_, index) => `tim-${index}`);
    const answers = await Promise.all(names.map((name) => watch(tim, name)));
    expect(answers).toEqual(names.map((name) => [away(name)]));
    await Promise.all(names.map((name) => connect(cloud, name)));
    for (const name of names) await untilTold(tim, name, true);
  });
});

/** Of a user who has connected before: the head, and the device. */
const connectRequests = 2;

test('P5.36: where nobody watches, coming and going reads half a unit each and writes nothing more', async () => {
  const uma = await connect(cloud, 'uma');
  await uma.close();
  await cloud.settled();
  cloud.resetMetrics();
  const back = await connect(cloud, 'uma');
  await cloud.settled();
  const { readUnits, writeUnits, requests } = cloud.metrics().dynamodb;
  expect({ readUnits, writeUnits, requests }).toEqual({
    readUnits: 0.5,
    writeUnits: 2,
    requests: connectRequests + 1,
  });
  cloud.resetMetrics();
  await back.close();
  await cloud.settled();
  expect(cloud.metrics().dynamodb).toMatchObject({ readUnits: 0.5, writeUnits: 1, requests: 2 });
});
