// The @connections API, as the AWS SDK sees it. Sources: D/ = docs.aws.amazon.com/apigateway/latest/developerguide/
// (apigateway-how-to-call-websocket-api-connections.html), otherwise the GitHub issue where AWS's answer was shown.
import {
  DeleteConnectionCommand,
  GetConnectionCommand,
  PostToConnectionCommand,
  type ApiGatewayManagementApiClient,
} from '@aws-sdk/client-apigatewaymanagementapi';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startSandbox, tell, type Client, type FunctionSource, type Sandbox } from '../sandbox.ts';

/** Tells its connection id to whoever asks. */
const whoAmI = `export const handler = async ({ requestContext }) => ({ statusCode: 200, body: requestContext.connectionId });`;

/** What is allowed is POST alone. */
const poster: FunctionSource = {
  source: whoAmI,
  role: {
    name: 'poster-role',
    statements: [
      {
        effect: 'Allow',
        actions: ['execute-api:ManageConnections'],
        resources: ['arn:aws:execute-api:us-east-1:000000000000:abcdef1234/test/POST/@connections/*'],
      },
    ],
  },
};

const unknownId = 'AAAAAAAAAAAAAAA=';

let sandbox: Sandbox;
let api: ApiGatewayManagementApiClient;

beforeEach(async () => {
  sandbox = await startSandbox({
    functions: { task: whoAmI, disconnect: tell(), poster },
    routes: { $default: { functionName: 'task', returnsResponse: true }, $disconnect: 'disconnect' },
    limits: { bufferedBytes: 256 * 1024 },
  });
  api = sandbox.managementApi('task');
});

afterEach(async () => {
  vi.useRealTimers();
  api.destroy();
  await sandbox.close();
});

async function connect(): Promise<{ client: Client; ConnectionId: string }> {
  const client = await sandbox.connect('', { headers: { 'User-Agent': 'wscat' } });
  client.send('who am I?');
  return { client, ConnectionId: await client.next() };
}

const post = async (ConnectionId: string, Data: string | Uint8Array) =>
  await api.send(new PostToConnectionCommand({ ConnectionId, Data }));

function failure(name: string, httpStatusCode: number, message?: string): object {
  return { name, $metadata: { httpStatusCode }, ...(message && { message }) };
}

