// One public key of a JWK, or the fault that it is refused for. Nothing of the JWK but its `kid` is ever told.
import { importJWK, type CryptoKey } from 'jose';

export interface PublicKey {
  readonly kid: string | undefined;
  readonly algorithm: string;
  readonly key: CryptoKey;
}

/** `message` is the fault in a few words, with the key's `kid`. */
export class UnusableKey extends Error {}

/** `none` and HS* are not among them: a public key must never pass for a shared secret. */
export const algorithms: readonly string[] = ['ES256', 'RS256', 'EdDSA'];

const minimumRsaBits = 2048;
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'priv'];

type Json = Readonly<Record<string, unknown>>;

/** @throws UnusableKey */
export async function readPublicKey(value: unknown): Promise<PublicKey> {
  const jwk: Json = typeof value === 'object' && value !== null ? { ...value } : {};
  const kid = typeof jwk['kid'] === 'string' ? jwk['kid'] : undefined;
  const refuse = (fault: string) => {
    throw new UnusableKey(
      `${kid === undefined ? 'a key without kid' : `key ${JSON.stringify(kid)}`} ${fault}`,
    );
  };
  const fault = faultOf(jwk);
  if (fault) return refuse(fault);
  const algorithm = algorithmOf(jwk);
  if (!algorithm) return refuse(`is for none of ${algorithms.join(', ')}`);
  const key = await importPublicMembers(jwk, algorithm);
  if (!key) return refuse('cannot be read');
  const { modulusLength = minimumRsaBits } = key.algorithm as { modulusLength?: number };
  if (modulusLength < minimumRsaBits) return refuse(`has less than ${minimumRsaBits} bits`);
  return { kid, algorithm, key };
}

function faultOf(jwk: Json): string | undefined {
  const { kty, use, key_ops: operations } = jwk;
  if (typeof kty !== 'string') return 'is no JWK';
  if (kty === 'oct' || 'k' in jwk) return 'is symmetric';
  if (privateMembers.some((name) => name in jwk)) return 'is private';
  if (use !== undefined && use !== 'sig') return 'is not for signatures';
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify')))
    return 'is not for verifying';
  return undefined;
}

function algorithmOf({ kty, crv, alg }: Json): string | undefined {
  const algorithm = algorithmOfType(kty, crv);
  return alg === undefined || alg === algorithm ? algorithm : undefined;
}

function algorithmOfType(kty: unknown, crv: unknown): string | undefined {
  if (kty === 'RSA') return 'RS256';
  if (kty === 'EC' && crv === 'P-256') return 'ES256';
  if (kty === 'OKP' && crv === 'Ed25519') return 'EdDSA';
  return undefined;
}

async function importPublicMembers(jwk: Json, algorithm: string): Promise<CryptoKey | undefined> {
  const members = ['kty', 'crv', 'x', 'y', 'n', 'e'].filter((name) => name in jwk);
  try {
    const key = await importJWK(Object.fromEntries(members.map((name) => [name, jwk[name]])), algorithm);
    return key instanceof Uint8Array ? undefined : key;
  } catch {
    return undefined;
  }
}
