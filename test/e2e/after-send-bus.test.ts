// An event bus that is told of what was stored; what the function may do with it is what its role says.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import type { BusEvent } from '../../local/event-bus/event-bus.ts';
import { synthesize } from '../../local/template/synthesize.ts';
import type { FunctionRequest } from '../../local/iam/roles.ts';
import { connect } from '../support/client.ts';
import { startCloud } from '../support/cloud.ts';
import { startServices } from '../support/services.ts';

let directory: string;
let cloud: Cloud;
const requests: FunctionRequest[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'serverless-im-'));
  cloud = await startCloud({
    templatePath: await synthesize({ outDirectory: directory, context: { afterSendBus: 'chat' } }),
    onRequest: (request) => requests.push(request),
  });
});
afterAll(async () => {
  await cloud?.close();
  await rm(directory, { recursive: true, force: true });
});

test('P8.32: each message is an event, in the order of its conversation', async () => {
  const alice = await connect(cloud, 'alice');
  await connect(cloud, 'bob');
  for (let n = 1; n <= 25; n++) await alice.send('user:bob', n % 5 === 0 ? 'x'.repeat(16_000) : `${n}`);
  await alice.request('recall', { conversationId: 'd:alice:bob', seq: 1 });
  await cloud.settled();
  const events = (await (await fetch(`${cloud.httpUrl}/dev/events`)).json()) as (BusEvent & {
    detail: { seq: number };
  })[];
  expect(events.map(({ detail }) => detail.seq)).toEqual(Array.from({ length: 26 }, (_, n) => n + 1));
  expect(events.at(-1)).toMatchObject({
    bus: 'chat',
    source: 'serverless-im',
    detailType: 'message',
    detail: { type: 'control', body: { op: 'recall', seq: 1 }, target: { recalled: true, body: {} } },
  });
});

test('I10: no other function may put events, and this one on no other bus', async () => {
  const put = requests.find(({ target }) => target === 'AWSEvents.PutEvents')!;
  expect(put.functionName).toBe('after-send');
  const services = await startServices(cloud.model, cloud.dynamoDbEndpoint);
  try {
    const elsewhere = { ...put, body: put.body.replaceAll('"chat"', '"default"') };
    expect(await services.send(put)).toBe('letThrough');
    expect(await services.send(elsewhere)).toBe('refused');
    expect(await services.send({ ...put, functionName: 'send' })).toBe('refused');
  } finally {
    await services.close();
  }
});
