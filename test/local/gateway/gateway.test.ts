// Messages, their routes and answers, and the limits of a connection. Sources: D/ = docs.aws.amazon.com/apigateway/
// latest/developerguide/, otherwise the GitHub issue where somebody showed what AWS does.
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { echo, startSandbox, tell, type Sandbox, type SandboxOptions } from '../sandbox.ts';

let sandbox: Sandbox;
async function start(options: SandboxOptions): Promise<Sandbox> {
  sandbox = await startSandbox(options);
  return sandbox;
}
afterEach(async () => await sandbox.close());

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
    await start({
      functions: { connect: tell(), default: echo },
      routes: { $connect: 'connect', $default: two },
    });
    const client = await sandbox.connect();
    client.send(frame);
    expect(JSON.parse(await client.next())).toMatchObject({
      body: frame,
      requestContext: { routeKey: '$default' },
    });
  });

  // aws-samples/simple-websockets-chat-app#24, byte for byte
  it('no $default: Forbidden, and the connection stays open', async () => {
    await start({
      functions: { send: echo },
      routes: { send: { functionName: 'send', returnsResponse: true } },
    });
    const client = await sandbox.connect();
    client.send('hello');
    expect(await client.next()).toMatch(
      /^{"message": "Forbidden", "connectionId":"[\w-]{15}=", "requestId":"[\w-]{15}="}$/,
    );
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

  // D/apigateway-execution-service-websocket-limits-table.html: 128 KB, both ways
  it('of 128 KB is sent, a longer one is not', async () => {
    await startTwoWay(
      `export const handler = async ({ body }) => ({ statusCode: 200, body: 'x'.repeat(JSON.parse(body).length) });`,
    );
    const client = await sandbox.connect();
    client.send({ action: 'task', length: 128 * 1024 });
    expect(await client.next()).toHaveLength(128 * 1024);
    client.send({ action: 'task', length: 128 * 1024 + 1 });
    expect(await client.next()).toMatch(/^{"message": "Internal server error", /);
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
  describe.each([true, false])(
    'is Internal server error, two-way: %s, when the function',
    (returnsResponse) => {
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
    },
  );

  // Kludex/mangum#128
  it('is Endpoint request timed out after the integration timeout', async () => {
    await startTwoWay('export const handler = async () => await new Promise(() => {});', {
      integrationTimeoutMs: 50,
    });
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
  const startFrames = (limits = {}) =>
    start({ functions: { task: length, disconnect: tell() }, routes, limits });

  // D/websocket-api-develop-binary-media-types.html
  it('that are binary close the connection with 1003', async () => {
    await startFrames();
    const client = await sandbox.connect();
    client.socket.send(Buffer.from('x'));
    expect(await client.closed).toMatchObject({ code: 1003 });
    expect(await sandbox.nextEvent('disconnect')).toMatchObject({
      requestContext: { disconnectStatusCode: 1003 },
    });
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
    expect(await sandbox.nextEvent('disconnect')).toMatchObject({
      requestContext: { disconnectStatusCode: 1009 },
    });
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
      functions: {
        task: `export const handler = async () => ({ statusCode: 200, body: 'ok' });`,
        disconnect: tell(),
      },
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
    expect(await sandbox.nextEvent('disconnect')).toMatchObject({
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
    functions: {
      task: `export const handler = async () => ({ statusCode: 200, body: 'ok' });`,
      disconnect: tell(),
    },
    routes: { $default: { functionName: 'task', returnsResponse: true }, $disconnect: 'disconnect' },
  });
  const client = await sandbox.connect();
  client.send('x');
  await client.next();
  expect(sandbox.metering.snapshot().gateway).toMatchObject({
    connections: 1,
    messagesIn: 1,
    messagesOut: 1,
  });
  client.socket.close();
  await sandbox.nextEvent('disconnect');
  expect(sandbox.metering.snapshot().gateway).toMatchObject({ connections: 0 });
});

it('tells its clients that the service restarts when it closes', async () => {
  await start({ functions: {} });
  const client = await sandbox.connect();
  await Promise.all([sandbox.gateway.close(), client.closed]);
  expect(await client.closed).toEqual({ code: 1012, reason: 'Service restart' });
});
