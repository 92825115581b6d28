// Signature Version 4 as services check it, and what a request says of its own.
// docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

export const algorithm = 'AWS4-HMAC-SHA256';
export const unsignedPayload = 'UNSIGNED-PAYLOAD';

/** `DATE/REGION/SERVICE/aws4_request` */
export interface Scope {
  readonly date: string;
  readonly region: string;
  readonly service: string;
}

export interface Signing {
  readonly secretAccessKey: string;
  readonly scope: Scope;
  /** `20261126T131500Z` */
  readonly timestamp: string;
  /** In lower case. */
  readonly signedHeaders: readonly string[];
  /** Hexadecimal SHA-256 of the body, or UNSIGNED-PAYLOAD. */
  readonly payloadHash: string;
}

export interface Signed {
  readonly method: string;
  /** Of the path: decoded for S3, as they came for every other service, which encodes them twice. */
  readonly segments: readonly string[];
  /** Decoded. */
  readonly query: readonly (readonly [name: string, value: string])[];
  readonly headers: IncomingHttpHeaders;
}

/** What stands in the header `Authorization`. */
export interface HeaderClaim {
  readonly credential: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
}

/** `undefined`: it is not signed, or not so. */
export function parseAuthorization(authorization: string): HeaderClaim | undefined {
  const part = (name: string) => new RegExp(`\\b${name}=([^,\\s]+)`).exec(authorization)?.[1];
  const [credential, signedHeaders, signature] = ['Credential', 'SignedHeaders', 'Signature'].map(part);
  if (!authorization.startsWith(`${algorithm} `) || !credential || !signedHeaders || !signature)
    return undefined;
  return { credential, signedHeaders: signedHeaders.split(';'), signature };
}

/** `20261126T131500Z` in milliseconds since the epoch; NaN if it is no such time. */
export function parseTimestamp(timestamp: string): number {
  const [, year, month, day, hours, minutes, seconds] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(timestamp) ?? [];
  return Date.parse(`${year}-${month}-${day}T${hours}:${minutes}:${seconds}Z`);
}

export function isSameSignature(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}

export const single = (value: string | readonly string[] | undefined) =>
  typeof value === 'string' ? value : value?.[0];

/** Hexadecimal. */
export function signatureOf(request: Signed, signing: Signing): string {
  const { scope, timestamp, secretAccessKey } = signing;
  const { date, region, service } = scope;
  const stringToSign = [
    algorithm,
    timestamp,
    `${date}/${region}/${service}/aws4_request`,
    createHash('sha256').update(canonicalRequest(request, signing)).digest('hex'),
  ].join('\n');
  const key = [date, region, service, 'aws4_request'].reduce<string | Buffer>(
    (previous, part) => createHmac('sha256', previous).update(part).digest(),
    `AWS4${secretAccessKey}`,
  );
  return createHmac('sha256', key).update(stringToSign).digest('hex');
}

function canonicalRequest(
  { method, segments, query, headers }: Signed,
  { signedHeaders, payloadHash }: Signing,
): string {
  const parameters = query
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .toSorted(([a, x], [b, y]) => compare(a, b) || compare(x, y));
  return [
    method,
    `/${segments.map(encode).join('/')}`,
    parameters.map(([name, value]) => `${name}=${value}`).join('&'),
    ...signedHeaders.map((name) => `${name}:${headerValue(headers[name])}`),
    '',
    signedHeaders.join(';'),
    payloadHash,
  ].join('\n');
}

function headerValue(value: string | readonly string[] | undefined): string {
  return [value ?? '']
    .flat()
    .map((part) => part.trim().replaceAll(/ +/g, ' '))
    .join(',');
}

function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.codePointAt(0)!.toString(16).toUpperCase()}`,
  );
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
