// Token checks: asymmetric algorithms only, with a JWKS URL or one fixed public key.
import { createRemoteJWKSet, importJWK, jwtVerify, type JWK, type JWTVerifyGetKey } from 'jose';
import * as v from 'valibot';
import { TOKEN_LEEWAY_SECONDS } from '../core/expiry.ts';
import { userIdSchema } from '../protocol/ids.ts';

/** `none` and HS* are not among them: a public key must never pass for a shared secret. */
const algorithms = ['ES256', 'RS256', 'EdDSA'];

const ANY = '*';

export interface TokenChecks {
  /** The URL of a JWKS, or one public JWK as JSON. */
  readonly keys: string;
  /** `*`: any. */
  readonly issuer: string;
  readonly audience: string;
}

export interface TokenClaims {
  readonly userId: string;
  /** Epoch seconds. */
  readonly expiresAt: number;
  /** The token is good for this device only. */
  readonly deviceId?: string;
}

export type VerifyToken = (token: string) => Promise<TokenClaims | undefined>;

export function createTokenVerifier({ keys, issuer, audience }: TokenChecks): VerifyToken {
  const key = keySource(keys);
  const options = {
    algorithms,
    clockTolerance: TOKEN_LEEWAY_SECONDS,
    requiredClaims: ['sub', 'exp'],
    ...(issuer !== ANY && { issuer }),
    ...(audience !== ANY && { audience }),
  };
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, await key, options);
      if (!v.is(userIdSchema, payload.sub)) return undefined;
      const deviceId = payload['deviceId'];
      // A claim that cannot be read must not pass for one that is not there: it was meant to narrow the token.
      if (deviceId !== undefined && typeof deviceId !== 'string') return undefined;
      return {
        userId: payload.sub,
        expiresAt: payload.exp!,
        ...(deviceId !== undefined && { deviceId }),
      };
    } catch (error) {
      if (isTokenError(error)) return undefined;
      throw error;
    }
  };
}

async function keySource(keys: string): Promise<JWTVerifyGetKey> {
  if (keys.startsWith('https://')) return createRemoteJWKSet(new URL(keys));
  const jwk = JSON.parse(keys) as JWK;
  const key = await importJWK(jwk);
  if (key instanceof Uint8Array) throw new Error('TOKEN_KEYS holds a secret, not a public key');
  return () => key;
}

/** The token's fault, not ours: jose names those with ERR_JWT, ERR_JWS, ERR_JOSE or "no such key". */
function isTokenError(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return (
    /^ERR_(JWT|JWS|JOSE_ALG|JOSE_NOT_SUPPORTED|JWKS_NO_MATCHING_KEY)/.test(code) || error instanceof TypeError
  );
}
