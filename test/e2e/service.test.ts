// The service API over real HTTP: who is let in, and users as the app's own backend makes and sees them. The requests are
// signed by the AWS SDK's signer, which the local cloud knows nothing of.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { createLog } from '../../local/log.ts';
import { startService } from '../../local/service/service.ts';
import { mailboxKey } from '../../src/core/tables.ts';
import { connect, refusal } from '../support/client.ts';
import { startCloud, tamper } from '../support/cloud.ts';
import { TestBackend } from '../support/service.ts';

let cloud: Cloud;
let backend: TestBackend;
beforeAll(async () => {
  cloud = await startCloud();
  backend = new TestBackend(cloud.service);
});
afterAll(() => cloud?.close());

const minutesFromNow = (minutes: number) => new Date(Date.now() + minutes * 60_000);

describe('P8.10 who is let in', () => {
  test('the developer endpoint tells where to call, and with which credentials', async () => {
    const response = await fetch(`${cloud.httpUrl}/dev/service`);
    const access = (await response.json()) as Record<string, string>;
    expect(access).toMatchObject({ region: 'us-east-1', service: 'execute-api' });
    expect(Object.keys(access).toSorted()).toEqual([
      'accessKeyId',
      'region',
      'secretAccessKey',
      'service',
      'url',
    ]);
    const mine = new TestBackend(access as never);
    expect(await mine.call('POST', '/v1/users', { users: [] })).toMatchObject({ status: 200 });
  });

  test('nobody is let in without a signature', async () => {
    const token = await cloud.issueToken('alice');
    const withToken = await backend.send('GET', '/v1/users/alice', {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(withToken.status).toBe(403);
    const { status, body, headers } = await backend.send('GET', '/v1/users/alice');
    expect({ status, body }).toEqual({ status: 403, body: { message: 'Forbidden' } });
    expect(headers.get('apigw-requestid')).toMatch(/./);
  });

  test.each([
    ['a wrong secret', { access: { secretAccessKey: 'wrong' } }],
    ['an unknown key', { access: { accessKeyId: 'AKIAUNKNOWN' } }],
    ['another service', { access: { service: 'lambda' } }],
    ['another region', { access: { region: 'eu-west-1' } }],
    ['another body than was signed', { sentBody: '{"users":[{"userId":"eve"}]}' }],
    ['another path than was signed', { sentPath: '/v1/others' }],
    ['a signature of six minutes ago', { signingDate: minutesFromNow(-6) }],
    ['a signature of the future', { signingDate: minutesFromNow(6) }],
  ])('nor with %s', async (_, call) => {
    const { status, body } = await backend.call('POST', '/v1/users', { users: [] }, call);
    expect({ status, body }).toEqual({ status: 403, body: { message: 'Forbidden' } });
  });

  test('clocks may differ by four minutes', async () => {
    const call = { signingDate: minutesFromNow(-4) };
    expect(await backend.call('POST', '/v1/users', { users: [] }, call)).toMatchObject({ status: 200 });
  });

  test('paths and queries with characters that are encoded are signed as others are', async () => {
    const answer = await backend.call('GET', '/v1/users/a%20b?x=1%2F2&a=%C3%A4');
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'bad_request' } } });
    const signedIn = await backend.call('GET', '/v1/users/nobody%40example.org');
    expect(signedIn).toMatchObject({ status: 404, body: { error: { code: 'user_not_found' } } });
  });

  test('whoever signs well may do what their policy names, route by route', async () => {
    const [policy] = cloud.model.managedPolicies;
    const [all] = policy!.statements;
    const resources = [`${cloud.model.httpApi!.arn}/GET/v1/users/*`];
    const managedPolicies = [{ name: 'lookers', statements: [{ ...all!, resources }] }];
    const model = { ...cloud.model, managedPolicies };
    const service = await startService({ model, invoke: cloud.invoke, log: createLog('quiet') });
    const looker = new TestBackend(service.access);
    expect(await looker.call('GET', '/v1/users/nobody')).toMatchObject({ status: 404 });
    const refused = await looker.call('POST', '/v1/users', { users: [] });
    expect(refused).toMatchObject({ status: 403, body: { message: 'Forbidden' } });
    await service.close();
  });
});

