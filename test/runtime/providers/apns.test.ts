// APNs as an HTTP/2 server of our own: what it is sent over which session, and what its answers come to.
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import {
  constants,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { jwtVerify } from 'jose';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createApns } from '../../../src/runtime/providers/apns.ts';
import { NotificationRefused } from '../../../src/runtime/providers/bulkhead.ts';
import { notification as anyNotification } from './notification.ts';

const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const privateKey = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const credentials = { teamId: 'TEAM', keyId: 'KEY', topic: 'com.example.chat', privateKey };
const pushToken = 'ab'.repeat(32);
const notification = { ...anyNotification, pushToken };

type Answer = { readonly status: number; readonly reason?: string } | 'cancel' | 'destroy' | 'silence';

/** Answers one after the other; the last one for ever. */
async function startApple(...answers: [Answer, ...Answer[]]) {
  const asked: { headers: IncomingHttpHeaders; body: string }[] = [];
  const sessions: ServerHttp2Session[] = [];
  const answerNext = async (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    let body = '';
    for await (const chunk of stream) body += String(chunk);
    const answer = answers[Math.min(asked.length, answers.length - 1)]!;
    asked.push({ headers, body });
    if (answer === 'silence') return;
    if (answer === 'cancel') return stream.close(constants.NGHTTP2_CANCEL);
    if (answer === 'destroy') return stream.session!.destroy();
    stream.respond({ ':status': answer.status });
    stream.end(answer.reason && JSON.stringify({ reason: answer.reason }));
  };
  const server = createServer();
  server.on('session', (session) => sessions.push(session));
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    void answerNext(stream, headers);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = () => {
    server.close();
    for (const session of sessions) session.destroy();
  };
  onTestFinished(stop);
  const state = { now: Date.now(), secret: JSON.stringify(credentials) };
  const options = {
    secret: async () => state.secret,
    now: () => state.now,
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  };
  return { provider: createApns(options), options, state, asked, sessions, stop };
}

const tokensOf = (asked: readonly { headers: IncomingHttpHeaders }[]) =>
  new Set(asked.map(({ headers }) => headers.authorization));

