// What a client meets when it connects. Sources: D/ = docs.aws.amazon.com/apigateway/
// latest/developerguide/, otherwise the GitHub issue where somebody showed what AWS does.
import { once } from 'node:events';
import { connect as connectSocket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { startSandbox, tell, type Sandbox, type SandboxOptions } from '../sandbox.ts';

let sandbox: Sandbox;
async function start(options: SandboxOptions): Promise<Sandbox> {
  sandbox = await startSandbox(options);
  return sandbox;
}
afterEach(async () => await sandbox.close());

describe('the handshake', () => {
  // D/websocket-connect-route-subprotocol.html; dherault/serverless-offline#1301
  it.each([400, 403, 418])('fails with the status %d of $connect', async (status) => {
    await start({
      functions: { connect: tell(status), disconnect: tell() },
      routes: { $connect: 'connect', $disconnect: 'disconnect' },
    });
    expect((await sandbox.refusal()).status).toBe(status);
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
    expect((await sandbox.refusal()).status).toBe(502);
  });

  it('is 504 when $connect takes longer than the integration may', async () => {
    await start({
      functions: { connect: 'export const handler = async () => await new Promise(() => {});' },
      routes: { $connect: { functionName: 'connect', integrationTimeoutMs: 50 } },
    });
    expect((await sandbox.refusal()).status).toBe(504);
  });

  it('is 500 when API Gateway may not invoke $connect (aws/aws-cdk#18208)', async () => {
    await start({
      functions: { connect: tell() },
      routes: { $connect: { functionName: 'connect', mayInvoke: false } },
    });
    expect((await sandbox.refusal()).status).toBe(500);
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
    expect((await sandbox.refusal('prod')).status).toBe(403);
  });

  it('takes any name in the query for a name', async () => {
    await start({ functions: { connect: tell() }, routes: { $connect: 'connect' } });
    await sandbox.connect('?__proto__=x&constructor=y&constructor=z');
    const event = await sandbox.nextEvent('connect');
    expect(Object.entries(event['queryStringParameters'] as object)).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'z'],
    ]);
    expect(Object.entries(event['multiValueQueryStringParameters'] as object)).toEqual([
      ['__proto__', ['x']],
      ['constructor', ['y', 'z']],
    ]);
  });

  it.each(['/', '/test', 'http://'])('is answered at /%s: forbidden', async (path) => {
    await start({ functions: {} });
    expect((await sandbox.refusal(path)).status).toBe(403);
  });

  it.each(['//', '/%', '/%/@connections/%', '//test', 'http://[', `/${'x'.repeat(100_000)}`])(
    'of an odd path is answered, and the next one too: %.20s',
    async (target) => {
      await start({ functions: { connect: tell() }, routes: { $connect: 'connect' } });
      const socket = connectSocket(Number(new URL(sandbox.url).port), '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write(
        `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
      );
      const [answer] = (await once(socket, 'data')) as [Buffer];
      expect(answer.toString()).toMatch(/^HTTP\/1\.1 [45]\d\d /);
      socket.destroy();
      expect((await sandbox.refusal('/nowhere')).status).toBe(403);
    },
  );

  it('that fails in the gateway itself is 500', async () => {
    await start({
      functions: { authorize: tell() },
      routes: { $connect: 'authorize' },
      authorizer: { identitySources: ['nowhere.to.be.found'] },
    });
    expect((await sandbox.refusal()).status).toBe(500);
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