describe('P8.11 requests and errors', () => {
  test.each([
    ['GET', '/v1/users'],
    ['GET', '/v1/nothing'],
    ['DELETE', '/v1/users/alice/more'],
    ['GET', '/'],
  ])('%s %s is nothing that there is', async (method, path) => {
    const { status, body } = await backend.call(method, path);
    expect({ status, body }).toMatchObject({
      status: 404,
      body: { error: { code: 'not_found', retryable: false } },
    });
  });

  test.each([
    ['no JSON', '{', 'body: is not a JSON object'],
    ['no object', '[]', 'body: is not a JSON object'],
    ['nothing', undefined, 'users: is missing'],
    ['no list', { users: 'alice' }, 'users: must be Array, is "alice"'],
    ['no id', { users: [{ userId: 'a b' }] }, 'users.0.userId: may hold only letters, digits and _ . @ -'],
    ['too long a name', { users: [{ userId: 'a', name: 'x'.repeat(65) }] }, 'users.0.name: '],
    ['no such avatar', { users: [{ userId: 'a', avatar: 'ftp://x' }] }, 'users.0.avatar: '],
    ['a user twice', { users: [{ userId: 'a' }, { userId: 'a' }] }, 'users: must name each user once'],
    [
      'too many users',
      { users: Array.from({ length: 101 }, (_, n) => ({ userId: `u${n}` })) },
      'users: must hold at most 100',
    ],
  ])('%s is a bad request that says where', async (_, body, message) => {
    const answer = await backend.call('POST', '/v1/users', body);
    expect(answer.status).toBe(400);
    const error = answer.body['error'] as { code: string; message: string };
    expect(error.code).toBe('bad_request');
    expect(error.message.startsWith(message)).toBe(true);
  });
});

describe('P8.12 users', () => {
  test('are known before they first connect: by name, and to be written to', async () => {
    const users = [{ userId: 'uma', name: 'Uma', custom: { shop: 7 } }, { userId: 'vic' }];
    expect((await backend.call('POST', '/v1/users', { users })).body).toEqual({
      created: ['uma', 'vic'],
      existing: [],
    });
    const alice = await connect(cloud, 'alice');
    const { users: profiles } = await alice.request('profiles', { users: ['uma', 'vic'] });
    expect(profiles).toMatchObject([
      { userId: 'uma', name: 'Uma', custom: { shop: 7 }, version: 1 },
      { userId: 'vic', name: 'vic', version: 0 },
    ]);
    expect(await alice.send('user:uma', 'welcome')).toMatchObject({ ok: true, seq: 1 });
    await cloud.settled();
    const uma = await connect(cloud, 'uma');
    expect(await uma.request('sync', { after: 0 })).toMatchObject({
      events: [{ message: { body: { text: 'welcome' } } }],
    });
  });

  test('that exist stay as they are, however often they are made', async () => {
    const users = [{ userId: 'uma', name: 'Somebody else' }, { userId: 'wes' }];
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => backend.call('POST', '/v1/users', { users })),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(answers.filter(({ body }) => (body['created'] as string[]).includes('wes'))).toHaveLength(1);
    const alice = await connect(cloud, 'alice');
    expect(await alice.request('profiles', { users: ['uma'] })).toMatchObject({
      users: [{ name: 'Uma', version: 1 }],
    });
  });

  test('are described with their devices, and with what they have not read', async () => {
    await backend.call('POST', '/v1/users', { users: [{ userId: 'xia' }] });
    expect(await backend.call('GET', '/v1/users/xia')).toMatchObject({
      status: 200,
      body: { devices: [], online: false, lastSeen: null, unread: 0, unreadComplete: true },
    });
    const alice = await connect(cloud, 'alice');
    await alice.send('user:xia', 'one');
    await alice.send('user:xia', 'two');
    const xia = await connect(cloud, 'xia', { deviceId: 'phone' });
    await xia.request('preferences', { presence: false });
    expect((await backend.call('GET', '/v1/users/xia')).body).toMatchObject({
      devices: [{ deviceId: 'phone', online: true }],
      online: true,
      unread: 2,
    });
    await xia.close();
    await cloud.settled();
    const { body } = await backend.call('GET', '/v1/users/xia');
    expect(body).toMatchObject({ devices: [{ deviceId: 'phone', online: false }], online: false });
    expect(Date.now() - (body['lastSeen'] as number)).toBeLessThan(60_000);
    expect(await backend.call('GET', '/v1/users/nobody')).toMatchObject({ status: 404 });
  });
});

describe('P8.14 kicking', () => {
  const kick = (fields?: object) => backend.call('POST', '/v1/users/yara/kick', fields);

  test('ends the connections that are named, tells them why, and lets them come again', async () => {
    const phone = await connect(cloud, 'yara', { deviceId: 'phone', platform: 'ios' });
    const pad = await connect(cloud, 'yara', { deviceId: 'pad', platform: 'web' });
    expect((await kick({ platform: 'web', reason: 'signed out' })).body).toEqual({ kicked: ['pad'] });
    await pad.closed;
    expect(pad.pushes).toEqual([{ push: 'kicked', reason: 'signed out' }]);
    expect(await phone.request('ping')).toMatchObject({ ok: true });
    const again = await connect(cloud, 'yara', { deviceId: 'pad', platform: 'web' });
    expect((await kick({ deviceId: 'phone' })).body).toEqual({ kicked: ['phone'] });
    await phone.closed;
    expect(phone.pushes).toContainEqual({ push: 'kicked', reason: 'service' });
    expect(await again.request('ping')).toMatchObject({ ok: true });
    expect((await kick()).body).toEqual({ kicked: ['pad'] });
    await again.closed;
    await cloud.settled();
    expect(await kick()).toMatchObject({ status: 200, body: { kicked: [] } });
  });

  test('is heard of by who watches', async () => {
    const watcher = await connect(cloud, 'zoe');
    const phone = await connect(cloud, 'yara', { deviceId: 'phone', platform: 'ios' });
    expect(await watcher.request('watchPresence', { users: ['yara'] })).toMatchObject({
      users: [{ online: true }],
    });
    await kick();
    await phone.closed;
    await watcher.until(
      () => watcher.pushes.some(({ push, online }) => push === 'presence' && online === false),
      'that they are gone',
    );
  });

  test('needs a user, and a platform that there is', async () => {
    expect(await backend.call('POST', '/v1/users/nobody/kick')).toMatchObject({ status: 404 });
    const answer = await kick({ platform: 'toaster' });
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'bad_request' } } });
    expect((answer.body['error'] as { message: string }).message).toMatch(/^platform: must be one of/);
  });
});

