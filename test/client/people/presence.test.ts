// Who is there, as an app is told, and whom one does not want to hear of.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Cloud } from '../../../local/cloud.ts';
import { startCloud } from '../../support/cloud.ts';
import { closeWhenSettled, Devices, directId, newUser, range } from '../devices.ts';
import { ManualTime } from '../manual-time.ts';
import { metered, type Traffic } from '../metered.ts';

let cloud: Cloud;
let devices: Devices;
beforeAll(async () => {
  cloud = await startCloud();
  devices = new Devices(cloud);
});
afterEach(async () => {
  cloud.clearFaults();
  await devices.close();
});
afterAll(() => closeWhenSettled(cloud));

const DOUBT_MS = 10_000;

const asked = ({ sent }: Traffic, action: string) =>
  sent
    .map((frame) => JSON.parse(frame) as { readonly action: string; readonly users?: readonly string[] })
    .filter((frame) => frame.action === action)
    .map(({ users = [] }) => users);

/** Bob, whose time passes when a test says so, and whose sockets it can cut. */
async function watcher() {
  const time = new ManualTime();
  const { traffic, webSocket: Metered } = metered();
  let cut = () => {};
  class CutWebSocket extends Metered {
    constructor(url: string, protocols: string[]) {
      super(url, protocols);
      cut = () => this.terminate?.();
    }
  }
  const bob = await devices.connect({
    userId: newUser('bob'),
    webSocket: CutWebSocket,
    environment: time.environment,
  });
  const told = () => bob.seen.of('presence').map(({ userId, online }) => [userId, online]);
  return { ...bob, time, traffic, told, cut: () => cut() };
}

test('presence() tells of anybody, each once, in the order asked', async () => {
  const ann = await devices.connect({ userId: newUser('ann'), platform: 'ios' });
  const { im, traffic } = await watcher();
  const users = [...range(150).map((n) => `user-${n}`), ann.im.userId, 'user-1'];
  const found = await im.presence(users);
  expect(found.map(({ userId }) => userId)).toEqual(users.slice(0, -1));
  expect(found.at(-1)).toEqual({ userId: ann.im.userId, online: true, platforms: ['ios'] });
  expect(found[0]).toEqual({ userId: 'user-1', online: false, platforms: [] });
  expect(asked(traffic, 'presence').map(({ length }) => length)).toEqual([100, 51]);
});

test('who is watched is told as they are, and when they come or go; who goes is believed to be gone after 10 s', async () => {
  const annId = newUser('ann');
  const { im, seen, time, told } = await watcher();
  im.watchPresence([annId]);
  await seen.until(() => told().length === 1, 'how ann is');
  expect(told()).toEqual([[annId, false]]);
  const ann = await devices.connect({ userId: annId });
  await seen.until(() => told().length === 2, 'that she came');
  expect(seen.of('presence')[1]).toEqual({
    userId: annId,
    online: true,
    since: expect.any(Number) as number,
  });

  await ann.im.close();
  await expect.poll(() => time.pendingMs, { timeout: 10_000 }).toContain(DOUBT_MS);
  const again = await devices.connect({ userId: annId });
  await expect.poll(() => time.pendingMs, { timeout: 10_000 }).not.toContain(DOUBT_MS);
  expect(told()).toHaveLength(2);

  await again.im.close();
  await expect.poll(() => time.pendingMs, { timeout: 10_000 }).toContain(DOUBT_MS);
  time.advance(DOUBT_MS - 1);
  expect(told()).toHaveLength(2);
  time.advance(1);
  expect(told().at(-1)).toEqual([annId, false]);
}, 60_000);

test('they are watched as long as one who asked wants it, over a connection that comes back', async () => {
  const ann = await devices.connect({ userId: newUser('ann') });
  const cemId = newUser('cem');
  const { im, seen, time, traffic, told, cut } = await watcher();
  const end = im.watchPresence([ann.im.userId, cemId]);
  await seen.until(() => told().length === 2, 'how they are');
  const endAnn = im.watchPresence([ann.im.userId]);
  // For who asked now it is told once more, and asked for no more.
  await seen.until(() => told().length === 3, 'how ann is');
  end();
  await expect.poll(() => asked(traffic, 'unwatchPresence')).toEqual([[cemId]]);

  const synced = seen.next('synced');
  cut();
  await seen.until(() => seen.of('disconnected').length === 1, 'the end');
  time.advance(25_000);
  await synced;
  await expect.poll(() => asked(traffic, 'watchPresence')).toEqual([[ann.im.userId, cemId], [ann.im.userId]]);
  await cloud.settled();
  expect(told()).toHaveLength(3);
  await ann.im.close();
  await expect.poll(() => time.pendingMs, { timeout: 10_000 }).toContain(DOUBT_MS);

  endAnn();
  await expect.poll(() => asked(traffic, 'unwatchPresence')).toHaveLength(2);
  await expect.poll(() => time.pendingMs).not.toContain(DOUBT_MS);
  expect(told()).toHaveLength(3);
});

test('a server that cannot for the moment is asked again; more than 500 are refused, and an error says so', async () => {
  const annId = newUser('ann');
  const bob = await devices.connect({ userId: newUser('bob') });
  cloud.setFaults({ seed: 1, lambda: { crashBefore: 1 } });
  const end = bob.im.watchPresence([annId]);
  await expect
    .poll(() => cloud.metrics().lambda['presence']?.errors ?? 0, { timeout: 10_000 })
    .toBeGreaterThan(0);
  cloud.clearFaults();
  await bob.seen.until(() => bob.seen.of('presence').length === 1, 'how ann is');
  end();
  const failure = bob.seen.next('error');
  bob.im.watchPresence(range(501).map((n) => `user-${n}`));
  const { error } = await failure;
  expect(error).toMatchObject({ code: 'too_large' });
  expect(() => bob.im.watchPresence(['no user!'])).toThrow('no user!');
}, 60_000);

test('who is blocked cannot write, and is told nothing of who blocked them', async () => {
  const [ann, bob] = [
    await devices.connect({ userId: newUser('ann') }),
    await devices.connect({ userId: newUser('bob') }),
  ];
  const conversationId = directId(ann.im.userId, bob.im.userId);
  await ann.im.send(conversationId, 'hello').sent;
  await bob.im.block(ann.im.userId);
  expect(await bob.im.blocked()).toEqual([ann.im.userId]);
  await expect(ann.im.send(conversationId, 'hello?').sent).rejects.toMatchObject({ code: 'blocked' });
  expect(await ann.im.presence([bob.im.userId])).toMatchObject([{ online: false }]);
  await bob.im.unblock(ann.im.userId);
  expect(await bob.im.blocked()).toEqual([]);
  await ann.im.send(conversationId, 'hello again').sent;
  await expect(bob.im.block('nobody')).rejects.toMatchObject({ code: 'user_not_found' });
});
