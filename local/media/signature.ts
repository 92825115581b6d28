// Signature Version 4 as S3 computes it: nothing encoded twice, nothing normalised.
// docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
import { createHash, createHmac } from 'node:crypto';
import type { S3Request } from './request.ts';

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

type Signed = Pick<S3Request, 'method' | 'segments' | 'query' | 'headers'>;

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