describe('P8.17 bans', () => {
  const ban = (fields: object) => backend.call('POST', '/v1/users/bert/ban', fields);
  const devices = { deviceId: 'phone', platform: 'ios' } as const;

  test('end the connections that there are, refuse new ones with 403, and are over in time or by 0', async () => {
    const phone = await connect(cloud, 'bert', devices);
    const { status, body } = await ban({ seconds: 3_600, reason: 'spam' });
    expect(status).toBe(200);
    const until = body['until'] as number;
    expect(Math.abs(until - Date.now() - 3_600_000)).toBeLessThan(10_000);
    await phone.closed;
    expect(phone.pushes).toContainEqual({ push: 'kicked', reason: 'spam' });
    expect(await refusal(cloud, 'bert', devices)).toBe(403);
    expect((await backend.call('GET', '/v1/users/bert')).body).toMatchObject({
      online: false,
      bannedUntil: until,
    });
    expect((await ban({ seconds: 0 })).body).toEqual({ until: 0 });
    const again = await connect(cloud, 'bert', devices);
    expect(await again.request('ping')).toMatchObject({ ok: true });
    expect((await backend.call('GET', '/v1/users/bert')).body).not.toHaveProperty('bannedUntil');
  });

  test('leave others alone, and need a user', async () => {
    await ban({ seconds: 60 });
    const alice = await connect(cloud, 'alice');
    expect(await alice.request('ping')).toMatchObject({ ok: true });
    expect(await backend.call('POST', '/v1/users/nobody/ban', { seconds: 60 })).toMatchObject({
      status: 404,
    });
    for (const seconds of [-1, 1.5, '60', undefined, 1e12]) {
      expect(await ban({ seconds })).toMatchObject({
        status: 400,
        body: { error: { code: 'bad_request', message: expect.stringMatching(/^seconds: /) } },
      });
    }
  });
});

describe('P8.18 revocation', () => {
  test('refuses with 401 the tokens of before, ends their connections, and lets new ones in', async () => {
    const old = await cloud.issueToken('ruth');
    const phone = await connect(cloud, 'ruth', { deviceId: 'phone', token: old });
    expect(await backend.call('POST', '/v1/users/ruth/revoke')).toMatchObject({ status: 200, body: {} });
    await phone.closed;
    expect(phone.pushes).toContainEqual({ push: 'kicked', reason: 'revoked' });
    expect(await refusal(cloud, 'ruth', { deviceId: 'phone', token: old })).toBe(401);
    const back = await connect(cloud, 'ruth', { deviceId: 'phone' });
    expect(await back.request('ping')).toMatchObject({ ok: true });
    expect(await backend.call('POST', '/v1/users/nobody/revoke')).toMatchObject({ status: 404 });
  });

  test('takes the place of no device: who comes with an old token changes nothing', async () => {
    const old = await cloud.issueToken('rosa');
    await connect(cloud, 'rosa', { deviceId: 'pad', platform: 'ios' });
    await backend.call('POST', '/v1/users/rosa/revoke');
    await cloud.settled();
    const phone = await connect(cloud, 'rosa', { deviceId: 'phone', platform: 'ios' });
    const thief = { deviceId: 'stolen', platform: 'ios', token: old } as const;
    expect(await refusal(cloud, 'rosa', thief)).toBe(401);
    expect(await phone.request('ping')).toMatchObject({ ok: true });
    const devices = (await backend.call('GET', '/v1/users/rosa')).body['devices'] as { deviceId: string }[];
    expect(devices.map(({ deviceId }) => deviceId)).toEqual(['pad', 'phone']);
  });

  test('a connection that is there all the same is ended by its next ping', async () => {
    const phone = await connect(cloud, 'rita');
    await tamper(cloud, 'Users', mailboxKey('rita'), { revokedAt: Date.now() + 1_000 });
    // No answer: the connection ends before it.
    phone.sendText('{"action":"ping","id":"p"}');
    await phone.closed;
    expect(phone.pushes).toContainEqual({ push: 'kicked', reason: 'revoked' });
  });
});
