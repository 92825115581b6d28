// Replies and mentions, as an app sends and sees them.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mkdtemp, rm } from 'node:fs/promises';
import type { Cloud } from '../../local/cloud.ts';
import { FileStorage } from '../../src/client/storage/file.ts';
import { startCloud } from '../support/cloud.ts';
import { closeWhenSettled, Devices, directId, newUser } from './devices.ts';

let cloud: Cloud;
let devices: Devices;
let directory: string;
beforeAll(async () => {
  cloud = await startCloud();
  devices = new Devices(cloud);
  directory = await mkdtemp(join(tmpdir(), 'references-'));
});
afterAll(async () => {
  await devices.close();
  await closeWhenSettled(cloud);
  await rm(directory, { recursive: true });
});

test('P5.1c: a reply with mentions survives a restart unsent, and is shown by whoever gets it', async () => {
  const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
  const bob = await devices.connect({ userId: bobId });
  const open = () => FileStorage.open(join(directory, 'alice.journal'));
  const alice = await devices.connect({ userId: aliceId, storage: await open() });
  const { seq } = await alice.im.send(`user:${bobId}`, 'lunch?').sent;

  await alice.im.close();
  const offline = await devices.prepare({ userId: aliceId, storage: await open() });
  const mentions = [bobId];
  const reply = offline.im.send(`user:${bobId}`, 'anybody?', { replyTo: seq, mentions });
  // What was sent is what was passed by then.
  mentions.push('somebody');
  await reply.stored;
  await offline.im.close();

  const again = await devices.connect({ userId: aliceId, storage: await open() });
  const conversationId = directId(aliceId, bobId);
  await bob.seen.until(() => bob.seen.messages.length === 2, 'the reply');
  const expected = { replyTo: seq, mentions: [bobId] };
  expect(bob.seen.messages[1]!.message).toMatchObject(expected);
  for (const { im } of [again, bob]) {
    const [first, second] = await im.conversation(conversationId).messages();
    expect(second).toMatchObject(expected);
    expect(Object.keys(first!)).not.toContain('replyTo');
    expect((await im.conversation(conversationId).history()).messages[1]).toMatchObject(expected);
  }
});

test.each([
  [{ replyTo: 0 }, 'replyTo: must be the seq of a message'],
  [{ replyTo: 1.5 }, 'replyTo: must be the seq of a message'],
  [{ mentions: ['a b'] }, 'mentions: must be "all" or at most 50 userIds'],
  [{ mentions: Array.from({ length: 51 }, (_, n) => `u${n}`) }, 'mentions: must be "all"'],
])('what the server would refuse for ever is refused at once: %j', async (options, reason) => {
  const { im } = await devices.prepare({ userId: newUser('carol') });
  expect(() => im.send('user:carol', 'hi', options)).toThrow(reason);
  expect(im.outbox()).toEqual([]);
});
