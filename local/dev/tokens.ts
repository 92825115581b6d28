// The local identity provider: a key pair, and tokens for whoever asks. Developer use only.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, SignJWT, type JWK } from 'jose';

const algorithm = 'ES256';
const issuer = 'serverless-im-local';
const audience = 'serverless-im';
const defaultTtlSeconds = 24 * 60 * 60;
const userIdPattern = /^[A-Za-z0-9_.@-]{1,64}$/;

export interface TokenKey {
  readonly privateJwk: JWK;
  readonly publicJwk: JWK;
  /** Of the template: whose tokens are good. */
  readonly parameters: Readonly<Record<string, string>>;
}

export interface Tokens {
  /** A negative time to live makes a token that has expired, for testers. */
  issueToken(userId: string, ttlSeconds?: number): Promise<string>;
}

/** With a data directory the key is kept there: tokens outlive a restart. */
export async function openTokenKey(dataDirectory?: string): Promise<TokenKey> {
  const privateJwk = dataDirectory ? await keptKey(join(dataDirectory, 'token-key.json')) : await newKey();
  const { d: _secret, ...publicJwk } = privateJwk;
  return {
    privateJwk,
    publicJwk,
    parameters: {
      TokenKeys: JSON.stringify(publicJwk),
      TokenIssuer: issuer,
      TokenAudience: audience,
    },
  };
}

/** @param userClaim the claim that names the user */
export async function createTokens({ privateJwk }: TokenKey, userClaim = 'sub'): Promise<Tokens> {
  const key = await importJWK(privateJwk, algorithm);
  return {
    async issueToken(userId, ttlSeconds = defaultTtlSeconds) {
      if (!userIdPattern.test(userId)) throw new RangeError(`user must match ${userIdPattern.source}`);
      // With a fraction, as RFC 7519 allows: a revocation is exact to the millisecond.
      const now = Date.now() / 1000;
      return await new SignJWT({ [userClaim]: userId })
        .setProtectedHeader({ alg: algorithm, kid: privateJwk.kid! })
        .setIssuer(issuer)
        .setAudience(audience)
        .setIssuedAt(now)
        .setExpirationTime(Math.floor(now) + ttlSeconds)
        .sign(key);
    },
  };
}

async function newKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const jwk = await exportJWK(privateKey);
  return { ...jwk, alg: algorithm, use: 'sig', kid: await calculateJwkThumbprint(jwk) };
}

async function keptKey(path: string): Promise<JWK> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as JWK;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const key = await newKey();
  await mkdir(join(path, '..'), { recursive: true, mode: 0o700 });
  await writeFile(path, JSON.stringify(key), { mode: 0o600 });
  return key;
}
