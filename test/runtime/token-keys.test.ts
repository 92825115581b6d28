// The keys of tokens: a JWKS that is up, down, slow or wrong, and keys that must not be used.
import { generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createTokenVerifier, type VerifyToken } from '../../src/runtime/tokens.ts';
import { createSigningKey, startJwksServer, type JwksServer } from '../support/jwks-server.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

let jwks: JwksServer;
const startedAt = Date.now();
let sinceStartMs: number;
let logged: string[];
beforeEach(async () => {
  jwks = await startJwksServer();
  sinceStartMs = 0;
  logged = [];
  for (const level of ['info', 'warn'] as const)
    vi.spyOn(console, level).mockImplementation((line: string) => void logged.push(line));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await jwks.close();
});

const createVerifier = (keys: string): Promise<VerifyToken> =>
  createTokenVerifier({
    keys,
    issuer: 'https://id.example.com',
    audience: 'chat',
    userClaim: 'sub',
    maxHours: 48,
    now: () => startedAt + sinceStartMs,
  });
const inTwoDays = Math.floor(Date.now() / 1000) + 2 * 24 * 3600;

describe('P1.2: a JWKS', () => {
  test.each<[string, () => void]>([
    ['answers with 503', () => jwks.respond(503, 'busy')],
    ['answers with something else', () => jwks.respond(200, '<html>')],
    ['answers with JSON that is no JWKS', () => jwks.respond(200, 'null')],
    ['does not answer', () => jwks.hang()],
  ])('that %s from the start is no fault of the token, and is asked again', async (_, breakDown) => {
    const key = await createSigningKey();
    const verify = await createVerifier(jwks.url);
    breakDown();
    await expect(verify(await key.sign())).rejects.toThrow('No token keys');
    jwks.publish(key.publicJwk);
    expect(await verify(await key.sign())).toMatchObject({ userId: 'bob' });
  });

  test('that nobody listens for is no fault of the token', async () => {
    const key = await createSigningKey();
    const closed = await startJwksServer();
    await closed.close();
    const verify = await createVerifier(closed.url);
    await expect(verify(await key.sign())).rejects.toThrow('No token keys');
    // But a token that no key could have signed is refused all the same.
    expect(await verify('no.token.atall')).toBeUndefined();
  });

  test.each<[string, () => void]>([
    ['fails', () => jwks.respond(500, '')],
    ['hangs', () => jwks.hang()],
  ])('that %s later leaves its keys good for a day, and is asked twice a minute', async (_, breakDown) => {
    const key = await createSigningKey();
    jwks.publish({ ...key.publicJwk, kid: 'one' });
    const verify = await createVerifier(jwks.url);
    const token = await key.sign({ exp: inTwoDays }, { kid: 'one' });
    await verify(token);
    breakDown();

    sinceStartMs = 23 * HOUR_MS;
    for (let n = 0; n < 5; n++) expect(await verify(token)).toMatchObject({ userId: 'bob' });
    expect(jwks.asked).toBe(2);
    // A key that it may know by now is not the fault of the token either, and is no reason to ask more often.
    await expect(verify(await key.sign({}, { kid: 'two' }))).rejects.toThrow('No such token key');
    expect(jwks.asked).toBe(2);

    sinceStartMs = 25 * HOUR_MS;
    await expect(verify(token)).rejects.toThrow('No token keys');
    jwks.publish({ ...key.publicJwk, kid: 'one' });
    expect(await verify(token)).toMatchObject({ userId: 'bob' });
  });

  test('that no longer has a key no longer lets its tokens in, ten minutes later', async () => {
    const [old, successor] = [await createSigningKey(), await createSigningKey()];
    jwks.publish({ ...old.publicJwk, kid: 'old' });
    const verify = await createVerifier(jwks.url);
    const token = await old.sign({}, { kid: 'old' });
    expect(await verify(token)).toBeDefined();
    jwks.publish({ ...successor.publicJwk, kid: 'new' });
    sinceStartMs = 10 * MINUTE_MS;
    expect(await verify(token)).toBeUndefined();
  });

  test('is asked for a key that nobody knows, at most twice a minute', async () => {
    const [old, successor] = [await createSigningKey(), await createSigningKey()];
    jwks.publish({ ...old.publicJwk, kid: 'old' });
    const verify = await createVerifier(jwks.url);
    await verify(await old.sign({}, { kid: 'old' }));
    jwks.publish({ ...old.publicJwk, kid: 'old' }, { ...successor.publicJwk, kid: 'new' });
    sinceStartMs = MINUTE_MS;
    expect(await verify(await successor.sign({}, { kid: 'new' }))).toMatchObject({ userId: 'bob' });
    for (let n = 0; n < 5; n++) expect(await verify(await old.sign({}, { kid: `x${n}` }))).toBeUndefined();
    expect(jwks.asked).toBe(2);
  });

  test('of several keys: one without kid is tried with each that fits', async () => {
    const keys = [await createSigningKey(), await createSigningKey(), await createSigningKey('EdDSA')];
    jwks.publish(...keys.map(({ publicJwk }, index) => ({ ...publicJwk, kid: `key-${index}` })));
    const verify = await createVerifier(jwks.url);
    for (const key of keys) expect(await verify(await key.sign())).toMatchObject({ userId: 'bob' });
    const stranger = await createSigningKey();
    expect(await verify(await stranger.sign())).toBeUndefined();
    // A kid that is there is not passed over.
    expect(await verify(await keys[1]!.sign({}, { kid: 'key-0' }))).toBeUndefined();
  });

  test('with keys that must not be used lets in none of their tokens, and tells nothing of them', async () => {
    const [good, leaked, other] = [
      await createSigningKey(),
      await createSigningKey(),
      await createSigningKey(),
    ];
    jwks.publish(
      { ...leaked.privateJwk, kid: 'leaked' },
      { ...other.publicJwk, kid: 'encrypts', use: 'enc' },
      null,
      { ...good.publicJwk, kid: 'good' },
    );
    const verify = await createVerifier(jwks.url);
    expect(await verify(await leaked.sign({}, { kid: 'leaked' }))).toBeUndefined();
    expect(await verify(await other.sign({}, { kid: 'encrypts' }))).toBeUndefined();
    expect(await verify(await good.sign({}, { kid: 'good' }))).toMatchObject({ userId: 'bob' });
    expect(logged.join()).toContain('key \\"leaked\\" is private');
    expect(logged.join()).not.toContain(leaked.privateJwk.d);
  });
});