describe('APNs', () => {
  it('is sent an alert', async () => {
    const { provider, asked, state } = await startApple({ status: 200 });
    expect(await provider.send(notification)).toBe('sent');
    const { headers, body } = asked[0]!;
    expect(headers).toMatchObject({
      ':method': 'POST',
      ':path': `/3/device/${pushToken}`,
      'apns-topic': 'com.example.chat',
      'apns-push-type': 'alert',
      'apns-priority': '10',
      'apns-expiration': String(Math.floor(state.now / 1000) + 86_400),
      'apns-collapse-id': 'collapse',
      'apns-id': expect.stringMatching(
        /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      ),
    });
    expect(JSON.parse(body)).toEqual({
      aps: {
        alert: { title: 'alice', body: 'hi' },
        badge: 7,
        'thread-id': 'd:alice:bob',
        sound: 'default',
      },
      conversationId: 'd:alice:bob',
      seq: 9,
      count: 3,
    });
  });

  it('knows the same notification by its id, and no other', async () => {
    const { provider, asked } = await startApple({ status: 200 });
    await provider.send(notification);
    await provider.send(notification);
    await provider.send({ ...notification, notificationId: 'other' });
    const [first, second, third] = asked.map(({ headers }) => headers['apns-id']);
    expect(second).toBe(first);
    expect(third).not.toBe(first);
  });

  it('is told who of a group it is', async () => {
    const { provider, asked } = await startApple({ status: 200 });
    await provider.send({ ...notification, title: 'The team', fromName: 'Alice' });
    const { aps } = JSON.parse(asked[0]!.body) as { aps: object };
    expect(aps).toMatchObject({ alert: { title: 'The team', subtitle: 'Alice', body: 'hi' } });
  });

  it('is not sent what is not to be shown, nor a badge that is not known', async () => {
    const { provider, asked } = await startApple({ status: 200 });
    const { badge: _badge, ...rest } = notification;
    await provider.send({ ...rest, preview: null });
    const { aps } = JSON.parse(asked[0]!.body) as { aps: object };
    expect(aps).toEqual({ alert: { title: 'alice' }, 'thread-id': 'd:alice:bob', sound: 'default' });
  });

  it('is sent no more than it takes', async () => {
    const { provider, asked } = await startApple({ status: 200 });
    await provider.send({ ...notification, preview: '😀'.repeat(2_000), collapseId: 'é'.repeat(33) });
    const { headers, body } = asked[0]!;
    expect(Buffer.byteLength(body)).toBeLessThanOrEqual(4_096);
    expect((JSON.parse(body) as { aps: { alert: { body: string } } }).aps.alert.body).toMatch(/^(😀)+$/u);
    expect(headers['apns-collapse-id']).toMatch(/^[\w-]{43}$/);
  });

  it('is told who sends, for fifty minutes with the same token', async () => {
    const { provider, asked, state } = await startApple({ status: 200 });
    await provider.send(notification);
    const token = /^bearer (\S+)$/.exec(asked[0]!.headers.authorization!)![1]!;
    const { payload, protectedHeader } = await jwtVerify(token, keys.publicKey, { issuer: 'TEAM' });
    expect(protectedHeader).toEqual({ alg: 'ES256', kid: 'KEY' });
    expect(payload).toEqual({ iss: 'TEAM', iat: Math.floor(state.now / 1000) });
    state.now += 50 * 60_000 - 1;
    await provider.send(notification);
    expect(tokensOf(asked).size).toBe(1);
    state.now += 1;
    await provider.send(notification);
    expect(tokensOf(asked).size).toBe(2);
  });

  it('is told with another token when the secret is another one', async () => {
    const { provider, asked, state } = await startApple({ status: 200 });
    await provider.send(notification);
    state.secret = JSON.stringify({ ...credentials, keyId: 'OTHER' });
    await provider.send(notification);
    expect(tokensOf(asked).size).toBe(2);
  });

  it('is spoken to over one session', async () => {
    const { provider, asked, sessions } = await startApple({ status: 200 });
    await Promise.all(Array.from({ length: 5 }, () => provider.send(notification)));
    await provider.send(notification);
    expect([asked.length, sessions.length]).toEqual([6, 1]);
  });

  it('is spoken to over a new session when the one before has gone away', async () => {
    const { provider, sessions } = await startApple({ status: 200 });
    await provider.send(notification);
    sessions[0]!.close();
    expect(await provider.send(notification)).toBe('sent');
    sessions[1]!.destroy();
    expect(await provider.send(notification)).toBe('sent');
    expect(sessions).toHaveLength(3);
  });

  it.each<Answer>([
    { status: 410, reason: 'Unregistered' },
    { status: 410 },
    { status: 400, reason: 'BadDeviceToken' },
    { status: 400, reason: 'DeviceTokenNotForTopic' },
  ])('knows by %o that the token is gone', async (answer) => {
    const { provider, asked } = await startApple(answer);
    expect(await provider.send(notification)).toBe('gone');
    expect(asked).toHaveLength(1);
  });

  it.each(['token-of-bob', 'ab', 'abc'.repeat(31), 'ab'.repeat(101), `../${pushToken}`, `${pushToken}?`])(
    'is not asked about %s, which is no token',
    async (pushToken) => {
      const { provider, asked } = await startApple({ status: 200 });
      expect(await provider.send({ ...notification, pushToken })).toBe('gone');
      expect(asked).toEqual([]);
    },
  );

  it('is asked once more with a new token when the one before has expired', async () => {
    const { provider, asked, state } = await startApple(
      { status: 200 },
      { status: 403, reason: 'ExpiredProviderToken' },
      { status: 200 },
    );
    await provider.send(notification);
    state.now += 60_000;
    expect(await provider.send(notification)).toBe('sent');
    const [first, second, third] = asked.map(({ headers }) => headers.authorization);
    expect(second).toBe(first);
    expect(third).not.toBe(first);
  });

  it('that goes on to find tokens expired is not asked for ever', async () => {
    const { provider, asked } = await startApple({ status: 403, reason: 'ExpiredProviderToken' });
    await expect(provider.send(notification)).rejects.toThrow('APNs answered 403 ExpiredProviderToken');
    expect(asked).toHaveLength(2);
  });

  it.each<Answer>([
    { status: 400, reason: 'BadTopic' },
    { status: 403, reason: 'InvalidProviderToken' },
    { status: 413 },
  ])('refuses the one notification with %o', async (answer) => {
    const { provider, asked } = await startApple(answer);
    await expect(provider.send(notification)).rejects.toBeInstanceOf(NotificationRefused);
    expect(asked).toHaveLength(1);
  });

  it.each<Answer>([
    { status: 429, reason: 'TooManyRequests' },
    { status: 500 },
    { status: 503, reason: 'Shutdown' },
    'cancel',
    'destroy',
  ])('is tried once more after %o', async (answer) => {
    const { provider, asked } = await startApple(answer, { status: 200 });
    expect(await provider.send(notification)).toBe('sent');
    expect(asked).toHaveLength(2);
  });

  it('is given up after two tries, with what it said and nothing of the notification', async () => {
    const { provider, asked } = await startApple({ status: 503, reason: pushToken.slice(0, 64) + '!' });
    const error = await provider.send(notification).catch((error: unknown) => error);
    expect(error).not.toBeInstanceOf(NotificationRefused);
    expect(error).toHaveProperty('message', 'APNs answered 503');
    expect(asked).toHaveLength(2);
  });

  it('that says nothing is waited for only so long', async () => {
    const { options } = await startApple('silence');
    const provider = createApns({ ...options, timeoutMs: 20 });
    await expect(provider.send(notification)).rejects.toThrow(/^APNs did not answer$/);
  });

  it('that said nothing is asked once more over another session', async () => {
    const { options, sessions } = await startApple('silence', { status: 200 });
    const provider = createApns({ ...options, timeoutMs: 1_000 });
    expect(await provider.send(notification)).toBe('sent');
    expect(sessions).toHaveLength(2);
  });

  it('that cannot be reached did not answer', async () => {
    const { provider, stop } = await startApple({ status: 200 });
    stop();
    await expect(provider.send(notification)).rejects.toThrow(/^APNs did not answer$/);
  });

  it.each([
    'hush',
    JSON.stringify({ ...credentials, topic: 'hush\n' }),
    JSON.stringify({ ...credentials, privateKey: 'hush' }),
  ])('needs a secret of use, and does not quote %o', async (secret) => {
    const { provider, state, asked } = await startApple({ status: 200 });
    state.secret = secret;
    const error = (await provider.send(notification).catch((error: unknown) => error)) as Error;
    expect(error.message).toMatch(/secret of apns/);
    expect(`${error.stack} ${String(error.cause)}`).not.toContain('hush');
    expect(asked).toEqual([]);
  });
});
