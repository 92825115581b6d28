// One request id from frame to push: operators find by it what became of a message; nobody else ever sees it.
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { synthesize } from '../../local/template/synthesize.ts';
import { traceAttribute } from '../../src/core/tables.ts';
import { keyOf, type SlotKey } from '../../src/core/timeline.ts';
import { connect, type TestClient } from '../support/client.ts';
import { scan, startCloud } from '../support/cloud.ts';
import { TestBackend } from '../support/service.ts';

interface FannedOut {
  readonly invocation: string;
  readonly messages: readonly { requestId?: string; conversationId: string; seq: number }[];
  readonly recipients: number;
  readonly pushes: Readonly<Record<string, number>>;
  readonly tasks: number;
  readonly undelivered: number;
}

let directory: string;
let server: Server;
let cloud: Cloud;
/** What was said to hooks, and what functions logged. */
const told: string[] = [];
const logged: { readonly source: string; readonly text: string; readonly requestId: unknown }[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    request.setEncoding('utf8').on('data', (chunk: string) => told.push(chunk));
    request.on('end', () => response.end('{"allow":true}'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  directory = await mkdtemp(join(tmpdir(), 'serverless-im-'));
  const take = (source: string, text: string, details?: { readonly requestId?: unknown }) =>
    void logged.push({ source, text, requestId: details?.requestId });
  cloud = await startCloud({
    templatePath: await synthesize({
      outDirectory: directory,
      context: { beforeSendUrl: `${url}/may`, afterSendUrl: `${url}/told` },
    }),
    log: { info: take, warn: take, error: take },
  });
});
afterAll(async () => {
  await cloud?.close();
  server?.close();
  server?.closeAllConnections();
  await rm(directory, { recursive: true, force: true });
});

const fannedOut = () =>
  logged
    .filter(({ source, text }) => source === 'fan-out' && text.includes('"fanned out"'))
    .map(({ text, requestId }) => ({ line: JSON.parse(text) as FannedOut, requestId, text }));

/** The ids of the requests that stored the messages, by conversation and seq. */
async function traces(): Promise<Map<string, string>> {
  const items = await scan(cloud, 'Messages');
  return new Map(items.map((item) => [keyOf(item as unknown as SlotKey), item[traceAttribute] as string]));
}

test('P9.1 the id of the request that stored a message is in the log of what was pushed of it', async () => {
  const alice = await connect(cloud, 'ann');
  const phone = await connect(cloud, 'ben');
  const laptop = await connect(cloud, 'ben', { deviceId: 'laptop', platform: 'desktop' });
  const { conversationId, seq } = await alice.send('user:ben', 'a word that no log has');
  for (const device of [phone, laptop]) await device.eventsUpTo(1);
  await cloud.settled();
  const trace = (await traces()).get(keyOf({ conversationId, seq } as SlotKey));
  expect(trace).toMatch(/^\S{10,}$/);
  const lines = fannedOut().filter(({ text }) => text.includes(trace!));
  expect(lines).toHaveLength(1);
  const [{ line, requestId, text }] = lines as [(typeof lines)[number]];
  expect(line).toMatchObject({
    messages: [{ requestId: trace, conversationId, seq }],
    recipients: 2,
    pushes: { accepted: 2, gone: 0, failed: 0, stalled: 0 },
    tasks: 0,
    undelivered: 0,
  });
  expect(line.invocation).toBe(requestId);
  expect(text).not.toContain('a word');
});

test('P9.2 no frame, hook or export has it', async () => {
  const backend = new TestBackend(cloud.service);
  const [alice, bob] = [await connect(cloud, 'alice'), await connect(cloud, 'bob')];
  const direct = 'd:alice:bob';
  for (const text of ['one', 'two', 'three']) await alice.send('user:bob', text);
  await bob.send('user:alice', 'four', { replyTo: 1 });
  const edit = { conversationId: direct, seq: 1, body: { text: 'uno' }, clientMsgId: 'an-edit-of-one' };
  await alice.request('edit', edit);
  await alice.request('recall', { conversationId: direct, seq: 2 });
  await bob.request('react', { conversationId: direct, seq: 3, emoji: '👍' });
  const group = await alice.request('createGroup', {
    clientGroupId: 'a-group-of-alice',
    title: 'Us',
    members: ['bob'],
  });
  const groupId = group['conversationId'] as string;
  await alice.send(groupId, 'to all of us');
  await alice.request('addMembers', { conversationId: groupId, users: ['carol'] });
  const sent = await backend.call('POST', '/v1/messages', {
    from: 'alice',
    to: ['user:bob'],
    clientMsgId: 'from-the-backend',
    type: 'text',
    body: { text: 'five' },
  });
  await cloud.settled();
  for (const client of [alice, bob]) await readEverything(client, [direct, groupId]);
  expect([...alice.frames, ...bob.frames].filter(({ ok }) => ok === false)).toEqual([]);

  const stored = await traces();
  // Whoever stored it: sends, to one and to many, what was done to them, groups, the service API.
  expect([...stored].filter(([, trace]) => !trace)).toEqual([]);
  expect(stored.size).toBeGreaterThan(10);
  expect(sent.status).toBe(200);
  await expect.poll(() => told.join('').includes('to all of us')).toBe(true);
  const seen = JSON.stringify([alice.frames, bob.frames, sent.body, told, await exportOf(backend, 'bob')]);
  expect(seen).toContain('to all of us');
  expect(seen).not.toContain(traceAttribute);
  for (const trace of stored.values()) expect(seen).not.toContain(trace);
});

const readEverything = (client: TestClient, conversations: readonly string[]) =>
  Promise.all([
    client.request('sync', { cursor: 0, limit: 200 }),
    client.request('pending'),
    client.request('conversations'),
    client.request('search', { query: 'uno' }),
    ...conversations.map((conversationId) => client.request('history', { conversationId })),
  ]);

/** The day's export, as text. */
async function exportOf(backend: TestBackend, userId: string): Promise<string> {
  const ask = () => backend.call('GET', `/v1/users/${userId}/export`);
  await expect.poll(async () => (await ask()).body['state'], { timeout: 30_000 }).toBe('done');
  const files = (await ask()).body['files'] as { readonly url: string }[];
  const texts = await Promise.all(files.map(async ({ url }) => (await fetch(url)).text()));
  return texts.join('');
}
