// Who signed a request, and whether the signature is good: in the query, as clients have it, or in the headers, as
// functions do it.
import type { Identity, Signer } from '../iam/roles.ts';
import {
  algorithm,
  isSameSignature,
  parseAuthorization,
  parseTimestamp,
  signatureOf,
  single,
  unsignedPayload,
  type HeaderClaim,
  type Scope,
} from '../iam/signature.ts';
import { accessDenied, S3Error } from './answers.ts';
import { parameter, type S3Request } from './request.ts';

export interface AuthenticateOptions {
  readonly region: string;
  readonly now: number;
  findSigner(accessKeyId: string): Signer | undefined;
}

export interface Authentication {
  readonly identity: Identity;
  /** Hexadecimal SHA-256 that the body must have, if it is signed. */
  readonly payloadHash?: string;
}

interface Claim extends HeaderClaim {
  readonly timestamp: string;
  readonly sessionToken: string | undefined;
  readonly payloadHash: string;
  /** Of a request that is signed in its query. */
  readonly lifetimeSeconds?: number;
}

/** Clocks may differ by so much. */
const skewMs = 15 * 60_000;
const maximumLifetimeSeconds = 7 * 24 * 3600;

/** @throws S3Error as S3 refuses it. */
export function authenticate(request: S3Request, options: AuthenticateOptions): Authentication {
  const claim = parameter(request, 'X-Amz-Algorithm') ? queryClaim(request) : headerClaim(request);
  const { signature, signedHeaders, timestamp, payloadHash } = claim;
  const [accessKeyId, scope] = scopeOf(claim, options.region);
  checkTime(claim, options.now);
  const signer = options.findSigner(accessKeyId);
  if (!signer) {
    const message = 'The AWS Access Key Id you provided does not exist in our records.';
    throw new S3Error(403, 'InvalidAccessKeyId', message, { AWSAccessKeyId: accessKeyId });
  }
  const { credentials, identity } = signer;
  if (claim.sessionToken !== credentials.sessionToken) {
    throw new S3Error(400, 'InvalidToken', 'The provided token is malformed or otherwise invalid.');
  }
  checkSignedHeaders(request, signedHeaders);
  const { secretAccessKey } = credentials;
  const right = signatureOf(request, { secretAccessKey, scope, timestamp, signedHeaders, payloadHash });
  if (!isSameSignature(right, signature)) {
    const message =
      'The request signature we calculated does not match the signature you provided. Check your key and signing method.';
    const details = { AWSAccessKeyId: accessKeyId, SignatureProvided: signature };
    throw new S3Error(403, 'SignatureDoesNotMatch', message, details);
  }
  return { identity, ...(payloadHash !== unsignedPayload && { payloadHash }) };
}

function queryClaim(request: S3Request): Claim {
  const required = (name: string): string => {
    const value = parameter(request, name);
    if (value) return value;
    throw queryError(
      'Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.',
    );
  };
  if (required('X-Amz-Algorithm') !== algorithm) {
    throw queryError(`X-Amz-Algorithm only supports "${algorithm}"`);
  }
  const lifetimeSeconds = Number(required('X-Amz-Expires'));
  if (!Number.isInteger(lifetimeSeconds) || lifetimeSeconds < 0) {
    throw queryError('X-Amz-Expires should be a number');
  }
  if (lifetimeSeconds > maximumLifetimeSeconds) {
    throw queryError(
      'X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds',
    );
  }
  return {
    credential: required('X-Amz-Credential'),
    signedHeaders: required('X-Amz-SignedHeaders').split(';'),
    signature: required('X-Amz-Signature'),
    timestamp: required('X-Amz-Date'),
    sessionToken: parameter(request, 'X-Amz-Security-Token'),
    // A query says nothing about a body.
    payloadHash: unsignedPayload,
    lifetimeSeconds,
  };
}

function headerClaim({ headers }: S3Request): Claim {
  const { authorization } = headers;
  if (authorization === undefined) throw accessDenied();
  const claim = parseAuthorization(authorization);
  if (!claim) {
    throw new S3Error(400, 'AuthorizationHeaderMalformed', 'The authorization header is malformed.');
  }
  const payloadHash = single(headers['x-amz-content-sha256']);
  if (payloadHash === undefined) {
    const message = 'Missing required header for this request: x-amz-content-sha256';
    throw new S3Error(400, 'InvalidRequest', message);
  }
  return {
    ...claim,
    timestamp: single(headers['x-amz-date']) ?? '',
    sessionToken: single(headers['x-amz-security-token']),
    payloadHash,
  };
}

function scopeOf(
  { credential, lifetimeSeconds }: Claim,
  region: string,
): [accessKeyId: string, scope: Scope] {
  const [accessKeyId = '', date = '', given = '', service = '', end] = credential.split('/');
  if (given === region && service === 's3' && end === 'aws4_request') {
    return [accessKeyId, { date, region, service }];
  }
  const what = `the credential must be of ${region}/s3/aws4_request, not ${given}/${service}/${end ?? ''}`;
  throw lifetimeSeconds === undefined
    ? new S3Error(400, 'AuthorizationHeaderMalformed', `The authorization header is malformed; ${what}.`)
    : queryError(`Error parsing the X-Amz-Credential parameter; ${what}.`);
}

function checkTime({ timestamp, credential, lifetimeSeconds }: Claim, now: number): void {
  const signedAt = parseTimestamp(timestamp);
  if (Number.isNaN(signedAt) || credential.split('/')[1] !== timestamp.slice(0, 8)) {
    throw accessDenied('AWS authentication requires a valid Date or x-amz-date header');
  }
  const serverTime = iso(now);
  if (lifetimeSeconds === undefined) {
    if (Math.abs(now - signedAt) <= skewMs) return;
    const message = 'The difference between the request time and the current time is too large.';
    throw new S3Error(403, 'RequestTimeTooSkewed', message, { ServerTime: serverTime });
  }
  if (signedAt - now > skewMs) throw accessDenied('Request is not valid yet', { ServerTime: serverTime });
  const expiresAt = signedAt + lifetimeSeconds * 1000;
  if (now < expiresAt) return;
  throw accessDenied('Request has expired', {
    'X-Amz-Expires': String(lifetimeSeconds),
    Expires: iso(expiresAt),
    ServerTime: serverTime,
  });
}

/** Whoever is on the way may not add what S3 acts on. */
function checkSignedHeaders({ headers }: S3Request, signedHeaders: readonly string[]): void {
  const unsigned = Object.keys(headers).filter(
    (name) => name.startsWith('x-amz-') && !signedHeaders.includes(name),
  );
  if (unsigned.length > 0 || !signedHeaders.includes('host')) {
    const names = unsigned.length > 0 ? unsigned : ['host'];
    throw accessDenied('There were headers present in the request which were not signed', {
      HeadersNotSigned: names.join(', '),
    });
  }
}

const queryError = (message: string) => new S3Error(400, 'AuthorizationQueryParametersError', message);
const iso = (ms: number) => new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');
