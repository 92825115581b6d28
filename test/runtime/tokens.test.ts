// Token checks by themselves: whose tokens are good, and what they are good for.
import { beforeAll, describe, expect, test } from 'vitest';
import { createTokenVerifier, type TokenChecks } from '../../src/runtime/tokens.ts';
import { createSigningKey, type SigningKey } from '../support/jwks-server.ts';

let key: SigningKey;
let checks: TokenChecks;
beforeAll(async () => {
  key = await createSigningKey();
  const keys = JSON.stringify(key.publicJwk);
  checks = { keys, issuer: 'https://id.example.com', audience: 'chat', now: Date.now };
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
