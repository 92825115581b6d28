// What a message may hold, as an app sees it: what it sends arrives, and what never could is refused at once.
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
  directory = await mkdtemp(join(tmpdir(), 'bodies-'));
});
afterAll(async () => {
  await devices.close();
  await closeWhenSettled(cloud);
  await rm(directory, { recursive: true });
});

const nested = (arrays: number) => JSON.parse(`{"a":${'['.repeat(arrays)}${']'.repeat(arrays)}}`) as object;

test('P4.1: every key arrives: in events, after a restart, from history, and in ephemeral messages', async () => {
  const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
  const json = '{"constructor":1,"prototype":[2],"__proto__":{"constructor":{"__proto__":null}},"text":"x"}';
  const content = { type: 'custom', body: JSON.parse(json) as Record<string, unknown> } as const;
  const open = () => FileStorage.open(join(directory, 'bob.journal'));
  const bob = await devices.connect({ userId: bobId, storage: await open() });
  const alice = await devices.connect({ userId: aliceId });

  const outgoing = alice.im.send(`user:${bobId}`, content);
  expect(JSON.stringify(outgoing.body)).toBe(json);
  expect(JSON.stringify((await outgoing.sent).body)).toBe(json);
  await bob.seen.until(() => bob.seen.messages.length === 1, 'the message');
  expect(JSON.stringify(bob.seen.messages[0]!.message.body)).toBe(json);

  await alice.im.sendEphemeral(`user:${bobId}`, content);
  await bob.seen.until(() => bob.seen.of('ephemeral').length === 1, 'the ephemeral message');
  expect(JSON.stringify(bob.seen.of('ephemeral')[0]!.message.body)).toBe(json);

  await bob.im.close();
  const again = await devices.connect({ userId: bobId, storage: await open() });
  const conversation = again.im.conversation(directId(aliceId, bobId));
  expect((await conversation.messages()).map(({ body }) => JSON.stringify(body))).toEqual([json]);
  const { messages } = await conversation.history();
  expect(messages.map((message) => JSON.stringify('body' in message && message.body))).toEqual([json]);
});

const circle: Record<string, unknown> = {};
circle['itself'] = circle;
const deeper: unknown[] = [];
let innermost = deeper;
for (let depth = 0; depth < 100_000; depth++) innermost.push((innermost = []));

test.each([
  ['P4.1: an array', [1, 2], 'body: must be an object'],
  ['P4.1: null', null, 'body: must be an object'],
  ['P4.1: nothing', undefined, 'body: must be an object'],
  ['P4.1: a function', () => {}, 'body: must be an object'],
  ['P4.1: a BigInt', { n: 1n }, 'body: TypeError: Do not know how to serialize a BigInt'],
  ['P4.1: a circle', circle, 'body: TypeError: Converting circular'],
  ['P4.2: 33 levels', nested(32), 'body: is nested more than 32 levels deep'],
  ['P4.2: 3,400 arrays', nested(3_400), 'body: is nested more than 32 levels deep'],
  ['P4.2: what overflows the stack', { deeper }, 'body: RangeError'],
  ['P4.3: half a surrogate pair', { a: [{ b: 'x\udc00' }] }, 'body: holds half a surrogate pair'],
  ['P4.3: half a surrogate pair in a key', { 'x\ud800': 1 }, 'body: holds half a surrogate pair'],
])('%s is refused at once', async (_, body, reason) => {
  const alice = await devices.connect({ userId: newUser('alice') });
  const content = { type: 'custom', body: body as Record<string, unknown> } as const;
  const refused = expect.objectContaining({
    name: 'ImError',
    code: 'bad_request',
    message: expect.stringContaining(reason),
  });
  expect(() => alice.im.send('user:bob', content)).toThrow(refused);
  await expect(async () => alice.im.sendEphemeral('user:bob', content)).rejects.toThrow(refused);
  expect(alice.im.outbox()).toEqual([]);
});

test('P4.3: a text that was cut in the middle of an emoji is refused at once', async () => {
  const alice = await devices.connect({ userId: newUser('alice') });
  expect(() => alice.im.send('user:bob', '😀'.slice(0, 1))).toThrow('body: holds half a surrogate pair');
});
