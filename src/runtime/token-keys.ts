// The keys that tokens are verified with: one public JWK, or those of a JWKS, which is asked again from time to time.
import type { CryptoKey, ProtectedHeaderParameters } from 'jose';
import { describeError, log } from './log.ts';
import { readPublicKey, UnusableKey, type PublicKey } from './public-key.ts';

/** The keys that may have signed a token of this header. @throws Error when they are not to be had just now. */
export type FindKeys = (header: ProtectedHeaderParameters) => Promise<CryptoKey[]>;

const FRESH_MS = 10 * 60_000;
/** While its source is down a key is good for so long: an issuer's bad day must not shut everybody out. */
const STALE_MS = 24 * 60 * 60_000;
/** Between two requests that tokens cause whose key nobody knows, or that a source fails to answer. */
const COOLDOWN_MS = 30_000;
/** Well below the authorizer's own timeout. */
const TIMEOUT_MS = 3_000;

/**
 * @param source the URL of a JWKS, or one public JWK as JSON
 * @throws Error when it can never be used: the deployment is wrong, so the function does not start.
 */
export async function createTokenKeys(source: string, now: () => number): Promise<FindKeys> {
  if (!source.startsWith('{')) return createRemoteKeys(readUrl(source), now);
  const { key, algorithm } = await readFixedKey(source);
  return async ({ alg }) => (alg === algorithm ? [key] : []);
}

function readUrl(source: string): URL {
  const url = URL.canParse(source) ? new URL(source) : undefined;
  if (url?.protocol === 'https:' || url?.hostname === '127.0.0.1') return url;
  throw new Error('TOKEN_KEYS is neither the https URL of a JWKS nor a JWK in JSON');
}

async function readFixedKey(source: string): Promise<PublicKey> {
  const jwk = parseJson(source);
  if (jwk === undefined) throw new Error('TOKEN_KEYS is no JSON');
  try {
    return await readPublicKey(jwk);
  } catch (error) {
    throw new Error(`TOKEN_KEYS: ${(error as UnusableKey).message}`, { cause: error });
  }
}

function createRemoteKeys(url: URL, now: () => number): FindKeys {
  let keys: readonly PublicKey[] = [];
  let fetchedAt = -Infinity;
  let triedAt = -Infinity;
  let failure: unknown;
  let pending: Promise<void> | undefined;

  const age = () => now() - fetchedAt;
  const hasCooledDown = () => now() - triedAt >= COOLDOWN_MS;
  const refresh = () => (pending ??= load().finally(() => (pending = undefined)));
  const load = async () => {
    triedAt = now();
    try {
      keys = await fetchKeys(url);
      fetchedAt = now();
      failure = undefined;
    } catch (error) {
      failure = error;
      log.warn('token keys not fetched', { ageMs: Math.min(age(), STALE_MS), ...describeError(error) });
    }
  };
  const matching = ({ alg, kid }: ProtectedHeaderParameters) =>
    keys
      .filter((key) => key.algorithm === alg && (kid === undefined || key.kid === kid))
      .map(({ key }) => key);

  return async (header) => {
    if (age() >= STALE_MS || (age() >= FRESH_MS && hasCooledDown())) await refresh();
    if (age() >= STALE_MS) throw new Error('No token keys: their source is down', { cause: failure });
    const known = matching(header);
    if (known.length > 0) return known;
    if (hasCooledDown()) await refresh();
    const found = matching(header);
    // The source may know the key by now, so the token is not to blame.
    if (found.length === 0 && failure) {
      throw new Error('No such token key, and their source is down', { cause: failure });
    }
    return found;
  };
}

async function fetchKeys(url: URL): Promise<readonly PublicKey[]> {
  const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (response.status !== 200) throw new Error(`The JWKS was answered with ${response.status}`);
  const { keys } = (parseJson(await response.text()) ?? {}) as { keys?: unknown };
  if (!Array.isArray(keys)) throw new Error('The answer is no JWKS');
  const read = await Promise.all(keys.map(readOrIgnore));
  return read.filter((key) => key !== undefined);
}

/** Nothing for what is no JSON: the error would quote it, and it may hold a private key. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Other keys than ours are no fault of a JWKS: issuers publish those for encryption in the same place. */
async function readOrIgnore(jwk: unknown): Promise<PublicKey | undefined> {
  try {
    return await readPublicKey(jwk);
  } catch (error) {
    if (!(error instanceof UnusableKey)) throw error;
    log.info('token key ignored', { reason: error.message });
    return undefined;
  }
}
