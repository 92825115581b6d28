// Who signed a request to an HTTP API, and whether the signature is good.
import { createHash } from 'node:crypto';
import {
  isSameSignature,
  parseAuthorization,
  parseTimestamp,
  signatureOf,
  single,
  type Signed,
} from '../iam/signature.ts';
import { forbidden } from './answers.ts';
import type { ServiceCaller } from './caller.ts';

export interface AuthenticateOptions {
  readonly region: string;
  readonly now: number;
  readonly caller: ServiceCaller;
}

/** AWS bears clocks that differ by so much. */
const skewMs = 5 * 60_000;

export const signingService = 'execute-api';

/** @throws GatewayError that says in its reason what is wrong. */
export function authenticate(
  request: Signed,
  body: Buffer,
  { region, now, caller }: AuthenticateOptions,
): void {
  const { authorization } = request.headers;
  if (authorization === undefined) throw forbidden('the request is not signed');
  const claim = parseAuthorization(authorization);
  if (!claim) throw forbidden('the Authorization header is no signature of version 4');
  const { credential, signedHeaders, signature } = claim;
  const [accessKeyId = '', date = '', givenRegion, service, end] = credential.split('/');
  if (accessKeyId !== caller.accessKeyId) throw forbidden('the access key is unknown');
  if (givenRegion !== region)
    throw forbidden(`the credential is for the region ${givenRegion}, not ${region}`);
  if (service !== signingService) {
    throw forbidden(`the credential is for the service ${service}, not ${signingService}`);
  }
  if (end !== 'aws4_request') throw forbidden('the credential does not end with aws4_request');
  const timestamp = single(request.headers['x-amz-date']) ?? '';
  checkTime(timestamp, date, now);
  const unsigned = Object.keys(request.headers).filter(
    (name) => (name.startsWith('x-amz-') || name === 'host') && !signedHeaders.includes(name),
  );
  if (unsigned.length > 0) throw forbidden(`the header ${unsigned[0]} is not signed`);
  const right = signatureOf(request, {
    secretAccessKey: caller.secretAccessKey,
    scope: { date, region, service },
    timestamp,
    signedHeaders,
    payloadHash: createHash('sha256').update(body).digest('hex'),
  });
  if (!isSameSignature(right, signature)) throw forbidden('the signature does not match the request');
}

function checkTime(timestamp: string, date: string, now: number): void {
  const signedAt = parseTimestamp(timestamp);
  if (Number.isNaN(signedAt)) throw forbidden('the date is not in the basic format of ISO 8601');
  if (timestamp.slice(0, 8) !== date) throw forbidden('the credential is of another day than the date');
  if (signedAt < now - skewMs) throw forbidden(`the signature expired: it is of ${timestamp}`);
  if (signedAt > now + skewMs) throw forbidden(`the signature is of the future: ${timestamp}`);
}
