// Token checks: asymmetric algorithms only, with the keys of a JWKS or one fixed public key.
import {
  decodeProtectedHeader,
  jwtVerify,
  type CryptoKey,
  type JWTPayload,
  type JWTVerifyOptions,
  type ProtectedHeaderParameters,
} from 'jose';
import * as v from 'valibot';
import { isTokenOver, TOKEN_LEEWAY_SECONDS } from '../core/expiry.ts';
import { userIdSchema } from '../protocol/id-schemas.ts';
import { algorithms } from './public-key.ts';
import { createTokenKeys } from './token-keys.ts';

const ANY = '*';

export interface TokenChecks {
  /** The URL of a JWKS, or one public JWK as JSON. */
  readonly keys: string;
  /** `*`: any. */
  readonly issuer: string;
  readonly audience: string;
  /** The claim that names the user. */
  readonly userClaim: string;
  /** A token that is good for longer counts as ending so long after it was issued. */
  readonly maxHours: number;
  readonly now: () => number;
}

export interface TokenClaims {
  readonly userId: string;
  /** Epoch seconds. */
  readonly expiresAt: number;
  /** Epoch seconds, with a fraction where the issuer gives one. */
  readonly issuedAt: number;
  /** The token is good for this device only. */
  readonly deviceId?: string;
}

/** Nothing for a token that has a fault. @throws Error when it cannot be said: that is no fault of the token. */
export type VerifyToken = (token: string) => Promise<TokenClaims | undefined>;

export async function createTokenVerifier(checks: TokenChecks): Promise<VerifyToken> {
  const { keys, issuer, audience, userClaim, now } = checks;
  const findKeys = await createTokenKeys(keys, now);
  const options = {
    algorithms: [...algorithms],
    clockTolerance: TOKEN_LEEWAY_SECONDS,
    requiredClaims: [userClaim, 'exp'],
    ...(issuer !== ANY && { issuer }),
    ...(audience !== ANY && { audience }),
  };
  return async (token) => {
    const header = readHeader(token);
    if (!header) return undefined;
    const currentDate = new Date(now());
    const payload = await verifyWithAny(await findKeys(header), token, { ...options, currentDate });
    return payload && readClaims(payload, checks);
  };
}

/** Nothing where no key will do: the keys are not asked for. */
function readHeader(token: string): ProtectedHeaderParameters | undefined {
  try {
    const header = decodeProtectedHeader(token);
    return algorithms.includes(header.alg ?? '') ? header : undefined;
  } catch {
    return undefined;
  }
}

/** A token without `kid` may be of any key. */
async function verifyWithAny(
  keys: readonly CryptoKey[],
  token: string,
  options: JWTVerifyOptions,
): Promise<JWTPayload | undefined> {
  for (const key of keys) {
    try {
      // oxlint-disable-next-line no-await-in-loop -- the first is nearly always the one
      return (await jwtVerify(token, key, options)).payload;
    } catch (error) {
      if (!isTokenError(error)) throw error;
    }
  }
  return undefined;
}

function readClaims(payload: JWTPayload, checks: TokenChecks): TokenClaims | undefined {
  const { userClaim, maxHours, now } = checks;
  const userId = payload[userClaim];
  if (!v.is(userIdSchema, userId)) return undefined;
  const expiresAt = expiryOf(payload, maxHours, now());
  // Of a token that does not say it: as long ago as one may be that is good still. So a revocation finds it.
  const issuedAt = payload.iat ?? payload.exp! - maxHours * 3600;
  if (isTokenOver(expiresAt, now())) return undefined;
  const deviceId = payload['deviceId'];
  // A claim that cannot be read must not pass for one that is not there: it was meant to narrow the token.
  if (deviceId !== undefined && typeof deviceId !== 'string') return undefined;
  return {
    userId,
    expiresAt,
    issuedAt,
    ...(deviceId !== undefined && { deviceId }),
  };
}

/** Without a time of issue, or with one to come, it is taken for issued just now. */
function expiryOf({ exp, iat }: JWTPayload, maxHours: number, now: number): number {
  const issuedAt = Math.min(iat ?? Infinity, now / 1000);
  return Math.floor(Math.min(exp!, issuedAt + maxHours * 3600));
}

/** The token's fault, not ours: a claim, the signature, the form, or something in the header that jose does not know. */
function isTokenError(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /^ERR_(JWT_|JWS_|JOSE_ALG_|JOSE_NOT_SUPPORTED)/.test(code);
}
