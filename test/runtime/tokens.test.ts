// Token checks by themselves: whose tokens are good, and what they are good for.
import { beforeAll, describe, expect, test } from 'vitest';
import { createTokenVerifier, type TokenChecks } from '../../src/runtime/tokens.ts';
import { createSigningKey, type SigningKey } from '../support/jwks-server.ts';

const startedAt = Date.now();
const hours = (count: number) => Math.floor(startedAt / 1000) + count * 3600;
let key: SigningKey;
let checks: TokenChecks;
beforeAll(async () => {
  key = await createSigningKey();
  const keys = JSON.stringify(key.publicJwk);
  checks = {
    keys,
    issuer: 'https://id.example.com',
    audience: 'chat',
    userClaim: 'sub',
    maxHours: 24,
    now: () => startedAt,
  };
});

describe('P1.2: issuer and audience', () => {
  test.each<[string, Partial<TokenChecks>, Record<string, unknown>, boolean]>([
    ['another issuer', {}, { iss: 'https://id.example.org' }, false],
    ['another audience', {}, { aud: 'shop' }, false],
    ['another issuer where any is meant', { issuer: '*' }, { iss: 'https://id.example.org' }, true],
    ['no audience where any is meant', { audience: '*' }, { aud: undefined }, true],
    ['another audience where any issuer is meant', { issuer: '*' }, { aud: 'shop' }, false],
    ['an issuer named *', {}, { iss: '*' }, false],
  ])('%s: let in only where it is meant', async (_, settings, claims, good) => {
    const verify = await createTokenVerifier({ ...checks, ...settings });
    expect((await verify(await key.sign(claims)))?.userId).toBe(good ? 'bob' : undefined);
  });
});

describe('P1.2: a token that is none', () => {
  const encode = (text: string) => Buffer.from(text).toString('base64url');
  const part = (value: unknown) => encode(JSON.stringify(value));
  const claims = { iss: 'https://id.example.com', aud: 'chat', sub: 'bob', exp: 9_999_999_999 };
  const withHeader = (header: unknown, signature = 'AAAA') => `${part(header)}.${part(claims)}.${signature}`;

  test.each([
    ['empty', ''],
    ['dots', '..'],
    ['no base64', 'ä.ö.ü'],
    ['a header that is no JSON', `${encode('{')}.${part(claims)}.AAAA`],
    ['a header that is null', withHeader(null)],
    ['alg none', withHeader({ alg: 'none' }, '')],
    ['alg HS256', withHeader({ alg: 'HS256' })],
    ['alg of another key', withHeader({ alg: 'RS256' })],
    ['alg in a list', withHeader({ alg: ['ES256'] })],
    ['no alg', withHeader({})],
    ['a signature of no length', withHeader({ alg: 'ES256' }, '')],
    ['an extension that must be understood', withHeader({ alg: 'ES256', crit: ['x'], x: 1 })],
    ['an unencoded payload', withHeader({ alg: 'ES256', crit: ['b64'], b64: false })],
    ['claims that are no object', `${part({ alg: 'ES256' })}.${part([])}.AAAA`],
    ['four parts', `${withHeader({ alg: 'ES256' })}.AAAA`],
  ])('%s: refused, and no failure', async (_, token) => {
    const verify = await createTokenVerifier(checks);
    expect(await verify(token)).toBeUndefined();
  });
});

describe('P1.2: a token that is good for longer than a day', () => {
  test.each<[string, Record<string, unknown>, number | undefined]>([
    ['ends a day after it was issued', { iat: hours(-3), exp: hours(99) }, hours(21)],
    ['is over a day after it was issued', { iat: hours(-25), exp: hours(99) }, undefined],
    ['without a time of issue ends a day from now', { exp: hours(99) }, hours(24)],
    ['issued tomorrow ends a day from now', { iat: hours(24), exp: hours(99) }, hours(24)],
    ['for ever ends a day from now', { exp: 9e99 }, hours(24)],
  ])('%s', async (_, claims, expiresAt) => {
    const verify = await createTokenVerifier(checks);
    expect((await verify(await key.sign(claims)))?.expiresAt).toBe(expiresAt);
  });

  test('is good for as long as is configured, and a shorter one for as long as it says', async () => {
    const verify = await createTokenVerifier({ ...checks, maxHours: 0.5 });
    expect(await verify(await key.sign({ exp: hours(1) }))).toMatchObject({ expiresAt: hours(0.5) });
    const patient = await createTokenVerifier({ ...checks, maxHours: 1000 });
    expect(await patient(await key.sign({ exp: hours(99) }))).toMatchObject({ expiresAt: hours(99) });
  });

  test('with a time of issue that is no number is refused', async () => {
    const verify = await createTokenVerifier(checks);
    expect(await verify(await key.sign({ iat: 'yesterday' }))).toBeUndefined();
  });
});

describe('P1.2: the claim that names the user', () => {
  test.each<[string, Record<string, unknown>, string | undefined]>([
    ['is the one that is configured', { email: 'bob@example.com' }, 'bob@example.com'],
    ['is not replaced by sub', {}, undefined],
    ['is a user id', { email: 'Bob <bob@example.com>' }, undefined],
    ['is one text', { email: ['bob@example.com'] }, undefined],
    ['is not empty', { email: '' }, undefined],
  ])('%s', async (_, claims, userId) => {
    const verify = await createTokenVerifier({ ...checks, userClaim: 'email' });
    expect((await verify(await key.sign({ sub: 'alice', ...claims })))?.userId).toBe(userId);
  });

  test.each(['constructor', 'toString', '__proto__'])(
    'is not what every object has: %s',
    async (userClaim) => {
      const verify = await createTokenVerifier({ ...checks, userClaim });
      expect(await verify(await key.sign())).toBeUndefined();
    },
  );
});
