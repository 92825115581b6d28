// People, as an app meets them: their names, whom this user keeps, and what this user wants of the service.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Cloud } from '../../../local/cloud.ts';
import { NodeWebSocket } from '../../../src/client/node.ts';
import { MemoryStorage } from '../../../src/client/storage/memory.ts';
import { startCloud } from '../../support/cloud.ts';
import { closeWhenSettled, Devices, directId, newUser, range, type nodeWebSocket } from '../devices.ts';
import { expirePages } from '../expired-pages.ts';
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

/** The users of each request of that action. */
const asked = ({ sent }: Traffic, action: string) =>
  sent
    .map((frame) => JSON.parse(frame) as { readonly action: string; readonly users?: readonly string[] })
    .filter((frame) => frame.action === action)
    .map(({ users = [] }) => users);

/** A clock that can be ahead, while timers run as ever. */
function clock() {
  let aheadMs = 0;
  return { environment: { now: () => Date.now() + aheadMs }, wait: (ms: number) => void (aheadMs += ms) };
}

describe('profiles', () => {
  test('a name is shown when it is known: asked for once by all who want it, and told', async () => {
    const { traffic, webSocket } = metered();
    const ann = await devices.connect({ userId: newUser('ann') });
    const bob = await devices.connect({ userId: newUser('bob'), webSocket });
    const { im } = bob;
    const told = await ann.im.setProfile({ name: 'Ann', avatar: 'https://x.test/a.png', custom: { a: [1] } });
    expect(told).toMatchObject({ userId: ann.im.userId, name: 'Ann', custom: { a: [1] }, version: 1 });
    expect(ann.im.profile(ann.im.userId)).toEqual(told);
    expect(ann.seen.of('profilesChanged')).toEqual([{ users: [told] }]);

    expect(im.nameOf(ann.im.userId)).toBe(ann.im.userId);
    expect(im.profile('carl')).toBeUndefined();
    // In the listener it is known already.
    const names: string[] = [];
    im.on('profilesChanged', () => names.push(im.nameOf(ann.im.userId)));
    const [carl, again] = await im.profiles(['carl', ann.im.userId, 'carl']);
    expect(carl).toMatchObject({ userId: 'carl', name: 'carl', version: 0 });
    expect(again).toEqual(told);
    expect(names).toEqual(['Ann']);
    expect(asked(traffic, 'profiles')).toEqual([[ann.im.userId, 'carl']]);
    expect(bob.seen.of('profilesChanged')).toHaveLength(1);
  });

  test('250 users are three requests; those that are no users spoil nothing', async () => {
    const { traffic, webSocket } = metered();
    const { im } = await devices.connect({ userId: newUser('bob'), webSocket });
    const users = range(250).map((n) => `user-${n}`);
    expect(im.nameOf('no user!')).toBe('no user!');
    expect((await im.profiles(users)).map(({ userId }) => userId)).toEqual(users);
    expect(asked(traffic, 'profiles').map(({ length }) => length)).toEqual([100, 100, 50]);
    await expect(im.profiles(['user-1', 'no user!'])).rejects.toMatchObject({ code: 'bad_request' });
  });

  test('after five minutes it is shown as it was, asked for again, and told if it is another', async () => {
    const { environment, wait } = clock();
    const { traffic, webSocket } = metered();
    const ann = await devices.connect({ userId: newUser('ann') });
    const options = { webSocket, environment };
    const bob = await devices.connect({ userId: newUser('bob'), ...options });
    await ann.im.setProfile({ name: 'Ann' });
    await bob.im.profiles([ann.im.userId]);
    await ann.im.setProfile({ name: 'Anna' });
    wait(5 * 60_000 - 5_000);
    expect(bob.im.nameOf(ann.im.userId)).toBe('Ann');
    await cloud.settled();
    expect(asked(traffic, 'profiles')).toHaveLength(1);
    wait(5_000);
    const changed = bob.seen.next('profilesChanged');
    for (const _ of range(3)) expect(bob.im.nameOf(ann.im.userId)).toBe('Ann');
    expect((await changed).users).toMatchObject([{ name: 'Anna', version: 2 }]);
    expect(bob.im.nameOf(ann.im.userId)).toBe('Anna');
    expect(asked(traffic, 'profiles')).toHaveLength(2);

    wait(5 * 60_000);
    await bob.im.profiles([ann.im.userId]);
    expect(bob.seen.of('profilesChanged')).toHaveLength(2);
  });

  test('what was shown offline without a name has one after the connect; what is kept serves offline', async () => {
    const { environment, wait } = clock();
    const ann = await devices.connect({ userId: newUser('ann') });
    await ann.im.setProfile({ name: 'Ann' });
    const bob = await devices.prepare({ userId: newUser('bob'), environment });
    expect(bob.im.nameOf(ann.im.userId)).toBe(ann.im.userId);
    await expect(bob.im.profiles([ann.im.userId])).rejects.toMatchObject({ code: 'connection_lost' });
    const changed = bob.seen.next('profilesChanged');
    await bob.im.start();
    await changed;
    expect(bob.im.nameOf(ann.im.userId)).toBe('Ann');

    wait(6 * 60_000);
    cloud.setFaults({ seed: 1, lambda: { crashBefore: 1 } });
    expect(await bob.im.profiles([ann.im.userId])).toMatchObject([{ name: 'Ann' }]);
  });

  test('of 5,000 that were shown, the one that was not shown for the longest time is asked for again', async () => {
    const { traffic, webSocket } = metered();
    const { im } = await devices.connect({ userId: newUser('bob'), webSocket });
    const users = range(5_000).map((n) => `user-${n}`);
    await im.profiles(users);
    expect(im.nameOf('user-1')).toBe('user-1');
    await im.profiles(['one more']).catch(() => {});
    await im.profiles(['onemore']);
    const before = asked(traffic, 'profiles').length;
    expect(im.profile('user-1')).toBeDefined();
    expect(im.profile('user-2')).toBeUndefined();
    await expect.poll(() => asked(traffic, 'profiles').slice(before)).toEqual([['user-2']]);
  }, 60_000);
});

