// An operator's endpoint that is told of what was stored: as the operator would tell it.
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createHmac } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { synthesize } from '../../local/template/synthesize.ts';
import type { StoredMessage } from '../../src/core/after-send.ts';
import { connect } from '../support/client.ts';
import { startCloud } from '../support/cloud.ts';
import { TestBackend } from '../support/service.ts';

interface Request {
  readonly messages: readonly StoredMessage[];
  readonly body: string;
  readonly signature: string;
  readonly delivery: string;
  readonly status: number;
}

let directory: string;
let server: Server;
let cloud: Cloud;
let backend: TestBackend;
const requests: Request[] = [];
let statusOf: (messages: readonly StoredMessage[]) => number = () => 204;

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      const { messages } = JSON.parse(body) as Request;
      const status = statusOf(messages);
      const { 'x-im-signature': signature, 'x-im-delivery': delivery } = request.headers;
      requests.push({ messages, body, signature: String(signature), delivery: String(delivery), status });
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  directory = await mkdtemp(join(tmpdir(), 'serverless-im-'));
  const afterSendUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/told`;
  cloud = await startCloud({
    templatePath: await synthesize({ outDirectory: directory, context: { afterSendUrl } }),
  });
  backend = new TestBackend(cloud.service);
});
afterEach(() => {
  statusOf = () => 204;
  requests.length = 0;
});
afterAll(async () => {
  await cloud?.close();
  server?.close();
  server?.closeAllConnections();
  await rm(directory, { recursive: true, force: true });
});

let pairs = 0;
async function pair() {
  const n = ++pairs;
  const [aliceId, bobId] = [`alice-${n}`, `bob-${n}`];
  const alice = await connect(cloud, aliceId);
  await connect(cloud, bobId);
  const conversationId = `d:${aliceId}:${bobId}`;
  const say = async (text: string, fields: Record<string, unknown> = {}) => {
    const answer = await alice.send(`user:${bobId}`, text, fields);
    expect((answer as { error?: unknown }).error).toBeUndefined();
    return answer;
  };
  return { alice, aliceId, bobId, conversationId, say };
}

/** What was taken, of one conversation. */
function told(conversationId: string): StoredMessage[] {
  return requests
    .filter(({ status }) => status < 300)
    .flatMap(({ messages }) => messages)
    .filter((message) => message.conversationId === conversationId);
}

const textsOf = (messages: readonly StoredMessage[]) => messages.map(({ body }) => body['text']);

test('P8.32: hears, signed, of each message as history has it, whoever sent it, in the order of its conversation', async () => {
  const { alice, aliceId, bobId, conversationId, say } = await pair();
  for (let n = 0; n < 30; n++) await say(`text ${n}`);
  const { seq } = await say('to be mended', { mentions: 'all', silent: true });
  await backend.call('POST', '/v1/messages', {
    from: bobId,
    to: [`user:${aliceId}`],
    clientMsgId: 'of-the-service',
    type: 'custom',
    body: { text: 'of the service' },
  });
  const edit = { conversationId, seq, clientMsgId: 'edit-0001', body: { text: 'mended' } };
  await alice.request('edit', edit);
  await cloud.settled();

  const messages = told(conversationId);
  expect(messages.map((message) => message.seq)).toEqual(Array.from({ length: 33 }, (_, n) => n + 1));
  const { messages: stored } = (await alice.request('history', {
    conversationId,
    limit: 100,
  })) as unknown as {
    messages: StoredMessage[];
  };
  // Of what was edited either is told, and what a change is about is checked below.
  const plain = (those: readonly StoredMessage[]) =>
    those.filter((message) => message.seq !== seq && message.type !== 'control');
  expect(plain(messages)).toEqual(plain(stored).toSorted((a, b) => a.seq - b.seq));
  expect(messages.at(-1)).toMatchObject({
    type: 'control',
    body: { op: 'edit', seq },
    target: { seq, body: { text: 'mended' }, edited: expect.any(Number) },
  });

  const { afterSendSecret } = (await (await fetch(`${cloud.httpUrl}/dev/push`)).json()) as {
    afterSendSecret: string;
  };
  for (const { body, signature } of requests) {
    const [, seconds, given] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(signature)!;
    expect(createHmac('sha256', afterSendSecret).update(`${seconds}.${body}`).digest('hex')).toBe(given);
  }
});

test('P8.32: hears of what happens to groups', async () => {
  const { alice, bobId } = await pair();
  const made = await alice.request('createGroup', {
    clientGroupId: 'group-0001',
    title: 'Us',
    members: [bobId],
  });
  const { conversationId } = made as unknown as { conversationId: string };
  await alice.send(conversationId, 'to all');
  await cloud.settled();
  expect(told(conversationId).map(({ type, body }) => body['op'] ?? type)).toEqual(['group.created', 'text']);
});

test('P8.32: what it does not take comes again under the same name, and nothing after it comes before', async () => {
  const { conversationId, say } = await pair();
  await say('one');
  await cloud.settled();
  let refusals = 2;
  statusOf = () => (refusals-- > 0 ? 500 : 204);
  await say('two');
  await vi.waitFor(() => expect(requests.length).toBeGreaterThan(1));
  await say('three');
  await cloud.settled();
  expect(textsOf(told(conversationId))).toEqual(['one', 'two', 'three']);
  const tries = requests.filter(({ messages }) => textsOf(messages)[0] === 'two');
  expect(tries.map(({ status }) => status)).toEqual([500, 500, 204]);
  expect(new Set(tries.slice(0, 2).map(({ delivery }) => delivery)).size).toBe(1);
  expect(tries[0]!.delivery).toMatch(/^[\w-]{22}$/);
});

test('P8.32: of what is sent at once nothing is missing', async () => {
  const { conversationId, say } = await pair();
  for (let n = 0; n < 5; n++) await Promise.all(['a', 'b', 'c'].map((text) => say(`${text} ${n}`)));
  await cloud.settled();
  const seqs = told(conversationId).map(({ seq }) => seq);
  expect(seqs.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 15 }, (_, n) => n + 1));
});

test('I7: P8.33: what is recalled while it waits is told without its body', async () => {
  const { alice, conversationId, say } = await pair();
  statusOf = () => 503;
  const { seq } = await say('a secret');
  await vi.waitFor(() => expect(requests.length).toBeGreaterThan(0));
  await alice.request('recall', { conversationId, seq });
  // What was under way was told as it was when it was read.
  const before = requests.length;
  await vi.waitFor(() => expect(requests.length).toBeGreaterThan(before + 1), 10_000);
  statusOf = () => 204;
  await cloud.settled();
  const messages = told(conversationId);
  expect(messages).toMatchObject([
    { seq, recalled: true, body: {} },
    { type: 'control', body: { op: 'recall', seq }, target: { seq, recalled: true, body: {} } },
  ]);
  expect(JSON.stringify(messages)).not.toContain('a secret');
});

test('P8.34: hears nothing of what is imported, nor of what it sends itself', async () => {
  const { aliceId, bobId, conversationId, say } = await pair();
  const message = { from: bobId, type: 'text', body: { text: 'not told' } };
  const imported = await backend.call('POST', '/v1/import', {
    conversationId,
    messages: [{ ...message, clientMsgId: 'of-long-ago', serverTime: 1_000 }],
  });
  expect(imported.body['results']).toMatchObject([{ seq: 1 }]);
  const answered = await backend.call('POST', '/v1/messages', {
    ...message,
    to: [`user:${aliceId}`],
    clientMsgId: 'an-answer-of-the-hook',
    fromHook: true,
  });
  expect(answered.body['results']).toMatchObject([{ seq: 2 }]);
  await say('told');
  await cloud.settled();
  expect(textsOf(told(conversationId))).toEqual(['told']);
});

test('P8.32: large messages come in several requests, each of which an endpoint takes', async () => {
  const { conversationId, say } = await pair();
  statusOf = () => 500;
  await say('the first');
  await vi.waitFor(() => expect(requests.length).toBeGreaterThan(0));
  for (let n = 0; n < 20; n++) await say('x'.repeat(16_000));
  statusOf = () => 204;
  await cloud.settled();
  expect(told(conversationId).map(({ seq }) => seq)).toEqual(Array.from({ length: 21 }, (_, n) => n + 1));
  for (const { body } of requests) expect(Buffer.byteLength(body)).toBeLessThanOrEqual(257 * 1024);
});

test('B22: costs the read units of a message, of a change those of what it is about, too; and writes nothing', async () => {
  const { alice, conversationId, say } = await pair();
  for (let n = 0; n < 20; n++) await say(`text ${n}`);
  await cloud.settled();
  cloud.resetMetrics();
  for (let n = 0; n < 20; n++) await say(`text ${n}`);
  await cloud.settled();
  const usage = () => cloud.metrics().dynamodb.byFunction['after-send'];
  expect(usage()).toMatchObject({ readUnits: 20, writeUnits: 0 });
  expect(usage()!.requests).toBeLessThanOrEqual(20);
  cloud.resetMetrics();
  await alice.request('recall', { conversationId, seq: 1 });
  await cloud.settled();
  expect(usage()).toMatchObject({ readUnits: 2, writeUnits: 0, requests: 2 });
});
