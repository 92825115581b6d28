// How a connection ends whose token is over. What the cloud says in that moment comes in an order that only a
// scripted server can choose.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';
import { Connection } from '../../../src/client/connection/connection.ts';
import { standardEnvironment } from '../../../src/client/environment.ts';
import { ImClient } from '../../../src/client/im-client.ts';
import { Recorder, nodeWebSocket } from '../devices.ts';

let server: WebSocketServer;
/** What the server says to a request. */
let say: (socket: WebSocket, id: string) => void;
let connections: number;

beforeEach(async () => {
  connections = 0;
  server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'im.v1' });
  server.on('connection', (socket) => {
    connections++;
    socket.on('message', (data) =>
      say(socket, (JSON.parse((data as Buffer).toString()) as { id: string }).id),
    );
  });
  await once(server, 'listening');
});
afterEach(async () => {
  for (const socket of server.clients) socket.terminate();
  await new Promise((resolve) => server.close(resolve));
});

const url = () => `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
const token = `x.${Buffer.from('{"sub":"alice"}').toString('base64url')}.x`;
const over = (id: string) =>
  JSON.stringify({
    id,
    ok: false,
    error: { code: 'unauthorized', message: 'the token is over', retryable: false },
  });

test('a request that meets a token that is over may be made again: the next connection has a fresh one', async () => {
  say = (socket, id) => socket.send(over(id));
  const connection = new Connection({
    url: url(),
    token,
    webSocket: nodeWebSocket,
    environment: standardEnvironment,
    onPush: () => {},
    cursorToTell: () => undefined,
    onHead: () => {},
    onServerTime: () => {},
  });
  await connection.opened;
  await expect(connection.request('read', { conversationId: 'd:alice:bob', seq: 3 })).rejects.toMatchObject({
    code: 'unauthorized',
    retryable: true,
  });
  expect(await connection.closed).toMatchObject({ opened: true, unauthorized: true });
});

test('P7: who is told to stay away when the token is over stays away', async () => {
  say = (socket, id) => {
    socket.send(over(id));
    socket.send(
      JSON.stringify({ push: 'kicked', reason: 'replaced', by: { deviceId: 'tablet', platform: 'web' } }),
    );
  };
  const seen = new Recorder();
  const im = await ImClient.open({
    url: url(),
    token: () => token,
    platform: 'web',
    deviceId: 'laptop',
    webSocket: nodeWebSocket,
    environment: { random: () => 0 },
    on: seen.listeners,
  });
  const kicked = seen.next('kicked');
  await expect(im.start()).rejects.toMatchObject({ code: 'kicked' });
  expect(await kicked).toMatchObject({ reason: 'replaced', by: { deviceId: 'tablet' } });
  expect(im.state).toBe('kicked');
  expect(connections).toBe(1);
  // It comes back when the app says so, and is told of the next one as well.
  await expect(im.start()).rejects.toMatchObject({ code: 'kicked' });
  expect(connections).toBe(2);
  expect(seen.of('kicked')).toHaveLength(2);
  await im.close();
});