describe('contacts', () => {
  test('are on all devices, under the name that this user gave them', async () => {
    const userId = newUser('bob');
    const { traffic, webSocket } = metered();
    const ann = await devices.connect({ userId: newUser('ann') });
    await ann.im.setProfile({ name: 'Ann' });
    const phone = await devices.connect({ userId, webSocket });
    const laptop = await devices.connect({ userId, platform: 'desktop' });
    expect(await phone.im.contacts()).toEqual([]);
    expect(await laptop.im.contacts()).toEqual([]);

    const heard = laptop.seen.next('contactChanged');
    const contact = await phone.im.setContact(ann.im.userId, { alias: 'Annie', starred: true });
    expect(contact).toEqual({
      userId: ann.im.userId,
      alias: 'Annie',
      starred: true,
      since: expect.any(Number) as number,
    });
    expect(phone.im.nameOf(ann.im.userId)).toBe('Annie');
    expect(await heard).toEqual({ userId: ann.im.userId, contact });
    expect(laptop.im.nameOf(ann.im.userId)).toBe('Annie');
    expect(await laptop.im.contacts()).toEqual([contact]);

    const gone = phone.seen.next('contactChanged');
    await laptop.im.removeContact(ann.im.userId);
    expect(await gone).toEqual({ userId: ann.im.userId });
    for (const { im } of [phone, laptop]) expect(await im.contacts()).toEqual([]);
    await phone.im.profiles([ann.im.userId]);
    expect(phone.im.nameOf(ann.im.userId)).toBe('Ann');
    expect(asked(traffic, 'contacts')).toHaveLength(1);
    await expect(phone.im.setContact('nobody')).rejects.toMatchObject({ code: 'user_not_found' });
  });

  test('are listed page by page, in the order of their ids', async () => {
    const { traffic, webSocket } = metered();
    const { im } = await devices.connect({ userId: newUser('bob'), webSocket });
    const users: string[] = [];
    for (const n of range(201)) users.push(newUser(`c${n}`));
    for (const userId of users) {
      const friend = await devices.connect({ userId });
      await friend.im.close();
    }
    await Promise.all(users.map((userId) => im.setContact(userId)));
    const listed = await im.contacts();
    expect(listed.map(({ userId }) => userId)).toEqual(users.toSorted());
    expect(asked(traffic, 'contacts')).toHaveLength(2);
  }, 120_000);

  test('what changed beyond the mailbox is found in the list, and told', async () => {
    const userId = newUser('bob');
    const storage = new MemoryStorage();
    const [ann, cem] = [newUser('ann'), newUser('cem')];
    const anns = await devices.connect({ userId: ann });
    await devices.connect({ userId: cem });
    const phone = await devices.connect({ userId, storage });
    const laptop = await devices.connect({ userId, platform: 'desktop' });
    await laptop.im.setContact(ann, { alias: 'Annie' });
    await phone.seen.until(() => phone.seen.of('contactChanged').length === 1, 'the contact');
    await phone.im.contacts();
    cloud.setFaults({ seed: 1, gateway: { dropPush: 1 } });
    await laptop.im.removeContact(ann);
    await laptop.im.setContact(cem, { starred: true });
    for (const n of range(40)) await anns.im.send(`user:${userId}`, `${n}`, { silent: true }).sent;
    await cloud.settled();
    await expirePages(cloud, userId, 2);
    cloud.clearFaults();
    const missed = phone.seen.next('contactChanged');
    await phone.im.sync();
    expect(phone.seen.of('reset')).toMatchObject([{ reason: 'behind' }]);
    await missed;
    const told = phone.seen.of('contactChanged').slice(1);
    expect(told).toEqual([{ userId: ann }, { userId: cem, contact: expect.anything() as object }]);
    expect(await phone.im.contacts()).toMatchObject([{ userId: cem, starred: true }]);
  });
});

