// FCM and its OAuth endpoint as servers of our own: what they are sent, and what their answers come to.
import { generateKeyPairSync } from 'node:crypto';
import { jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import { NotificationRefused } from '../../../src/runtime/providers/bulkhead.ts';
import { createFcm } from '../../../src/runtime/providers/fcm.ts';
import { startScriptedServer, type ScriptedAnswer } from '../scripted-server.ts';
import { notification } from './notification.ts';

const keys = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const pem = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const account = {
  type: 'service_account',
  project_id: 'chat-project',
  private_key_id: 'key-1',
  private_key: pem,
  client_email: 'push@chat-project.iam.gserviceaccount.com',
  token_uri: 'https://oauth2.googleapis.com/token',
};
const access = (token: string, seconds = 3_599): ScriptedAnswer => ({
  status: 200,
  body: JSON.stringify({ access_token: token, expires_in: seconds, token_type: 'Bearer' }),
});
const problem = (status: number, message: string, ...details: object[]): ScriptedAnswer => ({
  status,
  body: JSON.stringify({ error: { code: status, message, details } }),
});
const code = (errorCode: string) => ({
  '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError',
  errorCode,
});
const violation = (field: string) => ({
  '@type': 'type.googleapis.com/google.rpc.BadRequest',
  fieldViolations: [{ field, description: 'Invalid' }],
});

interface Script {
  readonly fcm?: [ScriptedAnswer, ...ScriptedAnswer[]];
  readonly oauth?: [ScriptedAnswer, ...ScriptedAnswer[]];
  readonly secret?: string;
}

async function startFcm(script: Script = {}) {
  const { fcm: answers = [{ status: 200 }], oauth: tokens = [access('access-1'), access('access-2')] } =
    script;
  const fcm = await startScriptedServer(...answers);
  const oauth = await startScriptedServer(...tokens);
  const state = { now: Date.now(), secret: script.secret ?? JSON.stringify(account) };
  const servers: Record<string, string> = {
    'https://fcm.googleapis.com': fcm.url,
    'https://oauth2.googleapis.com': oauth.url,
  };
  const provider = createFcm({
    secret: async () => state.secret,
    now: () => state.now,
    fetch: (input, init) => {
      const { origin, pathname } = new URL(input instanceof Request ? input.url : input);
      return fetch(`${servers[origin]}${pathname}`, init);
    },
  });
  return { provider, state, fcm: fcm.asked, oauth: oauth.asked, stop: fcm.stop };
}

describe('FCM', () => {
  it('is sent the message, for the project of the account', async () => {
    const { provider, fcm } = await startFcm();
    expect(await provider.send(notification)).toBe('sent');
    const { method, path, headers, body } = fcm[0]!;
    expect([method, path]).toEqual(['POST', '/v1/projects/chat-project/messages:send']);
    expect(headers).toMatchObject({
      authorization: 'Bearer access-1',
      'content-type': 'application/json',
    });
    expect(JSON.parse(body)).toEqual({
      message: {
        token: 'token-of-bob',
        notification: { title: 'alice', body: 'hi' },
        data: {
          fromName: 'alice',
          conversationId: 'd:alice:bob',
          seq: '9',
          count: '3',
          badge: '7',
          notificationId: 'notification',
        },
        android: { collapse_key: 'collapse', priority: 'high', notification: { tag: 'collapse' } },
        apns: { headers: { 'apns-collapse-id': 'collapse' }, payload: { aps: { badge: 7 } } },
      },
    });
  });

  it('is not sent what is not to be shown, nor a badge that is not known', async () => {
    const { provider, fcm } = await startFcm();
    const { badge: _badge, ...rest } = notification;
    await provider.send({ ...rest, preview: null });
    const { message } = JSON.parse(fcm[0]!.body) as { message: Record<string, unknown> };
    expect(message['notification']).toEqual({ title: 'alice' });
    expect(message['data']).not.toHaveProperty('badge');
    expect(message['apns']).toMatchObject({ payload: { aps: {} } });
  });

  it('is sent at most 4,096 bytes beside the token', async () => {
    const { provider, fcm } = await startFcm();
    await provider.send({ ...notification, preview: '😀'.repeat(2_000), pushToken: 't'.repeat(2_000) });
    const { message } = JSON.parse(fcm[0]!.body) as { message: { notification: { body: string } } };
    const sizeBytes = Buffer.byteLength(fcm[0]!.body);
    expect(sizeBytes).toBeGreaterThan(4_096);
    expect(sizeBytes).toBeLessThanOrEqual(6_096);
    expect(message.notification.body).toMatch(/^(😀)+$/u);
  });

  it('gives an access token for an assertion that the account signed', async () => {
    const { provider, oauth } = await startFcm();
    await provider.send(notification);
    expect([oauth[0]!.method, oauth[0]!.path]).toEqual(['POST', '/token']);
    expect(oauth[0]!.headers['content-type']).toContain('application/x-www-form-urlencoded');
    const form = new URLSearchParams(oauth[0]!.body);
    expect(form.get('grant_type')).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer');
    const { payload, protectedHeader } = await jwtVerify(form.get('assertion')!, keys.publicKey, {
      issuer: account.client_email,
      audience: account.token_uri,
    });
    expect(protectedHeader).toEqual({ alg: 'RS256', typ: 'JWT', kid: 'key-1' });
    expect(payload['scope']).toBe('https://www.googleapis.com/auth/firebase.messaging');
    expect(payload.exp! - payload.iat!).toBe(3_600);
  });

  it('is asked for one access token, however many want it, until a minute before its end', async () => {
    const { provider, oauth, fcm, state } = await startFcm();
    await Promise.all(Array.from({ length: 5 }, () => provider.send(notification)));
    state.now += 3_538_000;
    await provider.send(notification);
    expect(oauth).toHaveLength(1);
    state.now += 1_000;
    await provider.send(notification);
    expect(oauth).toHaveLength(2);
    expect(fcm.at(-1)!.headers.authorization).toBe('Bearer access-2');
  });

  it('is asked for another access token when the secret is another one', async () => {
    const { provider, oauth, state } = await startFcm();
    await provider.send(notification);
    state.secret = JSON.stringify({ ...account, private_key_id: 'key-2' });
    await provider.send(notification);
    expect(oauth).toHaveLength(2);
  });

  it('is asked once more with a new access token after a 401', async () => {
    const { provider, fcm } = await startFcm({ fcm: [{ status: 401 }, { status: 200 }] });
    expect(await provider.send(notification)).toBe('sent');
    expect(fcm.map(({ headers }) => headers.authorization)).toEqual(['Bearer access-1', 'Bearer access-2']);
  });

  it('that goes on to answer 401 is not asked for ever', async () => {
    const { provider, fcm } = await startFcm({ fcm: [{ status: 401 }] });
    await expect(provider.send(notification)).rejects.toThrow(/^FCM answered 401$/);
    expect(fcm).toHaveLength(2);
  });

  it.each([
    problem(404, 'Requested entity was not found.', code('UNREGISTERED')),
    { status: 404 },
    problem(400, 'Gone', code('UNREGISTERED')),
    problem(400, 'Request contains an invalid argument.', violation('message.token')),
    problem(400, 'The registration token is not a valid FCM registration token', code('INVALID_ARGUMENT')),
  ])('knows by %o that the token is gone', async (answer) => {
    const { provider } = await startFcm({ fcm: [answer] });
    expect(await provider.send(notification)).toBe('gone');
  });

  it.each([
    problem(
      400,
      'Request contains an invalid argument.',
      violation('message.data'),
      code('INVALID_ARGUMENT'),
    ),
    problem(403, 'SenderId mismatch', code('SENDER_ID_MISMATCH')),
    { status: 400, body: 'no JSON' },
  ])('refuses the one notification with %o', async (answer) => {
    const { provider } = await startFcm({ fcm: [answer] });
    await expect(provider.send(notification)).rejects.toBeInstanceOf(NotificationRefused);
  });

  it.each([429, 500, 503])('has trouble of its own with %i', async (status) => {
    const { provider } = await startFcm({ fcm: [problem(status, 'token-of-bob', code('UNAVAILABLE'))] });
    const error = await provider.send(notification).catch((error: unknown) => error);
    expect(error).not.toBeInstanceOf(NotificationRefused);
    expect(error).toHaveProperty('message', `FCM answered ${status} UNAVAILABLE`);
  });

  it('that cannot be reached did not answer', async () => {
    const { provider, stop } = await startFcm();
    stop();
    const error = await provider.send(notification).catch((error: unknown) => error);
    expect(error).not.toBeInstanceOf(NotificationRefused);
    expect(error).toHaveProperty('message', 'FCM did not answer');
  });

  it.each<[string, ScriptedAnswer]>([
    ['answered 400', { status: 400, body: 'assertion' }],
    ['answered no access token', { status: 200, body: 'access' }],
    ['answered no access token', access('access\n1')],
  ])('is not sent anything when its OAuth endpoint %s', async (message, answer) => {
    const { provider, fcm } = await startFcm({ oauth: [answer] });
    await expect(provider.send(notification)).rejects.toThrow(
      new RegExp(`^The OAuth endpoint of fcm ${message}$`),
    );
    expect(fcm).toEqual([]);
  });

  it.each([
    'hush',
    JSON.stringify({ ...account, token_uri: 'https://oauth2.example.org/token' }),
    JSON.stringify({ ...account, private_key: 'hush' }),
  ])('needs a secret of use, and does not quote %o', async (secret) => {
    const { provider, oauth } = await startFcm({ secret });
    const error = (await provider.send(notification).catch((error: unknown) => error)) as Error;
    expect(error.message).toMatch(/secret of fcm/);
    expect(`${error.stack} ${String(error.cause)}`).not.toContain('hush');
    expect(oauth).toEqual([]);
  });
});
