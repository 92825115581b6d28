// Where tokens come from, and what a client reads of its own: whose it is, and until when. Only the server verifies it.
import { ImError } from '../errors.ts';

export interface Token {
  readonly token: string;
  readonly userId: string;
  /** Milliseconds since the epoch. */
  readonly expiresAtMs: number;
}

export interface TokenSource {
  /** To learn who the user is; the handshake that follows uses the same token. */
  first(): Promise<Token>;
  /** A fresh one. Rejects with ImError `wrong_user` if it is another user's. */
  next(userId: string): Promise<Token>;
}

export function createTokenSource(fetchToken: () => Promise<string>): TokenSource {
  let unused: Token | undefined;
  return {
    first: async () => (unused = readToken(await fetchToken())),
    async next(userId) {
      const token = unused ?? readToken(await fetchToken());
      unused = undefined;
      if (token.userId === userId) return token;
      throw new ImError('wrong_user', `The token is for ${token.userId}, the stored data are ${userId}'s`);
    },
  };
}

/** @throws ImError `unauthorized` when it is no JWT with `sub`. */
export function readToken(token: string): Token {
  const { sub, exp } = parsePayload(token) ?? {};
  if (typeof sub !== 'string' || sub === '')
    throw new ImError('unauthorized', 'token: is not a JWT with a `sub`');
  return { token, userId: sub, expiresAtMs: typeof exp === 'number' ? exp * 1000 : Infinity };
}

function parsePayload(token: string): { sub?: unknown; exp?: unknown } | undefined {
  try {
    const encoded = (token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/');
    return JSON.parse(atob(encoded)) as { sub?: unknown; exp?: unknown };
  } catch {
    return undefined;
  }
}
