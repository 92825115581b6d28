// Signature Version 4 of one request, as API Gateway checks it.
// docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
import { createHash, createHmac } from 'node:crypto';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

export interface RequestToSign {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Signing {
  readonly credentials: Credentials;
  readonly region: string;
  readonly service: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';

/** @returns the headers to send: those that were given, and what signs them. `host` the HTTP client sends by itself. */
export function signRequest(request: RequestToSign, signing: Signing): Record<string, string> {
  const { method, url, body } = request;
  const { credentials, region, service, now } = signing;
  const timestamp = new Date(now).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const date = timestamp.slice(0, 8);
  const payloadHash = sha256(body);
  const headers: Record<string, string> = {
    ...request.headers,
    'x-amz-date': timestamp,
    'x-amz-content-sha256': payloadHash,
    ...(credentials.sessionToken && { 'x-amz-security-token': credentials.sessionToken }),
  };
  const signed = Object.entries({ ...headers, host: url.host }).toSorted(byName);
  const signedHeaders = signed.map(([name]) => name).join(';');
  const canonicalRequest = [
    method,
    // Every service but S3 has paths encoded twice.
    url.pathname.split('/').map(encode).join('/'),
    [...url.searchParams]
      .map(([name, value]): [string, string] => [encode(name), encode(value)])
      .toSorted(byName)
      .map(([name, value]) => `${name}=${value}`)
      .join('&'),
    ...signed.map(([name, value]) => `${name}:${value.trim().replaceAll(/\s+/g, ' ')}`),
    '',
    signedHeaders,
    payloadHash,
  ].join('\n');
  const scope = [date, region, service, 'aws4_request'];
  const stringToSign = [ALGORITHM, timestamp, scope.join('/'), sha256(canonicalRequest)].join('\n');
  const key = scope.reduce<string | Buffer>(hmac, `AWS4${credentials.secretAccessKey}`);
  const signature = hmac(key, stringToSign).toString('hex');
  const credential = [credentials.accessKeyId, ...scope].join('/');
  const authorization = `${ALGORITHM} Credential=${credential}, SignedHeaders=${signedHeaders}, Signature=${signature}`;
  return { ...headers, authorization };
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();

type Pair = readonly [name: string, value: string];
const byName = ([left]: Pair, [right]: Pair) => (left < right ? -1 : left > right ? 1 : 0);

const encode = (text: string) =>
  encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.codePointAt(0)!.toString(16).toUpperCase()}`,
  );
