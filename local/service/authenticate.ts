// Who signed a request to a function URL, and whether the signature is good.
import { createHash } from 'node:crypto';
import {
  isSameSignature,
  parseAuthorization,
  parseTimestamp,
  signatureOf,
  single,
  type Signed,
} from '../iam/signature.ts';
import { forbidden, LambdaError } from './answers.ts';
import type { ServiceCaller } from './caller.ts';

export interface AuthenticateOptions {
  readonly region: string;
  readonly now: number;
  readonly caller: ServiceCaller;
}

/** Lambda bears clocks that differ by so much. */
const skewMs = 5 * 60_000;

/** @throws LambdaError as Lambda refuses it. */
export function authenticate(
  request: Signed,
  body: Buffer,
  { region, now, caller }: AuthenticateOptions,
): void {
  const { authorization } = request.headers;
  if (authorization === undefined) throw forbidden();
  const claim = parseAuthorization(authorization);
  if (!claim) {
    throw new LambdaError(
      403,
      'IncompleteSignatureException',
      "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. " +
        "Authorization header requires 'SignedHeaders' parameter.",
    );
  }
  const { credential, signedHeaders, signature } = claim;
  const [accessKeyId = '', date = '', givenRegion, service, end] = credential.split('/');
  if (accessKeyId !== caller.accessKeyId) {
    const message = 'The security token included in the request is invalid.';
    throw new LambdaError(403, 'UnrecognizedClientException', message);
  }
  if (givenRegion !== region) throw badSignature(`Credential should be scoped to a valid region.`);
  if (service !== 'lambda') throw badSignature(`Credential should be scoped to correct service: 'lambda'.`);
  if (end !== 'aws4_request') {
    throw badSignature(`Credential should be scoped with a valid terminator: 'aws4_request'.`);
  }
  const timestamp = single(request.headers['x-amz-date']) ?? '';
  checkTime(timestamp, date, now);
  const unsigned = Object.keys(request.headers).filter(
    (name) => (name.startsWith('x-amz-') || name === 'host') && !signedHeaders.includes(name),
  );
  if (unsigned.length > 0) {
    throw badSignature(`'${unsigned[0]}' must be a 'SignedHeader' in the AWS Authorization.`);
  }
  const right = signatureOf(request, {
    secretAccessKey: caller.secretAccessKey,
    scope: { date, region, service },
    timestamp,
    signedHeaders,
    payloadHash: createHash('sha256').update(body).digest('hex'),
  });
  if (isSameSignature(right, signature)) return;
  throw badSignature(
    'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access ' +
      'Key and signing method. Consult the service documentation for details.',
  );
}

function checkTime(timestamp: string, date: string, now: number): void {
  const signedAt = parseTimestamp(timestamp);
  if (Number.isNaN(signedAt)) throw badSignature(`Date must be in ISO-8601 'basic format'.`);
  if (timestamp.slice(0, 8) !== date) {
    throw badSignature(`Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date.`);
  }
  if (Math.abs(now - signedAt) <= skewMs) return;
  const word = signedAt < now ? 'expired' : 'not yet current';
  const bound = basic(signedAt < now ? now - skewMs : now + skewMs);
  const relation = signedAt < now ? 'earlier' : 'later';
  throw badSignature(
    `Signature ${word}: ${timestamp} is ${signedAt < now ? 'now' : 'still'} ${relation} than ${bound} ` +
      `(${basic(now)} ${signedAt < now ? '-' : '+'} 5 min.)`,
  );
}

const badSignature = (message: string) => new LambdaError(403, 'InvalidSignatureException', message);

/** `20261126T131500Z` */
const basic = (ms: number) => new Date(ms).toISOString().replaceAll(/[-:]|\.\d{3}/g, '');
