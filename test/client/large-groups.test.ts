// What a large group is to a device: changed messages, newcomers, counts, and what opening costs.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { MemoryStorage } from '../../src/client/storage/memory.ts';
import { startCloud } from '../support/cloud.ts';
import { closeWhenSettled, Devices, newUser, range } from './devices.ts';
import { expirePages } from './expired-pages.ts';
import { metered } from './metered.ts';
import { Proxy } from './proxy.ts';

let cloud: Cloud;
let devices: Devices;
beforeAll(async () => {
  cloud = await startCloud({
    environment: { IM_SETTINGS: '{"writeFanoutLimit":2,"headsIntervalMs":1000}' },
  });
  devices = new Devices(cloud);
});
afterEach(async () => {
  cloud.clearFaults();
  await devices.close();
});
afterAll(() => closeWhenSettled(cloud));

/** Ann's large group, with Ben and Cem in it from the beginning. */
async function crowd() {
  const ids = { ann: newUser('ann'), ben: newUser('ben'), cem: newUser('cem') };
  const storage = new MemoryStorage();
  const { traffic, webSocket } = metered();
  const ann = await devices.connect({ userId: ids.ann });
  const ben = await devices.connect({ userId: ids.ben, storage, webSocket });
  await devices.connect({ userId: ids.cem });
  const { conversation: group } = await ann.im.createGroup({ title: 'All', members: [ids.ben, ids.cem] });
  const atBen = ben.im.conversation(group.conversationId);
  return { ids, ann, ben, group, atBen, storage, traffic };
}

test('a message that is recalled while the group is open is recalled there', async () => {
  const { ben, group, atBen } = await crowd();
  atBen.open();
  const sent = await group.send('regretted').sent;
  await ben.seen.until(() => ben.seen.texts.includes('regretted'), 'the message');
  await group.recall(sent.seq);
  await ben.seen.until(() => ben.seen.of('messageChanged').length > 0, 'the change');
  expect((await atBen.messages()).at(-1)).toMatchObject({ recalled: true, body: {} });
}, 30_000);

test('a reaction to a message of a group that is open is shown there', async () => {
  const { ben, group, atBen } = await crowd();
  atBen.open();
  const sent = await group.send('well?').sent;
  await ben.seen.until(() => ben.seen.texts.includes('well?'), 'the message');
  await group.react(sent.seq, '🎉');
  await ben.seen.until(() => ben.seen.of('messageChanged').length > 0, 'the change');
  expect((await atBen.messages()).at(-1)).toMatchObject({
    reactions: [{ emoji: '🎉', count: 1, mine: false }],
  });
}, 30_000);

test('who joins a large group has its title in the list', async () => {
  const { group } = await crowd();
  const danId = newUser('dan');
  const dan = await devices.connect({ userId: danId });
  await group.add([danId]);
  const atDan = dan.im.conversation(group.conversationId);
  await dan.seen.until(() => atDan.summary.title === 'All', 'the title');
  expect(atDan.summary.memberCount).toBe(4);
}, 30_000);

test('what is unread of a group that is not open is known, live and after an absence', async () => {
  const { ids, ben, group, atBen, storage } = await crowd();
  await ben.seen.until(() => atBen.summary.title === 'All', 'the group');
  await group.send('one').sent;
  await ben.seen.until(() => atBen.unread === 1, 'one unread');
  await ben.im.close();
  await group.send('two').sent;
  const again = await devices.connect({ userId: ids.ben, storage });
  const there = again.im.conversation(group.conversationId);
  await again.seen.until(() => there.unread === 2, 'two unread');
  expect(again.seen.texts).toEqual([]);
}, 60_000);

test('opening a conversation that is no large group costs nothing', async () => {
  const { ben, traffic } = await crowd();
  const note = await ben.im.send(`user:${ben.im.userId}`, 'a note').sent;
  ben.im.conversation(note.conversationId).open();
  await ben.im.sync();
  expect(traffic.sent.filter((frame) => frame.includes('"subscribe"'))).toEqual([]);
}, 30_000);

test('each connection subscribes once', async () => {
  const { ben, group, atBen, traffic } = await crowd();
  atBen.open();
  await group.send('here').sent;
  await ben.seen.until(() => ben.seen.texts.includes('here'), 'the message');
  for (const _ of range(3)) await ben.im.sync();
  expect(traffic.sent.filter((frame) => frame.includes('"subscribe"'))).toHaveLength(1);
}, 30_000);

test('after a reset, a group that this user was removed from is gone, and a large one is not read', async () => {
  const { ids, ann, ben, group, atBen, storage } = await crowd();
  const { conversation: other } = await ann.im.createGroup({ title: 'Other', members: [ids.ben] });
  await ben.seen.until(
    () => ben.im.conversation(other.conversationId).summary.title === 'Other',
    'the other',
  );
  await ben.seen.until(() => atBen.summary.title === 'All', 'the group');
  await ben.im.close();
  await group.send('in the large one').sent;
  await other.remove([ids.ben]);
  await Promise.all(range(40).map((n) => ann.im.send(`user:${ids.ben}`, `${n}`).sent));
  await cloud.settled({ delayed: true });
  await expirePages(cloud, ids.ben, 2);
  const again = await devices.connect({ userId: ids.ben, storage });
  expect(again.seen.of('reset')).toHaveLength(1);
  const listed = (await again.im.conversations()).map(({ conversationId }) => conversationId);
  expect(listed).not.toContain(other.conversationId);
  expect(listed).toContain(group.conversationId);
  expect(again.seen.texts).not.toContain('in the large one');
}, 60_000);

test('an open group goes on after a reconnect, with what was missed, each once and in order', async () => {
  const { ids, group } = await crowd();
  const proxy = await Proxy.start(cloud.port);
  try {
    const laptop = await devices.connect({ userId: ids.ben, platform: 'desktop', url: proxy.url });
    laptop.im.conversation(group.conversationId).open();
    await group.send('before').sent;
    await laptop.seen.until(() => laptop.seen.texts.includes('before'), 'the message');
    proxy.refuse();
    await laptop.seen.until(() => laptop.seen.of('disconnected').length > 0, 'the cut');
    for (const n of range(3)) await group.send(`missed ${n}`).sent;
    proxy.accept();
    await laptop.seen.until(() => laptop.seen.texts.includes('missed 3'), 'what was missed');
    await group.send('after').sent;
    await laptop.seen.until(() => laptop.seen.texts.includes('after'), 'the push');
    expect(laptop.seen.texts).toEqual(['before', 'missed 1', 'missed 2', 'missed 3', 'after']);
  } finally {
    await proxy.close();
  }
}, 60_000);
