// Sending to a queue: in batches, again where SQS failed, and not where it refused.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createQueue } from '../../src/runtime/queues.ts';

interface Entry {
  readonly Id: string;
  readonly MessageBody: string;
  readonly DelaySeconds?: number;
}

/** What the service answers to a batch: entries that it fails at, or a status. */
type Answer = (entries: readonly Entry[]) => { Failed?: object[] } | number;

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (let closer = closers.pop(); closer; closer = closers.pop()) await closer();
});

async function bodyOf(request: IncomingMessage): Promise<{ QueueUrl: string; Entries: Entry[] }> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return JSON.parse(text) as { QueueUrl: string; Entries: Entry[] };
}

/** `answers` one after the other; then everything is taken. */
async function startService(...answers: Answer[]) {
  const batches: Entry[][] = [];
  const headers: IncomingMessage['headers'][] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const { Entries, QueueUrl } = await bodyOf(request);
    expect(QueueUrl).toBe('https://sqs.us-east-1.amazonaws.com/000000000000/chunks');
    batches.push(Entries);
    headers.push(request.headers);
    const given = answers.shift()?.(Entries) ?? {};
    response.statusCode = typeof given === 'number' ? given : 200;
    response.end(JSON.stringify(typeof given === 'number' ? { __type: 'Problem' } : given));
  };
  const server = createServer((request, response) => {
    void answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.close();
    server.closeAllConnections();
  });
  vi.stubEnv('AWS_ENDPOINT_URL_SQS', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'ASIATEST');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  vi.stubEnv('AWS_SESSION_TOKEN', 'token');
  vi.stubEnv('CHUNKS_URL', 'https://sqs.us-east-1.amazonaws.com/000000000000/chunks');
  return { queue: createQueue('CHUNKS_URL'), batches, headers, bodies: () => batches.map(bodiesOf) };
}

/** Smallest first: batches go out at the same time. */
const sizesOf = (batches: readonly Entry[][]) =>
  batches.map(({ length }) => length).toSorted((left, right) => left - right);
const bodiesOf = (entries: readonly Entry[]) => entries.map(({ MessageBody }) => MessageBody);
const failing =
  (code: string, SenderFault: boolean, ...bodies: string[]): Answer =>
  (entries) => ({
    Failed: entries
      .filter(({ MessageBody }) => bodies.includes(MessageBody))
      .map(({ Id }) => ({ Id, Code: code, SenderFault })),
  });

describe('a queue', () => {
  it('is sent signed requests, with the delays of messages that have one', async () => {
    const { queue, batches, headers } = await startService();
    await queue.send([{ body: 'now' }, { body: 'later', delaySeconds: 30 }]);
    expect(batches).toEqual([
      [
        { Id: '0', MessageBody: 'now' },
        { Id: '1', MessageBody: 'later', DelaySeconds: 30 },
      ],
    ]);
    expect(headers[0]).toMatchObject({
      'x-amz-target': 'AmazonSQS.SendMessageBatch',
      'x-amz-security-token': 'token',
      authorization: expect.stringMatching(
        /^AWS4-HMAC-SHA256 Credential=ASIATEST\/\d{8}\/us-east-1\/sqs\/aws4_request, SignedHeaders=.*host;.*x-amz-security-token.*, Signature=[0-9a-f]{64}$/,
      ),
    });
  });

  it('is asked nothing where there is nothing to send', async () => {
    const { queue, batches } = await startService();
    await queue.send([]);
    expect(batches).toEqual([]);
  });

  it('gets ten messages at a time, and no more than 1 MiB', async () => {
    const many = await startService();
    await many.queue.send(Array.from({ length: 23 }, (_, index) => ({ body: String(index) })));
    expect(sizesOf(many.batches)).toEqual([3, 10, 10]);
    const large = await startService();
    await large.queue.send(['a', 'b', 'c'].map((letter) => ({ body: letter.repeat(500 * 1024) })));
    expect(sizesOf(large.batches)).toEqual([1, 2]);
  });

  it('gets again what it failed at, and only that', async () => {
    const { queue, bodies } = await startService(failing('InternalError', false, '2'));
    await queue.send(['1', '2', '3'].map((body) => ({ body })));
    expect(bodies()).toEqual([['1', '2', '3'], ['2']]);
  });

  it.each([500, 503, 429])('gets a batch again that it answered %i', async (status) => {
    const { queue, bodies } = await startService(() => status);
    await queue.send([{ body: '1' }]);
    expect(bodies()).toEqual([['1'], ['1']]);
  });

  it('does not get again what it refused', async () => {
    const entry = await startService(failing('InvalidParameterValue', true, '1'));
    await expect(entry.queue.send([{ body: '1' }])).rejects.toThrow(/InvalidParameterValue/);
    expect(entry.batches).toHaveLength(1);
    const batch = await startService(() => 403);
    await expect(batch.queue.send([{ body: '1' }])).rejects.toThrow(/SQS refused a batch: 403/);
    expect(batch.batches).toHaveLength(1);
  });

  it('is given up after a few tries', async () => {
    const down: Answer = () => 500;
    const { queue, batches } = await startService(down, down, down, down, down, down);
    await expect(queue.send([{ body: '1' }])).rejects.toThrow(/500/);
    expect(batches).toHaveLength(4);
  });

  it('must be named in the environment', () => {
    expect(() => createQueue('NO_SUCH_URL')).toThrow(/NO_SUCH_URL is not set/);
  });
});
