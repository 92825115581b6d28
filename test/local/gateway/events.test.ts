// The events that API Gateway hands to functions, as they were captured on AWS. Sources: D/ = docs.aws.amazon.com/apigateway/
// latest/developerguide/, otherwise the GitHub issue where somebody showed what AWS does.
import { afterEach, describe, expect, it } from 'vitest';
import {
  commonContext,
  echo,
  id,
  startSandbox,
  tell,
  type Sandbox,
  type SandboxOptions,
} from '../sandbox.ts';

let sandbox: Sandbox;
async function start(options: SandboxOptions): Promise<Sandbox> {
  sandbox = await startSandbox(options);
  return sandbox;
}
afterEach(async () => await sandbox.close());

// AWS-captured shapes: D/apigateway-websocket-api-mapping-template-reference.html
describe('events', () => {
  it('CONNECT has headers and query, and no body', async () => {
    await start({ functions: { connect: tell() }, routes: { $connect: 'connect' } });
    await sandbox.connect('test?room=1&room=2&empty=', { headers: { 'X-Custom-Case': 'a' } });
    const event = await sandbox.nextEvent('connect');
    expect(Object.keys(event).toSorted()).toEqual([
      'headers',
      'isBase64Encoded',
      'multiValueHeaders',
      'multiValueQueryStringParameters',
      'queryStringParameters',
      'requestContext',
    ]);
    expect(event).toMatchObject({
      headers: {
        Host: expect.stringMatching(/^127\.0\.0\.1:/),
        'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits',
        'Sec-WebSocket-Version': '13',
        'X-Amzn-Trace-Id': expect.stringMatching(/^Root=1-[0-9a-f]{8}-[0-9a-f]{24}$/),
        'X-Custom-Case': 'a',
        'X-Forwarded-For': '127.0.0.1',
        'X-Forwarded-Port': '443',
        'X-Forwarded-Proto': 'https',
      },
      multiValueHeaders: { 'X-Custom-Case': ['a'] },
      queryStringParameters: { room: '2', empty: '' },
      multiValueQueryStringParameters: { room: ['1', '2'], empty: [''] },
      isBase64Encoded: false,
    });
    expect(event['requestContext']).toEqual({ ...commonContext, routeKey: '$connect', eventType: 'CONNECT' });
    expect(Object.keys(event['headers'] as object)).not.toContain('Upgrade');
  });

  it('CONNECT without a query string has no query keys', async () => {
    await start({ functions: { connect: tell() }, routes: { $connect: 'connect' } });
    await sandbox.connect();
    const event = await sandbox.nextEvent('connect');
    expect(event).not.toHaveProperty('queryStringParameters');
    expect(event).not.toHaveProperty('multiValueQueryStringParameters');
  });

  it('identity.userAgent is there if the client sent one', async () => {
    await start({ functions: { connect: tell() }, routes: { $connect: 'connect' } });
    await sandbox.connect('', { headers: { 'User-Agent': 'wscat' } });
    expect(await sandbox.nextEvent('connect')).toMatchObject({
      requestContext: { identity: { sourceIp: '127.0.0.1', userAgent: 'wscat' } },
    });
  });

  it('MESSAGE has a messageId and a body, no headers and no query', async () => {
    await start({
      functions: { send: echo },
      routes: { send: { functionName: 'send', returnsResponse: true } },
    });
    const client = await sandbox.connect('?room=1');
    client.send('{"action":"send"}');
    expect(JSON.parse(await client.next())).toEqual({
      requestContext: { ...commonContext, routeKey: 'send', eventType: 'MESSAGE', messageId: id },
      body: '{"action":"send"}',
      isBase64Encoded: false,
    });
  });

  it('DISCONNECT has reduced headers, the status code and the reason', async () => {
    await start({ functions: { disconnect: tell() }, routes: { $disconnect: 'disconnect' } });
    const client = await sandbox.connect('?room=1', { headers: { Cookie: 'a=b' } });
    client.socket.close(4001, 'bye');
    const event = await sandbox.nextEvent('disconnect');
    expect(Object.keys(event).toSorted()).toEqual([
      'headers',
      'isBase64Encoded',
      'multiValueHeaders',
      'requestContext',
    ]);
    expect(event['headers']).toEqual({
      Host: expect.stringMatching(/^127/),
      'x-api-key': '',
      'X-Forwarded-For': '',
      'x-restapi': '',
    });
    expect(event['requestContext']).toEqual({
      ...commonContext,
      routeKey: '$disconnect',
      eventType: 'DISCONNECT',
      disconnectStatusCode: 4001,
      disconnectReason: 'bye',
    });
  });

  // A capture on AWS: "Client-side close frame status not set"
  it('DISCONNECT of a close frame without status is 1005', async () => {
    await start({ functions: { disconnect: tell() }, routes: { $disconnect: 'disconnect' } });
    const client = await sandbox.connect();
    client.socket.close();
    expect(await sandbox.nextEvent('disconnect')).toMatchObject({
      requestContext: {
        disconnectStatusCode: 1005,
        disconnectReason: 'Client-side close frame status not set',
      },
    });
  });

  it('DISCONNECT of a client that vanishes is 1006', async () => {
    await start({ functions: { disconnect: tell() }, routes: { $disconnect: 'disconnect' } });
    const client = await sandbox.connect();
    client.socket.terminate();
    expect(await sandbox.nextEvent('disconnect')).toMatchObject({
      requestContext: { disconnectStatusCode: 1006 },
    });
  });

  it('of one connection share connectionId and connectedAt', async () => {
    await start({
      functions: { connect: tell(), send: echo, disconnect: tell() },
      routes: {
        $connect: 'connect',
        $disconnect: 'disconnect',
        $default: { functionName: 'send', returnsResponse: true },
      },
    });
    const client = await sandbox.connect();
    client.send('hi');
    const contexts = [await sandbox.nextEvent('connect'), JSON.parse(await client.next())] as {
      requestContext: object;
    }[];
    client.socket.close();
    contexts.push((await sandbox.nextEvent('disconnect')) as { requestContext: object });
    const shared = contexts.map(({ requestContext }) => {
      const { connectionId, connectedAt } = requestContext as Record<string, unknown>;
      return { connectionId, connectedAt };
    });
    expect(shared).toEqual([shared[0], shared[0], shared[0]]);
  });
});
