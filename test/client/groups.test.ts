// Groups, as an app meets them.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { startCloud } from '../support/cloud.ts';
import { closeWhenSettled, Devices, newUser } from './devices.ts';

let cloud: Cloud;
let devices: Devices;
beforeAll(async () => {
  cloud = await startCloud();
  devices = new Devices(cloud);
});
afterEach(() => devices.close());
afterAll(() => closeWhenSettled(cloud));

test('a group is made, written to, changed, and left; who joins later sees what comes after, once', async () => {
  const ids = { ann: newUser('ann'), ben: newUser('ben'), cem: newUser('cem') };
  const ann = await devices.connect({ userId: ids.ann });
  const ben = await devices.connect({ userId: ids.ben });
  const laptop = await devices.connect({ userId: ids.ben, platform: 'desktop' });
  const cem = await devices.connect({ userId: ids.cem });
  const { conversation: group, skipped } = await ann.im.createGroup({
    title: 'Walks',
    members: [ids.ben, 'nobody'],
  });
  expect(skipped).toEqual([{ userId: 'nobody', reason: 'user_not_found' }]);
  await group.send('hello ben').sent;
  for (const { seen } of [ben, laptop])
    await seen.until(() => seen.texts.includes('hello ben'), 'the message');
  const atBen = ben.im.conversation(group.conversationId);
  expect(await atBen.group()).toMatchObject({
    title: 'Walks',
    owner: ids.ann,
    memberCount: 2,
    me: { role: 'member' },
  });
  expect(atBen.summary).toMatchObject({ kind: 'group', title: 'Walks', memberCount: 2, unread: 1 });

  expect(await atBen.add([ids.cem])).toEqual({ added: [ids.cem], skipped: [] });
  await atBen.send('hello cem').sent;
  await cem.seen.until(() => cem.seen.texts.includes('hello cem'), 'the message');
  expect(cem.seen.texts).toEqual(['hello cem']);
  const atCem = cem.im.conversation(group.conversationId);
  expect(atCem.summary).toMatchObject({ title: 'Walks', memberCount: 3 });
  const { members } = await group.members();
  expect(members.map(({ userId, role }) => [userId, role])).toEqual([
    [ids.ann, 'owner'],
    [ids.ben, 'member'],
    [ids.cem, 'member'],
  ]);

  await group.setRole(ids.ben, 'admin');
  expect(await group.muteMember(ids.cem, 60)).toBeGreaterThan(Date.now());
  const refused = cem.im.conversation(group.conversationId).send('may I?');
  await expect(refused.sent).rejects.toMatchObject({ code: 'muted' });
  expect(await atBen.update({ title: 'Hikes' })).toMatchObject({ title: 'Hikes' });
  await cem.seen.until(() => atCem.summary.title === 'Hikes', 'the title');
  expect(cem.seen.of('membersChanged')).toMatchObject([{ added: [ids.cem], removed: [], by: ids.ben }]);
  expect(cem.seen.of('groupChanged').map(({ change }) => change['op'])).toEqual([
    'group.role',
    'group.muted',
    'group.updated',
  ]);
  expect(await group.receipts(2)).toMatchObject({ readCount: 1, unreadCount: 0 });
  await cem.im.conversation(group.conversationId).leave();
  expect(await atBen.remove([ids.cem])).toEqual({
    removed: [],
    skipped: [{ userId: ids.cem, reason: 'not_member' }],
  });
  await ann.seen.until(() => group.summary.memberCount === 2, 'that cem went');
  const listed = async (im: typeof cem.im) =>
    (await im.conversations()).map(({ conversationId }) => conversationId);
  await cem.seen.until(() => atCem.summary.left === true, 'that it went');
  expect(await listed(cem.im)).toEqual([]);
  // What it has of it stays.
  expect((await atCem.messages()).map((message) => message.body['text'])).toContain('hello cem');
  expect(await listed(ben.im)).toEqual([group.conversationId]);
  await atBen.add([ids.cem]);
  await cem.seen.until(() => atCem.summary.left === undefined, 'that it came back');
  await group.send('welcome back').sent;
  await cem.seen.until(() => cem.seen.texts.includes('welcome back'), 'the message');
  expect(cem.seen.texts).toEqual(['hello cem', 'welcome back']);
  await group.dismiss();
  await ben.seen.until(() => atBen.summary.left === true, 'the end');
  expect(await listed(ben.im)).toEqual([]);
  await expect(atBen.group()).rejects.toMatchObject({ code: 'not_member' });
});

test('a large group comes live while it is open, and what was missed comes when it is opened', async () => {
  const large = await startCloud({
    environment: { IM_SETTINGS: '{"writeFanoutLimit":2,"headsIntervalMs":1000}' },
  });
  const crowd = new Devices(large);
  try {
    const ids = { ann: newUser('ann'), ben: newUser('ben'), cem: newUser('cem') };
    const ann = await crowd.connect({ userId: ids.ann });
    const ben = await crowd.connect({ userId: ids.ben });
    await crowd.connect({ userId: ids.cem });
    const { conversation: group } = await ann.im.createGroup({ title: 'All', members: [ids.ben] });
    await group.send('in a small group').sent;
    await group.add([ids.cem]);
    expect(await group.group()).toMatchObject({ fanout: 'read' });
    await group.send('missed').sent;
    const atBen = ben.im.conversation(group.conversationId);
    await ben.seen.until(() => ben.seen.texts.includes('in a small group'), 'what was written to everybody');
    expect(ben.seen.texts).not.toContain('missed');
    const shut = atBen.open();
    await ben.seen.until(() => ben.seen.texts.includes('missed'), 'what was missed');
    await group.send('live').sent;
    await ben.seen.until(() => ben.seen.texts.includes('live'), 'the push');
    shut();
    expect(ben.seen.texts).toEqual(['in a small group', 'missed', 'live']);
    const seqs = ben.seen.messages.map(({ message }) => message.seq);
    expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
  } finally {
    await crowd.close();
    await large.close();
  }
});
