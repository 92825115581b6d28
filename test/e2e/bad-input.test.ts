// PROTOCOL: every bad input gets its documented answer, and nothing is stored.
import { randomUUID } from 'node:crypto';
import { generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { connect, refusal, type TestClient } from '../support/client.ts';
import { scan, startCloud } from '../support/cloud.ts';

let cloud: Cloud;
let alice: TestClient;

beforeAll(async () => {
  cloud = await startCloud();
  alice = await connect(cloud, 'alice');
  await connect(cloud, 'bob');
});
afterAll(() => cloud.close());

async function stored(): Promise<number> {
  const tables = await Promise.all([
    scan(cloud, 'Messages'),
    scan(cloud, 'Conversations'),
    scan(cloud, 'OfflineQueue'),
  ]);
  return tables.flat().length;
}

const valid = () => ({ to: 'user:bob', clientMsgId: randomUUID(), type: 'text', body: { text: 'hi' } });

describe('connecting', () => {
  const nothingChanged = async (status: Promise<number>, expected: number) => {
    const before = (await scan(cloud, 'Users')).length;
    expect(await status).toBe(expected);
    expect(await scan(cloud, 'Users')).toHaveLength(before);
  };
  const signed = async (algorithm: string, claims: (jwt: SignJWT) => SignJWT) => {
    const { privateKey } = await generateKeyPair(algorithm);
    return claims(new SignJWT()).setProtectedHeader({ alg: algorithm }).sign(privateKey);
  };

  test('P1.1: without a token: 401', () =>
    nothingChanged(refusal(cloud, 'x', { protocols: ['im.v1'] }), 401));
  test('P1.1: without any subprotocol: 401', () =>
    nothingChanged(refusal(cloud, 'x', { protocols: [] }), 401));
  test('P1.1: with a token in the query string alone: 401', async () =>
    nothingChanged(
      refusal(cloud, 'x', {
        protocols: ['im.v1'],
        query: `deviceId=a&platform=ios&token=${await cloud.issueToken('x')}`,
      }),
      401,
    ));
  test('P1.2: with an expired token: 401', async () =>
    nothingChanged(refusal(cloud, 'x', { token: await cloud.issueToken('x', -60) }), 401));
  test('P1.2: with a token that is none: 401', () =>
    nothingChanged(refusal(cloud, 'x', { token: 'a.b.c' }), 401));
  test('P1.2: signed with another key: 401', async () =>
    nothingChanged(
      refusal(cloud, 'x', {
        token: await signed('ES256', (jwt) => jwt.setSubject('x').setExpirationTime('1h')),
      }),
      401,
    ));
  test('P1.2: of an algorithm that the key is not of: 401', async () =>
    nothingChanged(
      refusal(cloud, 'x', {
        token: await signed('RS256', (jwt) => jwt.setSubject('x').setExpirationTime('1h')),
      }),
      401,
    ));
  test('P1.2: alg none: 401', async () =>
    nothingChanged(
      refusal(cloud, 'x', { token: new UnsecuredJWT({}).setSubject('x').setExpirationTime('1h').encode() }),
      401,
    ));
  test('P1.2: HS256: 401', async () =>
    nothingChanged(
      refusal(cloud, 'x', {
        token: await new SignJWT()
          .setProtectedHeader({ alg: 'HS256' })
          .setSubject('x')
          .setExpirationTime('1h')
          .sign(new TextEncoder().encode('a secret of at least thirty-two bytes')),
      }),
      401,
    ));
  test('P1.3: from a foreign origin: 403', () =>
    nothingChanged(refusal(cloud, 'x', { socket: { origin: 'https://evil.example' } }), 403));
  for (const query of [
    '',
    'deviceId=phone',
    'platform=ios',
    'deviceId=phone&platform=toaster',
    `deviceId=${encodeURIComponent('a b')}&platform=ios`,
    `deviceId=${'x'.repeat(65)}&platform=ios`,
  ]) {
    test(`P1.4: with the query "${query.slice(0, 40)}": 400`, () =>
      nothingChanged(refusal(cloud, 'x', { query }), 400));
  }
  test('P1.4: without the protocol version: 400', async () =>
    nothingChanged(refusal(cloud, 'x', { protocols: [`bearer.${await cloud.issueToken('x')}`] }), 400));
  test('P1.5: the server chooses im.v1, and never echoes the token', async () => {
    const carol = await connect(cloud, 'carol');
    expect(carol.socket.protocol).toBe('im.v1');
  });
});

describe('frames', () => {
  let before: number;
  beforeAll(async () => {
    before = await stored();
  });
  afterEach(async () => {
    expect(await stored()).toBe(before);
    expect(alice.socket.readyState).toBe(alice.socket.OPEN);
  });

  for (const [name, text] of [
    ['no JSON', 'hello'],
    ['an empty frame', ''],
    ['a JSON array', '[1]'],
    ['a JSON string', '"send"'],
    ['null', 'null'],
  ] as const) {
    test(`P2.4: ${name}: bad_request`, async () => {
      const answer = await alice.raw(text);
      expect(answer).toEqual({
        ok: false,
        error: { code: 'bad_request', message: expect.stringContaining('JSON object'), retryable: false },
      });
    });
  }
  for (const action of ['fly', '$connect', '$default', 'constructor', 7, null, { a: 1 }]) {
    test(`P2.4: action ${JSON.stringify(action)}: bad_request, with the id`, async () => {
      const answer = await alice.raw(JSON.stringify({ action, id: 'r1' }));
      expect(answer).toMatchObject({ id: 'r1', ok: false, error: { code: 'bad_request' } });
    });
  }

  const cases: [string, string, Record<string, unknown>, string][] = [
    ['send', 'to', {}, 'to: is missing'],
    ['send', 'to', { to: 7 }, 'to: must be string'],
    ['send', 'to', { to: 'bob' }, 'to: must be user:<userId>'],
    ['send', 'to', { to: 'd:zoe:alice' }, 'to: must be user:<userId>'],
    ['send', 'clientMsgId', { clientMsgId: undefined }, 'clientMsgId: is missing'],
    ['send', 'clientMsgId', { clientMsgId: 'short' }, 'clientMsgId: must have at least 8'],
    ['send', 'clientMsgId', { clientMsgId: 'x'.repeat(41) }, 'clientMsgId: must have at most 40'],
    ['send', 'clientMsgId', { clientMsgId: 'has space' }, 'clientMsgId: may hold only'],
    ['send', 'type', { type: 'hologram' }, 'type: must be'],
    ['send', 'type', { type: 'control', body: { op: 'recall', seq: 1 } }, 'type: must be'],
    ['send', 'body', { body: undefined }, 'body: is missing'],
    ['send', 'body', { body: 'hi' }, 'body: must be'],
    ['send', 'body', { body: {} }, 'body.text: is missing'],
    ['send', 'body', { body: { text: 5 } }, 'body.text: must be string'],
    ['send', 'silent', { silent: 'yes' }, 'silent: must be boolean'],
    ['sync', 'after', { after: -1 }, 'after:'],
    ['sync', 'after', { after: 1.5 }, 'after:'],
    ['sync', 'limit', { limit: 201 }, 'limit:'],
    ['sync', 'limit', { limit: 0 }, 'limit:'],
    ['history', 'conversationId', {}, 'conversationId: is missing'],
    ['history', 'conversationId', { conversationId: 'x' }, 'conversationId: must be'],
    ['history', 'before', { conversationId: 'd:alice:bob', before: 5, after: 1 }, 'before: give only one of'],
    ['history', 'limit', { conversationId: 'd:alice:bob', limit: 101 }, 'limit:'],
    ['read', 'seq', { conversationId: 'd:alice:bob', seq: 0 }, 'seq: must be >=1'],
    ['positions', 'conversationIds', { conversationIds: ['x'] }, 'conversationIds.0: must be'],
    ['receipts', 'seq', { conversationId: 'd:alice:bob' }, 'seq: is missing'],
    ['send', 'cursor', { cursor: -1 }, 'cursor: must be >=0'],
    ['ping', 'cursor', { cursor: 'x' }, 'cursor: must be number'],
    ['device', 'pushToken', {}, 'pushToken: is needed'],
    ['device', 'pushToken', { pushToken: 'ü'.repeat(2_049) }, 'pushToken: must have at most 4096 bytes'],
  ];
  for (const [action, field, fields, reason] of cases) {
    test(`P2.3: ${action} with ${field} wrong (${JSON.stringify(fields).slice(0, 50)}): says which field and why`, async () => {
      const request =
        action === 'send' && !(field === 'to' && !('to' in fields)) ? { ...valid(), ...fields } : fields;
      const { to: _, ...withoutTo } = valid();
      const answer = await alice.request(action, reason === 'to: is missing' ? withoutTo : request);
      expect(answer).toMatchObject({ ok: false, error: { code: 'bad_request', retryable: false } });
      expect((answer as unknown as { error: { message: string } }).error.message).toContain(reason);
    });
  }

  test('P2.2: a request without an id: bad_request', async () => {
    const answer = await alice.raw(JSON.stringify({ action: 'ping' }));
    expect(answer).toMatchObject({ ok: false, error: { code: 'bad_request', message: 'id: is missing' } });
  });
  test('P2.3: an oversize body: too_large', async () => {
    expect(await alice.request('send', { ...valid(), body: { text: 'x'.repeat(16_384) } })).toMatchObject({
      error: { code: 'too_large' },
    });
  });
  test('I8: somebody else’s conversation: not_member, for sending and for reading', async () => {
    expect(await alice.request('send', { ...valid(), to: 'd:bob:carol' })).toMatchObject({
      error: { code: 'not_member' },
    });
    expect(await alice.request('history', { conversationId: 'd:bob:carol' })).toMatchObject({
      error: { code: 'not_member' },
    });
    expect(await alice.request('history', { conversationId: 'g:secret' })).toMatchObject({
      error: { code: 'not_member' },
    });
  });
  test('a user who does not exist: user_not_found', async () => {
    expect(await alice.request('send', { ...valid(), to: 'user:nobody' })).toMatchObject({
      error: { code: 'user_not_found' },
    });
  });
  test('I8: from comes from the token, whatever the frame says', async () => {
    const zoe = await connect(cloud, 'zoe');
    await zoe.request('send', { ...valid(), to: 'user:zoe', from: 'bob', deviceId: 'other' });
    expect(await zoe.request('history', { conversationId: 'd:zoe:zoe' })).toMatchObject({
      messages: [{ from: 'zoe', deviceId: 'phone' }],
    });
    before = await stored();
  });
  test('prototype pollution: __proto__ in a body stays data', async () => {
    const answer = await alice.raw(
      `{"action":"send","id":"p","to":"user:nobody","clientMsgId":"12345678","type":"custom","body":{"__proto__":{"x":1}}}`,
    );
    expect(answer).toMatchObject({ id: 'p', ok: false, error: { code: 'user_not_found' } });
  });
});

test('P1.6: when the token expires, the next request answers unauthorized and the server closes', async () => {
  const client = await connect(cloud, 'dave', { token: await cloud.issueToken('dave', -1) });
  let answer = await client.request('ping');
  // Four seconds of the leeway are left, for a machine however busy: asking until it is over is no longer than that.
  while (answer.ok) answer = await client.request('ping');
  expect(answer).toMatchObject({ ok: false, error: { code: 'unauthorized', retryable: false } });
  expect(await client.closed).toBe(1000);
});
