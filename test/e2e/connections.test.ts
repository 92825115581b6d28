// Who is let in, who has to go for whom, and what a connection is worth when the mailbox does not know it.
import { DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWTPayload } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { isVoid } from '../../src/protocol/slots.ts';
import { connect, refusal, type ConnectOptions, type TestClient } from '../support/client.ts';
import { scan, startCloud } from '../support/cloud.ts';

let cloud: Cloud;
let privateKey: CryptoKey;
beforeAll(async () => {
  const keys = await generateKeyPair('ES256');
  privateKey = keys.privateKey;
  cloud = await startCloud({
    environment: {
      IM_SETTINGS: JSON.stringify({ devicesPerPlatform: { ios: 2 } }),
      TOKEN_KEYS: JSON.stringify({ ...(await exportJWK(keys.publicKey)), alg: 'ES256' }),
      TOKEN_ISSUER: 'https://id.example.com',
      TOKEN_AUDIENCE: 'chat',
      ALLOWED_ORIGINS: 'https://two.example.com,capacitor://localhost',
    },
  });
});
afterAll(() => cloud.close());

let users = 0;
const newUser = (name: string) => `${name}-${++users}`;

const secondsFromNow = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;
const signToken = (claims: JWTPayload) =>
  new SignJWT({ iss: 'https://id.example.com', aud: 'chat', exp: secondsFromNow(3600), ...claims })
    .setProtectedHeader({ alg: 'ES256' })
    .sign(privateKey);
const enter = async (sub: string, options: ConnectOptions = {}) =>
  connect(cloud, sub, { token: await signToken({ sub }), ...options });
const refuse = async (sub: string, options: ConnectOptions = {}) =>
  refusal(cloud, sub, { token: await signToken({ sub }), ...options });

