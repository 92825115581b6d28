// What a client reads of its own token: whose it is, and until when. The server alone verifies it.
import { ImError } from './errors.ts';

export interface TokenClaims {
  readonly userId: string;
  /** Milliseconds since the epoch. */
  readonly expiresAtMs: number;
}

/** @throws ImError `unauthorized` when it is no JWT with `sub`. */
export function readToken(token: string): TokenClaims {
  const { sub, exp } = parsePayload(token) ?? {};
  if (typeof sub !== 'string' || sub === '') throw new ImError('unauthorized', 'token: is not a JWT with a `sub`');
  return { userId: sub, expiresAtMs: typeof exp === 'number' ? exp * 1000 : Infinity };
}

function parsePayload(token: string): { sub?: unknown; exp?: unknown } | undefined {
  try {
    const encoded = (token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/');
    return JSON.parse(atob(encoded)) as { sub?: unknown; exp?: unknown };
  } catch {
    return undefined;
  }
}
