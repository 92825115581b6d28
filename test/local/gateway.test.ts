// API Gateway's WebSocket API as AWS documents it, or as it was seen there. Sources: D/ = docs.aws.amazon.com/apigateway/
// latest/developerguide/, otherwise the GitHub issue where somebody showed what AWS does.
import { once } from 'node:events';
import { connect as connectSocket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HandshakeRefused, echo, startSandbox, tell, type Sandbox, type SandboxOptions } from './sandbox.ts';

let sandbox: Sandbox;
async function start(options: SandboxOptions): Promise<Sandbox> {
  sandbox = await startSandbox(options);
  return sandbox;
}
afterEach(async () => await sandbox.close());

const id = expect.stringMatching(/^[\w-]{15}=$/);
const requestTime = expect.stringMatching(/^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/);

/** What every request context has. */
const commonContext = {
  extendedRequestId: id,
  requestTime,
  messageDirection: 'IN',
  stage: 'test',
  connectedAt: expect.any(Number),
  requestTimeEpoch: expect.any(Number),
  identity: { sourceIp: '127.0.0.1' },
  requestId: id,
  domainName: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
  connectionId: id,
  apiId: 'abcdef1234',
};

const allow = `export const handler = async ({ methodArn }) => ({
  principalId: 'u1',
  policyDocument: { Version: '2012-10-17', Statement: [{ Action: 'execute-api:Invoke', Effect: 'Allow', Resource: methodArn }] },
  context: { tenant: 't1', admin: true, level: 3 },
});`;

async function nextEvent(source: string): Promise<Record<string, unknown>> {
  return JSON.parse((await sandbox.nextLine(source)).message) as Record<string, unknown>;
}

async function refusal(path?: string, options?: Parameters<Sandbox['connect']>[1]): Promise<HandshakeRefused> {
  return await sandbox.connect(path, options).then(
    () => expect.fail('the handshake was accepted'),
    (error: unknown) => error as HandshakeRefused,
  );
}

