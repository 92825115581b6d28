// JWTs that say who we are. jose, which reads tokens for us, is 15 KB in a bundle: signing is one call of Node's.
import { sign, type KeyObject } from 'node:crypto';

type Json = Readonly<Record<string, unknown>>;

/** As JWS writes it (RFC 7515, 7518): an EC signature is its two numbers, not DER. */
export function signToken(
  header: Json & { readonly alg: 'ES256' | 'RS256' },
  claims: Json,
  key: KeyObject,
): string {
  const encode = (part: Json) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const text = `${encode(header)}.${encode(claims)}`;
  const signature = sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' });
  return `${text}.${signature.toString('base64url')}`;
}