describe('P1.2: a fixed key', () => {
  const rsa = (modulusLength: number) =>
    generateKeyPairSync('rsa', { modulusLength }).publicKey.export({ format: 'jwk' });

  test.each<[string, () => object | Promise<object>]>([
    ['is private', async () => (await createSigningKey()).privateJwk],
    ['is private', async () => (await createSigningKey('RS256')).privateJwk],
    ['is symmetric', () => ({ kty: 'oct', k: 'c2VjcmV0LXNlY3JldC1zZWNyZXQ' })],
    ['is not for signatures', async () => ({ ...(await createSigningKey()).publicJwk, use: 'enc' })],
    [
      'is not for verifying',
      async () => ({ ...(await createSigningKey()).publicJwk, key_ops: ['deriveKey'] }),
    ],
    ['is for none of', async () => (await createSigningKey('ES384')).publicJwk],
    ['is for none of', async () => ({ ...(await createSigningKey()).publicJwk, alg: 'HS256' })],
    ['is for none of', () => ({ ...rsa(2048), alg: 'RSA-OAEP' })],
    ['has less than 2048 bits', () => rsa(1024)],
    ['cannot be read', () => ({ kty: 'EC', crv: 'P-256', x: 'AAAA', y: 'AAAA' })],
    ['is no JWK', () => ({ keys: [] })],
  ])('that %s is refused at the start, by name, and told to nobody', async (fault, create) => {
    const jwk = { ...(await create()), kid: 'key-1' };
    const failure = await createVerifier(JSON.stringify(jwk)).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Error);
    expect((failure as Error).message).toContain(`TOKEN_KEYS: key "key-1" ${fault}`);
    const told = inspect(failure, { depth: 9 });
    for (const [name, value] of Object.entries(jwk))
      if (/^(d|p|q|dp|dq|qi|k|x|y|n)$/.test(name)) expect(told).not.toContain(value);
  });

  test('that is no JSON is not quoted', async () => {
    const failure = await createVerifier('{"d":"secret').catch((error: unknown) => error);
    expect(failure).toEqual(new Error('TOKEN_KEYS is no JSON'));
    expect(failure).not.toHaveProperty('cause');
  });

  test.each(['http://id.example.com/jwks.json', 'ftp://127.0.0.2', 'secret'])(
    '%s is none',
    async (source) => {
      await expect(createVerifier(source)).rejects.toThrow('TOKEN_KEYS is neither');
    },
  );

  test.each(['ES256', 'RS256', 'EdDSA'])('of %s needs to say neither alg nor kid', async (algorithm) => {
    const key = await createSigningKey(algorithm);
    const verify = await createVerifier(JSON.stringify(key.publicJwk));
    expect(await verify(await key.sign({}, { kid: 'whatever' }))).toMatchObject({ userId: 'bob' });
  });
});