describe('POST', () => {
  it('delivers a text frame and answers 200', async () => {
    const { client, ConnectionId } = await connect();
    expect((await post(ConnectionId, '{"push":"sync"}')).$metadata.httpStatusCode).toBe(200);
    expect(await client.next()).toBe('{"push":"sync"}');
  });

  // localstack/localstack#4694
  it('to a well-formed id that is unknown is 410 GoneException', async () => {
    await expect(post(unknownId, 'x')).rejects.toMatchObject(failure('GoneException', 410));
    expect(sandbox.metering.snapshot().gateway).toMatchObject({ gone: 1 });
  });

  // georgeboot/laravel-echo-api-gateway#9
  it('answers 410 without a body, its type in a header', async () => {
    const { accessKeyId } = sandbox.credentialsFor('task');
    const response = await fetch(`${sandbox.endpoint}/@connections/${encodeURIComponent(unknownId)}`, {
      method: 'POST',
      headers: {
        authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20260101/us-east-1/execute-api/aws4_request`,
      },
      body: 'x',
    });
    expect(response.status).toBe(410);
    expect(response.headers.get('x-amzn-ErrorType')).toBe('GoneException');
    expect(await response.text()).toBe('');
  });

  it('to a malformed id is 400 BadRequestException (localstack/localstack#4694)', async () => {
    await expect(post('nobody', 'x')).rejects.toMatchObject(
      failure('BadRequestException', 400, 'Invalid connectionId: nobody'),
    );
  });

  it('of 128 KB is taken, above it is 413 PayloadTooLargeException', async () => {
    const { client, ConnectionId } = await connect();
    await post(ConnectionId, 'x'.repeat(128 * 1024));
    expect((await client.next()).length).toBe(128 * 1024);
    await expect(post(ConnectionId, 'x'.repeat(128 * 1024 + 1))).rejects.toMatchObject(
      failure('PayloadTooLargeException', 413),
    );
  });

  // gchq/sleeper#7494: "… or the WebSocket client side buffer is full"
  it('to a client that does not read is 429 LimitExceededException in the end', async () => {
    const { client, ConnectionId } = await connect();
    client.socket.pause();
    const frame = 'x'.repeat(128 * 1024);
    const flood = async () => {
      // What the kernel's buffers hold on the loopback is some MB.
      for (let posted = 0; posted < 1_000; posted += 1) await post(ConnectionId, frame);
    };
    await expect(flood()).rejects.toMatchObject(failure('LimitExceededException', 429));
    client.socket.resume();
  });
});

describe('GET', () => {
  it('answers when the connection was made and last active, and by whom', async () => {
    const { ConnectionId } = await connect();
    const before = await api.send(new GetConnectionCommand({ ConnectionId }));
    expect(before).toMatchObject({
      ConnectedAt: expect.any(Date),
      LastActiveAt: expect.any(Date),
      Identity: { SourceIp: '127.0.0.1', UserAgent: 'wscat' },
    });
    expect(before.LastActiveAt!.getTime()).toBeGreaterThanOrEqual(before.ConnectedAt!.getTime());
  });

  it('of nobody is 410', async () => {
    await expect(api.send(new GetConnectionCommand({ ConnectionId: unknownId }))).rejects.toMatchObject(
      failure('GoneException', 410),
    );
  });
});

describe('DELETE', () => {
  // boto/boto3#3789, aws/chalice#2060: always 1000, no code or reason of one's own
  it('closes with 1000, answers 204 and is told to $disconnect', async () => {
    const { client, ConnectionId } = await connect();
    const { $metadata } = await api.send(new DeleteConnectionCommand({ ConnectionId }));
    expect($metadata.httpStatusCode).toBe(204);
    expect(await client.closed).toMatchObject({ code: 1000 });
    expect(JSON.parse((await sandbox.nextLine('disconnect')).message)).toMatchObject({
      requestContext: { disconnectStatusCode: 1000, disconnectReason: 'Connection Closed Normally' },
    });
  });

  it('makes the connection gone at once, whether or not the client answers', async () => {
    const { client, ConnectionId } = await connect();
    client.socket.pause();
    await api.send(new DeleteConnectionCommand({ ConnectionId }));
    await expect(post(ConnectionId, 'x')).rejects.toMatchObject(failure('GoneException', 410));
    client.socket.resume();
  });
});

// aws-samples/serverless-patterns apigw-websocket-ack-connect-route
it('a connection cannot be posted to inside $connect: 410', async () => {
  const posting = `
    export const handler = async ({ requestContext: { connectionId } }) => {
      const headers = { authorization: 'AWS4-HMAC-SHA256 Credential=' + process.env.AWS_ACCESS_KEY_ID + '/20260101/us-east-1/execute-api/aws4_request' };
      const url = process.env.AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI + '/@connections/' + encodeURIComponent(connectionId);
      console.log((await fetch(url, { method: 'POST', headers, body: 'welcome' })).status);
      return { statusCode: 200 };
    };`;
  const early = await startSandbox({ functions: { connect: posting }, routes: { $connect: 'connect' } });
  await early.connect();
  expect(await early.nextLine('connect')).toMatchObject({ message: '410' });
  await early.close();
});

describe('access', () => {
  it('is by the role: what it does not allow is 403', async () => {
    const { client, ConnectionId } = await connect();
    const limited = sandbox.managementApi('poster');
    await limited.send(new PostToConnectionCommand({ ConnectionId, Data: 'x' }));
    expect(await client.next()).toBe('x');
    await expect(limited.send(new DeleteConnectionCommand({ ConnectionId }))).rejects.toMatchObject({
      name: 'AccessDeniedException',
      $metadata: { httpStatusCode: 403 },
      message: expect.stringContaining(
        `is not authorized to perform: execute-api:ManageConnections on resource: arn:aws:execute-api:us-east-1:000000000000:abcdef1234/test/DELETE/@connections/${ConnectionId}`,
      ),
    });
    limited.destroy();
  });

  it('is refused to who does not sign: 403 Missing Authentication Token', async () => {
    const response = await fetch(`${sandbox.endpoint}/@connections/${unknownId}`, {
      method: 'POST',
      body: 'x',
    });
    expect(response.status).toBe(403);
    expect(response.headers.get('x-amzn-errortype')).toBe('MissingAuthenticationTokenException');
    expect(await response.json()).toEqual({ message: 'Missing Authentication Token' });
  });

  it('is refused to credentials that nobody has: 403', async () => {
    const authorization =
      'AWS4-HMAC-SHA256 Credential=AKIANOBODY/20260101/us-east-1/execute-api/aws4_request';
    const response = await fetch(`${sandbox.endpoint}/@connections/${unknownId}`, {
      headers: { authorization },
    });
    expect(response.status).toBe(403);
    expect(response.headers.get('x-amzn-errortype')).toBe('UnrecognizedClientException');
  });
});

describe('a fault plan', () => {
  it('dropPush: 200, and nothing comes', async () => {
    const { client, ConnectionId } = await connect();
    sandbox.faults.set({ gateway: { dropPush: 1 } });
    await post(ConnectionId, 'lost');
    sandbox.faults.clear();
    await post(ConnectionId, 'kept');
    expect(await client.next()).toBe('kept');
  });

  it('duplicatePush: it comes twice', async () => {
    const { client, ConnectionId } = await connect();
    sandbox.faults.set({ gateway: { duplicatePush: 1 } });
    await post(ConnectionId, 'x');
    expect([await client.next(), await client.next()]).toEqual(['x', 'x']);
  });

  it('delayPushMs: 200 at once, delivery later, so that others overtake it', async () => {
    const { client, ConnectionId } = await connect();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    sandbox.faults.set({ gateway: { delayPushMs: [100, 100] } });
    await post(ConnectionId, 'first');
    sandbox.faults.clear();
    await post(ConnectionId, 'second');
    expect(await client.next()).toBe('second');
    vi.advanceTimersByTime(100);
    expect(await client.next()).toBe('first');
  });

  it('throttlePush: 429', async () => {
    const { ConnectionId } = await connect();
    sandbox.faults.set({ gateway: { throttlePush: 1 } });
    await expect(post(ConnectionId, 'x')).rejects.toMatchObject(failure('LimitExceededException', 429));
  });

  it('disconnect: the socket breaks, without a closing handshake', async () => {
    const { client, ConnectionId } = await connect();
    sandbox.faults.set({ gateway: { disconnect: 1 } });
    await expect(post(ConnectionId, 'x')).rejects.toMatchObject(failure('GoneException', 410));
    expect(await client.closed).toMatchObject({ code: 1006 });
    expect(JSON.parse((await sandbox.nextLine('disconnect')).message)).toMatchObject({
      requestContext: { disconnectStatusCode: 1006 },
    });
  });

  it('halfOpen: posts still get 200, the client hears and says nothing, and its end goes unnoticed', async () => {
    const { client, ConnectionId } = await connect();
    sandbox.faults.set({ gateway: { halfOpen: 1 } });
    await post(ConnectionId, 'unheard');
    sandbox.faults.clear();
    client.send('unheard, too');
    client.socket.close();
    await client.closed;
    expect((await post(ConnectionId, 'x')).$metadata.httpStatusCode).toBe(200);
    await sandbox.gateway.settled();
    expect(client.frames).toEqual([]);
    expect(sandbox.metering.snapshot()).toMatchObject({
      lambda: { task: { invocations: 1 } },
      gateway: { connections: 1, messagesIn: 1 },
    });
    expect(sandbox.metering.snapshot().lambda['disconnect']).toBeUndefined();
  });
});
