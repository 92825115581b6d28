// An operator's endpoint that is asked before messages are stored: as users, and the operator, would tell it.
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createHmac, randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { synthesize } from '../../local/template/synthesize.ts';
import { connect, type TestClient } from '../support/client.ts';
import { startCloud } from '../support/cloud.ts';

type Question = Record<string, unknown> & { readonly body: { readonly text: string } };
interface Answer {
  readonly status?: number;
  readonly text?: string;
  readonly afterMs?: number;
}

let directory: string;
let server: Server;
let open: Cloud;
let closed: Cloud;
const asked: { readonly question: Question; readonly body: string; readonly signature: string }[] = [];
const allow = (): Answer => ({ text: '{"allow":true}' });
let decide: (question: Question) => Answer = allow;

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      const question = JSON.parse(body) as Question;
      asked.push({ question, body, signature: String(request.headers['x-im-signature']) });
      const { status = 200, text = '', afterMs = 0 } = decide(question);
      setTimeout(() => response.writeHead(status).end(text), afterMs);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const beforeSendUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/ask`;
  directory = await mkdtemp(join(tmpdir(), 'serverless-im-'));
  const start = async (beforeSendFailure: string) =>
    startCloud({
      templatePath: await synthesize({
        outDirectory: join(directory, beforeSendFailure),
        context: { beforeSendUrl, beforeSendFailure },
      }),
    });
  open = await start('open');
  closed = await start('closed');
  // The secret is read at the first send.
  for (const cloud of [open, closed]) await (await pair(cloud)).say('warm');
  asked.length = 0;
});
afterEach(() => {
  decide = allow;
  asked.length = 0;
});
afterAll(async () => {
  await open?.close();
  await closed?.close();
  server?.close();
  server?.closeAllConnections();
  await rm(directory, { recursive: true, force: true });
});

let pairs = 0;
async function pair(cloud: Cloud) {
  const n = ++pairs;
  const [aliceId, bobId] = [`alice-${n}`, `bob-${n}`];
  const alice = await connect(cloud, aliceId);
  const bob = await connect(cloud, bobId);
  const conversationId = `d:${aliceId}:${bobId}`;
  const say = (text: string, fields: Record<string, unknown> = {}) =>
    alice.send(`user:${bobId}`, text, fields);
  return { alice, bob, aliceId, bobId, conversationId, say };
}

async function textsOf(client: TestClient, conversationId: string): Promise<string[]> {
  const answer = await client.request('history', { conversationId });
  const { messages } = answer as unknown as { messages: { body: { text: string } }[] };
  return messages.map(({ body }) => body.text);
}

test('P8.30: is asked, signed, who says what to whom; and what it lets pass is stored as it was', async () => {
  const { bob, aliceId, conversationId, say } = await pair(open);
  expect(await say('hello', { clientMsgId: 'message-1', mentions: 'all' })).toMatchObject({
    ok: true,
    seq: 1,
  });
  const [{ question, body, signature }] = asked as [(typeof asked)[0]];
  expect(question).toEqual({
    from: aliceId,
    deviceId: expect.any(String),
    platform: expect.any(String),
    conversationId,
    clientMsgId: 'message-1',
    type: 'text',
    body: { text: 'hello' },
    silent: false,
    ephemeral: false,
    mentions: 'all',
  });
  const { beforeSendSecret } = (await (await fetch(`${open.httpUrl}/dev/push`)).json()) as {
    beforeSendSecret: string;
  };
  const [, seconds, given] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(signature)!;
  expect(createHmac('sha256', beforeSendSecret).update(`${seconds}.${body}`).digest('hex')).toBe(given);
  expect(await textsOf(bob, conversationId)).toEqual(['hello']);
});

test('P8.30: what it refuses is forbidden with its text, and takes no number', async () => {
  const { bob, conversationId, say } = await pair(open);
  decide = ({ body: { text } }) =>
    text === 'rude' ? { text: '{"allow":false,"message":"Mind your words"}' } : allow();
  expect(await say('rude')).toMatchObject({ error: { code: 'forbidden', message: 'Mind your words' } });
  expect(await say('kind')).toMatchObject({ ok: true, seq: 1 });
  expect(await textsOf(bob, conversationId)).toEqual(['kind']);
});

test('P8.31: what it changes is stored so, and a repeat is a repeat whatever it says by then', async () => {
  const { bob, conversationId, say } = await pair(open);
  const clientMsgId = randomUUID();
  for (const text of ['first', 'second']) {
    decide = () => ({ text: JSON.stringify({ allow: true, body: { text } }) });
    const answer = await say('as typed', { clientMsgId });
    expect(answer).toMatchObject({ ok: true, seq: 1 });
    expect(answer['duplicate']).toBe(text === 'second' ? true : undefined);
  }
  expect(await say('something else', { clientMsgId })).toMatchObject({
    error: { code: 'idempotency_conflict' },
  });
  expect(await textsOf(bob, conversationId)).toEqual(['first']);
});

test('P8.30: edits go by it, and those that are done are not asked about again', async () => {
  const { alice, bob, conversationId, say } = await pair(open);
  await say('draft');
  asked.length = 0;
  decide = () => ({ text: '{"allow":true,"body":{"text":"mended"}}' });
  const frame = { conversationId, seq: 1, clientMsgId: 'edit-0001', body: { text: 'mnded' } };
  const first = await alice.request('edit', frame);
  expect(first).toMatchObject({ ok: true, seq: 2 });
  expect(asked.map(({ question }) => [question['seq'], question.body.text])).toEqual([[1, 'mnded']]);
  decide = () => ({ text: '{"allow":false}' });
  expect(await alice.request('edit', frame)).toMatchObject({ ok: true, seq: 2, edited: first['edited'] });
  expect(await alice.request('edit', { ...frame, clientMsgId: 'edit-0002' })).toMatchObject({
    error: { code: 'forbidden', message: 'the message was refused' },
  });
  expect((await textsOf(bob, conversationId))[0]).toBe('mended');
});

test('P8.30: in groups, and what is only pushed, too', async () => {
  const { alice, bob, bobId } = await pair(open);
  const made = await alice.request('createGroup', {
    clientGroupId: 'group-0001',
    title: 'Us',
    members: [bobId],
  });
  const { conversationId } = made as unknown as { conversationId: string };
  decide = () => ({ text: '{"allow":true,"body":{"text":"changed"}}' });
  await alice.send(conversationId, 'to all');
  expect(await textsOf(bob, conversationId)).toContain('changed');
  decide = () => ({ text: '{"allow":false,"message":"no"}' });
  expect(await alice.send(conversationId, 'gone soon', { ephemeral: true })).toMatchObject({
    error: { code: 'forbidden', message: 'no' },
  });
});

const failures: [string, Answer][] = [
  ['is slow', { ...allow(), afterMs: 1_500 }],
  ['fails', { status: 500, text: '{"allow":true}' }],
  ['answers no JSON', { text: 'yes' }],
  ['answers neither', { text: '{}' }],
  ['makes a body that is none', { text: '{"allow":true,"body":{"text":""}}' }],
  [
    'makes one that is too large',
    { text: JSON.stringify({ allow: true, body: { text: 'x'.repeat(40_000) } }) },
  ],
];
test.each(failures)(
  'P8.30: when it %s, by configuration, messages pass or are refused for now',
  async (_, answer) => {
    const [passing, refusing] = [await pair(open), await pair(closed)];
    decide = () => answer;
    expect(await passing.say('one')).toMatchObject({ ok: true, seq: 1 });
    const clientMsgId = randomUUID();
    expect(await refusing.say('one', { clientMsgId })).toMatchObject({
      error: { code: 'unavailable', retryable: true },
    });
    decide = allow;
    expect(await refusing.say('one', { clientMsgId })).toMatchObject({ ok: true, seq: 1 });
  },
);
