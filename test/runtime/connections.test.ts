// Posting to connections of a gateway that is busy, broken or silent.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { createConnections } from '../../src/runtime/connections.ts';
import type { Push } from '../../src/protocol/server-frames.ts';

const frame: Push = { push: 'sync', from: 1, to: 1 };
const log = { info: () => {}, warn: () => {}, error: () => {} };
const connections = createConnections(log);

/** What the gateway answers is the connection's name; `silent` gets no answer. */
let gateway: Server;
let asked: string[] = [];

beforeAll(async () => {
  gateway = createServer((request, response) => {
    const connectionId = request.url!.split('/').at(-1)!;
    asked.push(connectionId);
    if (connectionId === 'silent') return;
    const status = Number(connectionId);
    response.writeHead(status, status === 410 ? { 'x-amzn-ErrorType': 'GoneException' } : {}).end();
  }).listen(0, '127.0.0.1');
  await once(gateway, 'listening');
  const { port } = gateway.address() as AddressInfo;
  vi.stubEnv('AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI', `http://127.0.0.1:${port}/dev`);
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
});
beforeEach(() => {
  asked = [];
});
afterAll(() => {
  vi.unstubAllEnvs();
  gateway.closeAllConnections();
  gateway.close();
});

test.each([
  ['200', 'accepted'],
  ['410', 'gone'],
  ['429', 'stalled'],
  ['500', 'stalled'],
  ['503', 'stalled'],
  ['silent', 'stalled'],
  ['403', 'failed'],
] as const)('P6.3: a push is tried once: %s is %s', async (connectionId, delivery) => {
  expect(await connections.startPushes().push(connectionId, frame)).toBe(delivery);
  expect(asked).toEqual([connectionId]);
});

test.each(['429', '500', 'silent'])('what is no push is tried three times: %s', async (connectionId) => {
  expect(await connections.post(connectionId, frame)).toBe('failed');
  expect(asked).toEqual([connectionId, connectionId, connectionId]);
});

test('P6.3: pushes of a batch that has nothing else to do come to an end, and none is begun any more', async () => {
  const pushes = connections.startPushes();
  pushes.lastCall();
  const deliveries = [];
  while (deliveries.at(-1) !== 'failed') deliveries.push(await pushes.push('silent', frame));
  asked = [];
  expect(await pushes.push('200', frame)).toBe('failed');
  expect(asked).toEqual([]);
  expect(await connections.startPushes().push('200', frame)).toBe('accepted');
});