test('preferences are what was said last, true unless said otherwise', async () => {
  const userId = newUser('bob');
  const phone = await devices.connect({ userId });
  const laptop = await devices.connect({ userId, platform: 'desktop' });
  expect(await phone.im.preferences()).toEqual({ presence: true, receipts: true, previews: true });
  const said = { presence: true, receipts: true, previews: false };
  expect(await laptop.im.setPreferences({ previews: false })).toEqual(said);
  expect(await phone.im.preferences()).toEqual(said);
});

/** Contact events arrive as something of tomorrow. */
class OtherKindWebSocket extends NodeWebSocket {
  override emit(name: string, ...parameters: unknown[]): boolean {
    if (name !== 'message') return super.emit(name, ...parameters);
    const text = String(parameters[0]).replaceAll('"kind":"contact"', '"kind":"tomorrow"');
    return super.emit(name, Buffer.from(text), false);
  }
}

test('an event of an unknown kind stops nothing, in a push or in a page: the position moves over it', async () => {
  const userId = newUser('bob');
  const storage = new MemoryStorage();
  const webSocket = OtherKindWebSocket as unknown as typeof nodeWebSocket;
  const ann = await devices.connect({ userId: newUser('ann') });
  const laptop = await devices.connect({ userId, platform: 'desktop' });
  const { traffic, webSocket: Metered } = metered();
  const phone = await devices.connect({ userId, storage, webSocket });
  await laptop.im.setContact(ann.im.userId);
  await ann.im.send(`user:${userId}`, 'live').sent;
  await phone.seen.until(() => phone.seen.texts.includes('live'), 'the message behind it');
  expect(phone.seen.of('syncing')).toHaveLength(1);
  await phone.im.close();

  await laptop.im.removeContact(ann.im.userId);
  await ann.im.send(`user:${userId}`, 'missed').sent;
  await cloud.settled();
  const again = await devices.connect({ userId, storage, webSocket });
  expect(again.seen.texts).toEqual(['missed']);
  expect([...phone.seen.of('contactChanged'), ...again.seen.of('contactChanged')]).toEqual([]);
  expect([...phone.seen.of('error'), ...again.seen.of('error')]).toEqual([]);
  await again.im.close();
  await devices.connect({ userId, storage, webSocket: Metered });
  expect(traffic.sent[0]).toBe('{"action":"sync","id":"r1","after":4}');
  expect(directId(ann.im.userId, userId)).toBe(again.seen.messages[0]!.conversationId);
});
