// Where tokens come from, and what a client reads of its own: whose it is, and until when. Only the server verifies it.
import { within, type Environment } from '../environment.ts';
import { ImError, toImError } from '../errors.ts';

const TOKEN_TIMEOUT_MS = 30_000;

export interface Token {
  readonly token: string;
  readonly userId: string;
  /** Milliseconds since the epoch. */
  readonly expiresAtMs: number;
}

/** How an app gives its token: as it is, or for each handshake a fresh one. */
export type TokenOption = string | (() => string | Promise<string>);

export interface TokenSource {
  /** To learn who the user is; the handshake that follows uses the same token. */
  first(): Promise<Token>;
  /** A fresh one. Rejects with ImError `wrong_user` if it is another user's. */
  next(userId: string): Promise<Token>;
}

export function createTokenSource(
  token: TokenOption,
  environment: Pick<Environment, 'setTimer'>,
): TokenSource {
  const ask = async () => readToken(typeof token === 'string' ? token : await token());
  const obtain = () =>
    within(environment, TOKEN_TIMEOUT_MS, ask(), 'token: did not come in time').catch((cause: unknown) => {
      throw toImError(cause);
    });
  let unused: Token | undefined;
  return {
    first: async () => (unused = await obtain()),
    async next(userId) {
      const token = unused ?? (await obtain());
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
    throw new ImError(
      'unauthorized',
      'token: must be a JWT with a `sub`, without Bearer, quotes or white space',
    );
  return { token, userId: sub, expiresAtMs: typeof exp === 'number' ? exp * 1000 : Infinity };
}

function parsePayload(token: string): { sub?: unknown; exp?: unknown } | undefined {
  const [, payload] = /^[\w-]+\.([\w-]+)\.[\w-]+$/.exec(token) ?? [];
  if (!payload) return undefined;
  try {
    const encoded = payload.replaceAll('-', '+').replaceAll('_', '/');
    return JSON.parse(atob(encoded)) as { sub?: unknown; exp?: unknown };
  } catch {
    return undefined;
  }
}
