// Who is let in, who has to go for whom, and what a connection is worth when the mailbox does not know it.
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWTPayload } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { connect, refusal, type ConnectOptions } from '../support/client.ts';
import { startCloud } from '../support/cloud.ts';

let cloud: Cloud;
let privateKey: CryptoKey;
beforeAll(async () => {
  const keys = await generateKeyPair('ES256');
  privateKey = keys.privateKey;
  cloud = await startCloud({
    environment: {
      IM_SETTINGS: JSON.stringify({ devicesPerPlatform: { ios: 2 } }),
      TOKEN_KEYS: JSON.stringify({ ...(await exportJWK(keys.publicKey)), alg: 'ES256' }),
      ALLOWED_ORIGINS: 'https://two.example.com,capacitor://localhost',
    },
  });
});
afterAll(() => cloud.close());

let users = 0;
const newUser = (name: string) => `${name}-${++users}`;

const secondsFromNow = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;
const signToken = (claims: JWTPayload) =>
  new SignJWT({ exp: secondsFromNow(3600), ...claims }).setProtectedHeader({ alg: 'ES256' }).sign(privateKey);
const enter = async (sub: string, options: ConnectOptions = {}) =>
  connect(cloud, sub, { token: await signToken({ sub }), ...options });
const refuse = async (sub: string, options: ConnectOptions = {}) =>
  refusal(cloud, sub, { token: await signToken({ sub }), ...options });

describe('P1.2: tokens', () => {
  test.each([
    ['nbf 3 s ahead', () => ({ nbf: secondsFromNow(3) })],
    ['exp 2 s ago', () => ({ exp: secondsFromNow(-2) })],
    ['the device’s own deviceId', () => ({ deviceId: 'phone' })],
  ])('%s: let in', async (_, claims) => {
    const sub = newUser('bob');
    const client = await enter(sub, { token: await signToken({ sub, ...claims() }) });
    expect(client.socket.protocol).toBe('im.v1');
  });

  const unreadable = [42, ['x'], null, {}].map((deviceId): [string, () => object] => [
    `deviceId ${JSON.stringify(deviceId)}`,
    () => ({ deviceId }),
  ]);
  test.each<[string, () => object]>([
    ['nbf 60 s ahead', () => ({ nbf: secondsFromNow(60) })],
    ['exp 60 s ago', () => ({ exp: secondsFromNow(-60) })],
    ...unreadable,
  ])('%s: 401', async (_, claims) => {
    const sub = newUser('bob');
    expect(await refuse(sub, { token: await signToken({ sub, ...claims() }) })).toBe(401);
  });
});

describe('P1.7: devices of one platform', () => {
  test('live side by side as many as are configured; for one more the oldest goes', async () => {
    const bobId = newUser('bob');
    const phone = await enter(bobId);
    const pad = await enter(bobId, { deviceId: 'pad' });
    expect(await phone.request('ping')).toMatchObject({ ok: true });
    const watch = await enter(bobId, { deviceId: 'watch' });
    await phone.closed;
    expect(phone.pushes).toEqual([
      { push: 'kicked', reason: 'replaced', by: { deviceId: 'watch', platform: 'ios' } },
    ]);
    for (const device of [pad, watch]) expect(await device.request('ping')).toMatchObject({ ok: true });
  });
});

describe('P1.3: origins', () => {
  const from = (origin: string) => ({ socket: { headers: { Origin: origin } } });

  test.each(['https://two.example.com', 'https://Two.example.com:443', 'capacitor://localhost'])(
    '%s is let in',
    async (origin) => {
      const client = await enter(newUser('bob'), from(origin));
      expect(await client.request('ping')).toMatchObject({ ok: true });
    },
  );

  test.each([
    'http://two.example.com',
    'https://two.example.com:8443',
    'https://example.com',
    'null',
    'file://',
  ])('%s is not', async (origin) => {
    expect(await refuse(newUser('bob'), from(origin))).toBe(403);
  });
});