describe('P1.2: tokens', () => {
  test.each([
    ['nbf 3 s ahead', () => ({ nbf: secondsFromNow(3) })],
    ['exp 1 s ago', () => ({ exp: secondsFromNow(-1) })],
    ['this app among the audiences', () => ({ aud: ['shop', 'chat'] })],
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
    ['issued 25 h ago, whatever its exp', () => ({ iat: secondsFromNow(-25 * 3600) })],
    ['another app of the same keys', () => ({ aud: 'shop' })],
    ['no audience', () => ({ aud: undefined })],
    ['another issuer of the same keys', () => ({ iss: 'https://id.example.org' })],
    ['no issuer', () => ({ iss: undefined })],
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

const kickedBy = (deviceId: string) => ({
  push: 'kicked',
  reason: 'replaced',
  by: { deviceId, platform: 'web' },
});
const resuming = (deviceId: string) => ({
  query: new URLSearchParams({ deviceId, platform: 'web', resume: '1' }).toString(),
});

describe('P1.8: a takeover is remembered', () => {
  test.each(['ping', 'sync', 'send', 'history', 'device', 'nonsense'])(
    'who comes back by itself is told at its first request, %s, and kicks nobody',
    async (action) => {
      const bobId = newUser('bob');
      const old = await enter(bobId, { deviceId: 'old', platform: 'web' });
      await old.close();
      const heir = await enter(bobId, { deviceId: 'heir', platform: 'web' });
      const back = await enter(bobId, resuming('old'));
      back.socket.send(JSON.stringify({ action, id: 'r' }));
      await back.closed;
      expect(back.pushes).toEqual([kickedBy('heir')]);
      expect(await heir.request('ping')).toMatchObject({ ok: true });

      // Also when the other one is not there any more; only a user who asks for it gets the platform back.
      await heir.close();
      const again = await enter(bobId, resuming('old'));
      again.socket.send(JSON.stringify({ action, id: 'r' }));
      await again.closed;
      const asked = await enter(bobId, { deviceId: 'old', platform: 'web' });
      expect(await asked.request('ping')).toMatchObject({ ok: true });
      const late = await enter(bobId, resuming('heir'));
      late.socket.send(JSON.stringify({ action, id: 'r' }));
      await late.closed;
      expect(late.pushes).toEqual([kickedBy('old')]);
      expect(await asked.request('ping')).toMatchObject({ ok: true });
    },
  );

  test('who was not replaced comes back as before', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    const first = await enter(bobId, { deviceId: 'browser', platform: 'web' });
    await first.close();
    await enter(bobId, { deviceId: 'phone' });
    const back = await enter(bobId, resuming('browser'));
    const alice = await enter(aliceId);
    await alice.send(`user:${bobId}`, 'hello');
    expect(await back.eventsUpTo(1)).toHaveLength(1);
    expect(await refuse(bobId, { query: 'deviceId=browser&platform=web&resume=maybe' })).toBe(400);
  });
});

describe('P1.9: a connection that the mailbox does not know', () => {
  const updateMailbox = async (userId: string, expression: string, value?: string) => {
    const client = new DynamoDBClient({
      endpoint: cloud.dynamoDbEndpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    });
    await client.send(
      new UpdateItemCommand({
        TableName: cloud.model.tables.find(({ name }) => name === 'Users')!.tableName,
        Key: { userId: { S: userId }, item: { S: 'HEAD' } },
        UpdateExpression: expression,
        ExpressionAttributeNames: { '#connection': 'c#phone' },
        ...(value && { ExpressionAttributeValues: { ':value': { S: value } } }),
      }),
    );
    client.destroy();
  };

  test.each(['ping', 'sync'])('is registered again by its next %s', async (action) => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    const bob = await enter(bobId);
    const alice = await enter(aliceId);
    await updateMailbox(bobId, 'REMOVE #connection');
    expect(await bob.request(action)).toMatchObject({ ok: true, mailbox: expect.any(String) as string });
    await alice.send(`user:${bobId}`, 'can you hear me?');
    expect(await bob.eventsUpTo(1)).toHaveLength(1);
  });

  test('takes its place back from an older one of the same device', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    const bob = await enter(bobId);
    await updateMailbox(bobId, 'SET #connection = :value', 'older= ios 1 zzzzzz');
    await bob.request('ping');
    const alice = await enter(aliceId);
    await alice.send(`user:${bobId}`, 'can you hear me?');
    expect(await bob.eventsUpTo(1)).toHaveLength(1);
  });

  test('is told, when another one took over', async () => {
    const bobId = newUser('bob');
    const old = await enter(bobId, { deviceId: 'old', platform: 'web' });
    const heir = await enter(bobId, { deviceId: 'heir', platform: 'web' });
    await old.closed;
    expect(old.pushes).toEqual([kickedBy('heir')]);
    expect(await heir.request('ping')).toMatchObject({ ok: true });
  });

  test('handshakes of one platform at once: one stays, nobody is connected and deaf', async () => {
    const bobId = newUser('bob');
    const alice = await enter(newUser('alice'));
    cloud.setFaults({ seed: 3, dynamodb: { latencyMs: [5, 40] } });
    try {
      for (let round = 0; round < 12; round++) {
        const devices = await Promise.all(
          ['one', 'two'].map((deviceId) =>
            enter(bobId, { deviceId: `${deviceId}-${round}`, platform: 'web' }),
          ),
        );
        // Whoever is not to stay is told now at the latest.
        for (const device of devices) device.socket.send('{"action":"ping","id":"r"}');
        const isOver = (device: TestClient) => device.pushes.some((push) => push['push'] === 'kicked');
        await Promise.all(
          devices.map((device) =>
            device.until(() => isOver(device) || device.frames.some(({ id }) => id === 'r'), 'an answer'),
          ),
        );
        await Promise.race(devices.map(({ closed }) => closed));
        const staying = devices.filter((device) => !isOver(device));
        expect(staying).toHaveLength(1);
        const heard = staying[0]!.events.length;
        await alice.send(`user:${bobId}`, `round ${round}`);
        await staying[0]!.until(() => staying[0]!.events.length > heard, 'the message');
      }
    } finally {
      cloud.clearFaults();
    }
  }, 60_000);

  test('a hundred handshakes of one platform, twenty-five at once: one connection stays, and is pushed to', async () => {
    const bobId = newUser('bob');
    const alice = await enter(newUser('alice'));
    const devices: TestClient[] = [];
    for (let wave = 0; wave < 4; wave++) {
      const ids = Array.from({ length: 25 }, (_, index) => `d-${wave}-${index}`);
      devices.push(
        ...(await Promise.all(ids.map((deviceId) => enter(bobId, { deviceId, platform: 'web' })))),
      );
    }
    const isOver = ({ socket, pushes }: TestClient) =>
      socket.readyState !== socket.OPEN || pushes.some((push) => push['push'] === 'kicked');
    // One after another: whoever is not to stay is told now at the latest.
    for (const device of devices) {
      if (!isOver(device)) device.socket.send('{"action":"ping","id":"r"}');
      await Promise.race([
        device.closed,
        device.until(() => isOver(device) || device.frames.some(({ id }) => id === 'r'), 'an answer'),
      ]);
    }
    const staying = devices.filter((device) => !isOver(device));
    expect(staying).toHaveLength(1);
    await alice.send(`user:${bobId}`, 'who is there?');
    await staying[0]!.eventsUpTo(1);
    const [head] = (await scan(cloud, 'Users')).filter(
      ({ userId, item }) => userId === bobId && item === 'HEAD',
    );
    expect(Object.keys(head!).filter((name) => name.startsWith('c#'))).toHaveLength(1);
  }, 90_000);
});

describe('P1.6: after its token’s expiry a connection', () => {
  test('is pushed nothing, closed by the next push, and its device counts as away', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    const alice = await enter(aliceId);
    const exp = secondsFromNow(-1);
    const bob = await enter(bobId, { token: await signToken({ sub: bobId, exp }) });
    expect(await bob.request('device', { pushToken: `token of ${bobId}` })).toMatchObject({ ok: true });
    let sent = 0;
    while (bob.socket.readyState === bob.socket.OPEN) {
      expect(await alice.send(`user:${bobId}`, `${++sent}`)).toMatchObject({ ok: true });
      await cloud.settled();
    }
    const heard = bob.events.map(({ message }) => (isVoid(message) ? Infinity : message.serverTime));
    expect(heard.length).toBeGreaterThan(0);
    expect(heard.length).toBeLessThan(sent);
    expect(Math.max(...heard)).toBeLessThanOrEqual((exp + 5) * 1_000);
    const waiting = (await scan(cloud, 'OfflineQueue')).filter(({ userId }) => userId === bobId);
    expect(waiting).toMatchObject([{ deviceId: 'phone', count: sent - heard.length }]);
    const [head] = (await scan(cloud, 'Users')).filter(
      ({ userId, item }) => userId === bobId && item === 'HEAD',
    );
    expect(head).not.toHaveProperty(['c#phone']);
  });

  test('is not pushed what is not stored either', async () => {
    const [aliceId, bobId] = [newUser('alice'), newUser('bob')];
    const alice = await enter(aliceId);
    const bob = await enter(bobId, {
      token: await signToken({ sub: bobId, exp: secondsFromNow(-1) }),
    });
    await alice.send(`user:${bobId}`, 'hello');
    while (bob.socket.readyState === bob.socket.OPEN)
      await alice.send(`user:${bobId}`, 'puff', { ephemeral: true });
    const before = bob.pushes.length;
    expect(await alice.send(`user:${bobId}`, 'puff', { ephemeral: true })).toMatchObject({ ok: true });
    expect(bob.pushes).toHaveLength(before);
  });
});

describe('P5.2b: a mailbox', () => {
  test('has a name, the same for every device and at every time, and another for each user', async () => {
    const bobId = newUser('bob');
    const phone = await enter(bobId);
    const { mailbox } = await phone.request('sync');
    const laptop = await enter(bobId, { deviceId: 'laptop', platform: 'desktop' });
    expect(await laptop.request('ping')).toMatchObject({ mailbox });
    expect(await laptop.request('sync', { after: 7 })).toMatchObject({ reset: true, mailbox });
    const other = await (await enter(newUser('carol'))).request('ping');
    expect(other['mailbox']).not.toBe(mailbox);
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
