// Token checks by themselves: whose tokens are good, and what they are good for.
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { createTokenVerifier, type TokenChecks } from '../../src/runtime/tokens.ts';

let privateKey: CryptoKey;
let checks: TokenChecks;
beforeAll(async () => {
  const pair = await generateKeyPair('ES256');
  privateKey = pair.privateKey;
  const keys = JSON.stringify({ ...(await exportJWK(pair.publicKey)), alg: 'ES256' });
  checks = { keys, issuer: 'https://id.example.com', audience: 'chat' };
});

const now = () => Math.floor(Date.now() / 1000);
const sign = (claims: Record<string, unknown>) =>
  new SignJWT({ iss: 'https://id.example.com', aud: 'chat', sub: 'bob', exp: now() + 3600, ...claims })
    .setProtectedHeader({ alg: 'ES256' })
    .sign(privateKey);

describe('P1.2: issuer and audience', () => {
  test.each<[string, Partial<TokenChecks>, Record<string, unknown>, boolean]>([
    ['another issuer', {}, { iss: 'https://id.example.org' }, false],
    ['another audience', {}, { aud: 'shop' }, false],
    ['another issuer where any is meant', { issuer: '*' }, { iss: 'https://id.example.org' }, true],
    ['no audience where any is meant', { audience: '*' }, { aud: undefined }, true],
    ['another audience where any issuer is meant', { issuer: '*' }, { aud: 'shop' }, false],
    ['an issuer named *', {}, { iss: '*' }, false],
  ])('%s: let in only where it is meant', async (_, settings, claims, good) => {
    const verify = createTokenVerifier({ ...checks, ...settings });
    expect((await verify(await sign(claims)))?.userId).toBe(good ? 'bob' : undefined);
  });
});