// AWS-captured shapes: D/apigateway-websocket-api-mapping-template-reference.html
describe('events', () => {
  it('CONNECT has headers and query, and no body', async () => {
    await start({ functions: { connect: tell() }, routes: { $connect: 'connect' } });
    await sandbox.connect('test?room=1&room=2&empty=', { headers: { 'X-Custom-Case': 'a' } });
    const event = await nextEvent('connect');
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
        'Host': expect.stringMatching(/^127\.0\.0\.1:/),
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
    const event = await nextEvent('connect');
    expect(event).not.toHaveProperty('queryStringParameters');
    expect(event).not.toHaveProperty('multiValueQueryStringParameters');
  });

  it('identity.userAgent is there if the client sent one', async () => {
    await start({ functions: { connect: tell() }, routes: { $connect: 'connect' } });
    await sandbox.connect('', { headers: { 'User-Agent': 'wscat' } });
    expect(await nextEvent('connect')).toMatchObject({
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
    const event = await nextEvent('disconnect');
    expect(Object.keys(event).toSorted()).toEqual(['headers', 'isBase64Encoded', 'multiValueHeaders', 'requestContext']);
    expect(event['headers']).toEqual({
      'Host': expect.stringMatching(/^127/),
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
    expect(await nextEvent('disconnect')).toMatchObject({
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
    expect(await nextEvent('disconnect')).toMatchObject({ requestContext: { disconnectStatusCode: 1006 } });
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
    const contexts = [await nextEvent('connect'), JSON.parse(await client.next())] as { requestContext: object }[];
    client.socket.close();
    contexts.push((await nextEvent('disconnect')) as { requestContext: object });
    const shared = contexts.map(({ requestContext }) => {
      const { connectionId, connectedAt } = requestContext as Record<string, unknown>;
      return { connectionId, connectedAt };
    });
    expect(shared).toEqual([shared[0], shared[0], shared[0]]);
  });
});

// D/apigateway-websocket-api-lambda-auth.html
describe('the authorizer', () => {
  const routes = {
    $connect: 'connect',
    $disconnect: 'disconnect',
    $default: { functionName: 'send', returnsResponse: true },
  };
  const authorized = (authorize: string, more: Partial<SandboxOptions> = {}) =>
    start({
      functions: { authorize, connect: tell(), disconnect: tell(), send: echo },
      routes,
      authorizer: {},
      ...more,
    });
  const answering = (result: string) => `export const handler = async ({ methodArn }) => (${result});`;
  const policy = (effect: string, resource: string) =>
    answering(
      `{ principalId: 'u1', policyDocument: { Statement: { Action: 'execute-api:Invoke', Effect: '${effect}', Resource: ${resource} } } }`,
    );

  it('gets a REQUEST event with the ARN of $connect', async () => {
    await authorized(`export const handler = async (event) => { console.log(JSON.stringify(event)); throw new Error('Unauthorized'); };`, {
      stageVariables: { color: 'blue' },
    });
    await refusal('?token=abc');
    const event = await nextEvent('authorize');
    expect(event).toMatchObject({
      type: 'REQUEST',
      methodArn: 'arn:aws:execute-api:us-east-1:000000000000:abcdef1234/test/$connect',
      headers: { Connection: 'Upgrade', Upgrade: 'websocket' },
      queryStringParameters: { token: 'abc' },
      multiValueQueryStringParameters: { token: ['abc'] },
      stageVariables: { color: 'blue' },
    });
    expect(event['requestContext']).toEqual({ ...commonContext, routeKey: '$connect', eventType: 'CONNECT' });
  });

  // dherault/serverless-offline#1379, #1380; boto/boto3#3789
  it('has its context flattened, as strings, into every later event', async () => {
    await authorized(allow);
    const client = await sandbox.connect();
    client.send('hi');
    const message = JSON.parse(await client.next()) as Record<string, unknown>;
    client.socket.close();
    const authorizer = { principalId: 'u1', integrationLatency: expect.any(Number), tenant: 't1', admin: 'true', level: '3' };
    for (const event of [await nextEvent('connect'), message, await nextEvent('disconnect')]) {
      expect(event['requestContext']).toHaveProperty('authorizer', authorizer);
    }
  });

  describe('is not called without its identity sources: 401', () => {
    it.each([
      ['route.request.header.X-Token', {}, { headers: { 'x-token': 'a' } }],
      ['route.request.querystring.token', { path: '?token=' }, { path: '?token=a' }],
    ])('%s', async (source, without, complete) => {
      await authorized(allow, { authorizer: { identitySources: [source] } });
      const { path: emptyPath = '' } = without as { path?: string };
      const refused = await refusal(emptyPath);
      expect(refused.status).toBe(401);
      expect(JSON.parse(refused.body)).toEqual({ message: 'Unauthorized', connectionId: id, requestId: id });
      expect(sandbox.metering.snapshot().lambda['authorize']).toBeUndefined();
      const { path = '', ...options } = complete as { path?: string; headers?: Record<string, string> };
      await sandbox.connect(path, options);
    });

    it('stageVariables.X', async () => {
      await authorized(allow, { authorizer: { identitySources: ['stageVariables.color'] } });
      expect((await refusal()).status).toBe(401);
    });

    it('context.X', async () => {
      await authorized(allow, { authorizer: { identitySources: ['context.identity.userAgent'] } });
      expect((await refusal()).status).toBe(401);
      await sandbox.connect('', { headers: { 'User-Agent': 'wscat' } });
    });
  });

  it.each([
    ['throws Error("Unauthorized")', `export const handler = async () => { throw new Error('Unauthorized'); };`, 401],
    ['throws anything else', `export const handler = async () => { throw new Error('no database'); };`, 500],
    ['denies explicitly', policy('Deny', 'methodArn'), 403],
    ['allows something else, so denies implicitly', policy('Allow', `methodArn + 'x'`), 403],
    // aws-powertools/powertools-lambda-python#5800
    ['allows a REST-shaped ARN', policy('Allow', `methodArn.replace('$connect', '*/*')`), 403],
    ['allows by wildcard', policy('Allow', `methodArn.replace('$connect', '*')`), 101],
    ['answers nothing', answering('undefined'), 500],
    ['answers without a principalId', answering(`{ policyDocument: { Statement: [] } }`), 500],
    ['answers without a policy', answering(`{ principalId: 'u1' }`), 500],
  ])('%s', async (_case, authorize, status) => {
    await authorized(authorize);
    if (status === 101) await sandbox.connect();
    else expect((await refusal()).status).toBe(status);
    expect(sandbox.metering.snapshot().lambda['connect']?.invocations).toBe(status === 101 ? 1 : undefined);
  });

  it('with an object in its context is malformed: 500', async () => {
    await authorized(allow.replace(`tenant: 't1'`, `tenant: { id: 't1' }`));
    expect((await refusal()).status).toBe(500);
  });

  // D/apigateway-execution-service-websocket-limits-table.html
  it('with a result above 8 KB is malformed: 500', async () => {
    await authorized(allow.replace(`tenant: 't1'`, `tenant: 'x'.repeat(8192)`));
    expect((await refusal()).status).toBe(500);
  });

  // aws/aws-cdk#18208
  it('that API Gateway has no permission to invoke: 500', async () => {
    await authorized(allow, { authorizer: { mayInvoke: false } });
    expect((await refusal()).status).toBe(500);
    expect(sandbox.metering.snapshot().lambda['authorize']).toBeUndefined();
  });
});

describe('the handshake', () => {
  // D/websocket-connect-route-subprotocol.html; dherault/serverless-offline#1301
  it.each([400, 403, 418])('fails with the status %d of $connect', async (status) => {
    await start({
      functions: { connect: tell(status), disconnect: tell() },
      routes: { $connect: 'connect', $disconnect: 'disconnect' },
    });
    expect((await refusal()).status).toBe(status);
    // $disconnect is not invoked for failed connects: D/apigateway-websocket-api-route-keys-connect-disconnect.html
    await sandbox.gateway.settled();
    expect(sandbox.metering.snapshot().lambda['disconnect']).toBeUndefined();
  });

  // michalkvasnicak/aws-lambda-graphql#107
  it.each([
    ['throws', `export const handler = async () => { throw new Error('no database'); };`],
    ['answers without statusCode', 'export const handler = async () => ({ ok: true });'],
    ['answers nothing', 'export const handler = async () => {};'],
  ])('is 502 when $connect %s', async (_case, connect) => {
    await start({ functions: { connect }, routes: { $connect: 'connect' } });
    expect((await refusal()).status).toBe(502);
  });

  it('is 504 when $connect takes longer than the integration may', async () => {
    await start({
      functions: { connect: 'export const handler = async () => await new Promise(() => {});' },
      routes: { $connect: { functionName: 'connect', integrationTimeoutMs: 50 } },
    });
    expect((await refusal()).status).toBe(504);
  });

  it('is 500 when API Gateway may not invoke $connect (aws/aws-cdk#18208)', async () => {
    await start({
      functions: { connect: tell() },
      routes: { $connect: { functionName: 'connect', mayInvoke: false } },
    });
    expect((await refusal()).status).toBe(500);
  });

  // D/websocket-connect-route-subprotocol.html
  it('has the subprotocol that $connect answers with', async () => {
    await start({
      functions: {
        connect: `export const handler = async () => ({ statusCode: 200, headers: { 'sec-websocket-protocol': 'im.v1' } });`,
      },
      routes: { $connect: 'connect' },
    });
    const client = await sandbox.connect('', { protocols: ['bearer.abc', 'im.v1'] });
    expect(client.socket.protocol).toBe('im.v1');
  });

  it('chooses no subprotocol by itself: the client that offered one fails', async () => {
    await start({ functions: { connect: tell() }, routes: { $connect: 'connect' } });
    await expect(sandbox.connect('', { protocols: ['im.v1'] })).rejects.toThrow('Server sent no subprotocol');
  });

  it('negotiates no compression', async () => {
    await start({ functions: {} });
    expect((await sandbox.connect()).socket.extensions).toBe('');
  });

  it('is at the stage, or locally at the root; elsewhere it is forbidden', async () => {
    await start({ functions: {} });
    for (const path of ['', 'test', 'test/', '?a=b']) await sandbox.connect(path);
    expect((await refusal('prod')).status).toBe(403);
  });

  it('needs to be one of WebSocket version 13', async () => {
    await start({ functions: { connect: tell() }, routes: { $connect: 'connect' } });
    const socket = connectSocket(Number(new URL(sandbox.url).port), '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 400 /);
    socket.destroy();
    expect(sandbox.metering.snapshot().lambda['connect']).toBeUndefined();
  });
});

describe('routing', () => {
  const two = { functionName: 'default', returnsResponse: true };

  // D/websocket-api-develop-routes.html
  it.each([
    ['text that is no JSON', 'hello'],
    ['JSON that is no object', '[1]'],
    ['a missing key', '{"a":1}'],
    ['an unknown key', '{"action":"fly"}'],
    ['a reserved key', '{"action":"$connect"}'],
  ])('%s goes to $default', async (_case, frame) => {
    await start({ functions: { connect: tell(), default: echo }, routes: { $connect: 'connect', $default: two } });
    const client = await sandbox.connect();
    client.send(frame);
    expect(JSON.parse(await client.next())).toMatchObject({ body: frame, requestContext: { routeKey: '$default' } });
  });

  // aws-samples/simple-websockets-chat-app#24, byte for byte
  it('no $default: Forbidden, and the connection stays open', async () => {
    await start({ functions: { send: echo }, routes: { send: { functionName: 'send', returnsResponse: true } } });
    const client = await sandbox.connect();
    client.send('hello');
    expect(await client.next()).toMatch(/^{"message": "Forbidden", "connectionId":"[\w-]{15}=", "requestId":"[\w-]{15}="}$/);
    client.send({ action: 'send' });
    expect(JSON.parse(await client.next())).toMatchObject({ requestContext: { routeKey: 'send' } });
  });

  // re:Post QUa2N5ZwL4QjSFuJkuI4nGcg: each message is an invocation of its own
  it('dispatches the messages of one connection concurrently: they overtake each other', async () => {
    const overtaking = `
      import { BroadcastChannel } from 'node:worker_threads';
      export const handler = async ({ body }) => {
        const { wait, name } = JSON.parse(body);
        const channel = new BroadcastChannel('overtaking');
        if (wait) await new Promise((go) => { channel.onmessage = go; console.log('waiting'); });
        else channel.postMessage('go');
        channel.close();
        return { statusCode: 200, body: name };
      };`;
    await start({ functions: { default: overtaking }, routes: { $default: two } });
    const client = await sandbox.connect();
    client.send({ name: 'first', wait: true });
    await sandbox.nextLine('default');
    client.send({ name: 'second' });
    const names = [await client.next(), await client.next()];
    expect(names.toSorted()).toEqual(['first', 'second']);
  });
});

describe('responses', () => {
  const answering = (result: string) => `export const handler = async () => (${result});`;
  const startTwoWay = (source: string, route = {}) =>
    start({
      functions: { task: source, ping: answering(`{ statusCode: 200, body: 'pong' }`) },
      routes: {
        task: { functionName: 'task', returnsResponse: true, ...route },
        ping: { functionName: 'ping', returnsResponse: true },
      },
    });

  // D/apigateway-websocket-api-route-response.html
  it.each([
    ['whatever the status', `{ statusCode: 500, body: 'sorry' }`, 'sorry'],
    // serverless/serverless#6816
    ['even if it is empty', '{ statusCode: 200 }', ''],
  ])('of a two-way route is its body, %s', async (_case, result, frame) => {
    await startTwoWay(answering(result));
    const client = await sandbox.connect();
    client.send({ action: 'task' });
    expect(await client.next()).toBe(frame);
  });

  it('of a one-way route is discarded', async () => {
    await startTwoWay(answering(`{ statusCode: 200, body: 'unheard' }`), { returnsResponse: false });
    const client = await sandbox.connect();
    client.send({ action: 'task' });
    await sandbox.gateway.settled();
    client.send({ action: 'ping' });
    expect(await client.next()).toBe('pong');
  });

  // aws-samples/simple-websockets-chat-app#42; aws/aws-cdk#18208; nearst/laconia#41
  describe.each([true, false])('is Internal server error, two-way: %s, when the function', (returnsResponse) => {
    it.each([
      ['throws', `export const handler = async () => { throw new Error('secret'); };`, {}],
      ['answers without statusCode', answering(`{ body: 'x' }`), {}],
      ['answers with a body that is no string', answering('{ statusCode: 200, body: {} }'), {}],
      ['may not be invoked', answering('{ statusCode: 200 }'), { mayInvoke: false }],
    ])('%s', async (_case, source, route) => {
      await startTwoWay(source, { returnsResponse, ...route });
      const client = await sandbox.connect();
      client.send({ action: 'task' });
      expect(await client.next()).toMatch(
        /^{"message": "Internal server error", "connectionId":"[\w-]{15}=", "requestId":"[\w-]{15}="}$/,
      );
    });
  });

  // Kludex/mangum#128
  it('is Endpoint request timed out after the integration timeout', async () => {
    await startTwoWay('export const handler = async () => await new Promise(() => {});', { integrationTimeoutMs: 50 });
    const client = await sandbox.connect();
    client.send({ action: 'task' });
    expect(await client.next()).toMatch(
      /^{"message": "Endpoint request timed out", "connectionId":"[\w-]{15}=", "requestId":"[\w-]{15}="}$/,
    );
  });
});

describe('frames', () => {
  const routes = { $default: { functionName: 'task', returnsResponse: true }, $disconnect: 'disconnect' };
  const length = `export const handler = async ({ body }) => ({ statusCode: 200, body: String(body.length) });`;
  const startFrames = (limits = {}) => start({ functions: { task: length, disconnect: tell() }, routes, limits });

  // D/websocket-api-develop-binary-media-types.html
  it('that are binary close the connection with 1003', async () => {
    await startFrames();
    const client = await sandbox.connect();
    client.socket.send(Buffer.from('x'));
    expect(await client.closed).toMatchObject({ code: 1003 });
    expect(await nextEvent('disconnect')).toMatchObject({ requestContext: { disconnectStatusCode: 1003 } });
    expect(sandbox.metering.snapshot().lambda['task']).toBeUndefined();
  });

  // D/apigateway-execution-service-websocket-limits-table.html
  it('of 32 KB are taken', async () => {
    await startFrames();
    const client = await sandbox.connect();
    client.send('x'.repeat(32 * 1024));
    expect(await client.next()).toBe(String(32 * 1024));
  });

  it('above 32 KB close the connection with 1009', async () => {
    await startFrames();
    const client = await sandbox.connect();
    client.send('x'.repeat(32 * 1024 + 1));
    expect(await client.closed).toMatchObject({ code: 1009 });
    expect(await nextEvent('disconnect')).toMatchObject({ requestContext: { disconnectStatusCode: 1009 } });
    expect(sandbox.metering.snapshot().lambda['task']).toBeUndefined();
  });

  it.each([
    ['of 128 KB in several frames is taken', 4, '131072'],
    ['above 128 KB in several frames closes the connection with 1009', 5, 1009],
  ])('a message %s', async (_case, frames, outcome) => {
    await startFrames();
    const client = await sandbox.connect();
    for (let frame = 1; frame <= frames; frame += 1) {
      client.socket.send('x'.repeat(32 * 1024), { fin: frame === frames });
    }
    if (typeof outcome === 'string') expect(await client.next()).toBe(outcome);
    else expect(await client.closed).toMatchObject({ code: outcome });
  });

  // RFC 6455 §5.5.3; AWS documents no pings of its own
  it('that are pings are answered with pongs', async () => {
    await startFrames();
    const client = await sandbox.connect();
    client.socket.ping('beat');
    const [data] = (await once(client.socket, 'pong')) as [Buffer];
    expect(data.toString()).toBe('beat');
  });
});

// D/apigateway-execution-service-websocket-limits-table.html
describe('a connection ends with 1001', () => {
  const minutes = 60_000;
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(() => void vi.useRealTimers());

  async function startBeating() {
    await start({
      functions: { task: `export const handler = async () => ({ statusCode: 200, body: 'ok' });`, disconnect: tell() },
      routes: { $default: { functionName: 'task', returnsResponse: true }, $disconnect: 'disconnect' },
    });
    const client = await sandbox.connect();
    const beat = async () => {
      client.send('beat');
      expect(await client.next()).toBe('ok');
    };
    return { client, beat };
  }

  it('when nothing was said for 10 minutes', async () => {
    const { client, beat } = await startBeating();
    vi.advanceTimersByTime(9 * minutes);
    await beat();
    vi.advanceTimersByTime(9 * minutes);
    await beat();
    vi.advanceTimersByTime(10 * minutes);
    expect(await client.closed).toEqual({ code: 1001, reason: 'Going away' });
    expect(await nextEvent('disconnect')).toMatchObject({
      requestContext: { disconnectStatusCode: 1001, disconnectReason: 'Going away' },
    });
  });

  it('after 2 hours, however much was said', async () => {
    const { client, beat } = await startBeating();
    for (let passed = 0; passed < 119; passed += 7) {
      vi.advanceTimersByTime(7 * minutes);
      await beat();
    }
    vi.advanceTimersByTime(1 * minutes);
    expect(await client.closed).toEqual({ code: 1001, reason: 'Going away' });
  });
});

it('counts connections and messages', async () => {
  await start({
    functions: { task: `export const handler = async () => ({ statusCode: 200, body: 'ok' });`, disconnect: tell() },
    routes: { $default: { functionName: 'task', returnsResponse: true }, $disconnect: 'disconnect' },
  });
  const client = await sandbox.connect();
  client.send('x');
  await client.next();
  expect(sandbox.metering.snapshot().gateway).toMatchObject({ connections: 1, messagesIn: 1, messagesOut: 1 });
  client.socket.close();
  await nextEvent('disconnect');
  expect(sandbox.metering.snapshot().gateway).toMatchObject({ connections: 0 });
});

it('tells its clients that the service restarts when it closes', async () => {
  await start({ functions: {} });
  const client = await sandbox.connect();
  await Promise.all([sandbox.gateway.close(), client.closed]);
  expect(await client.closed).toEqual({ code: 1012, reason: 'Service restart' });
});
