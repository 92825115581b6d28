// What a bucket lets web pages of other origins do.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { matchesWildcard } from '../iam/wildcard.ts';
import type { BucketModel, CorsRule } from '../model.ts';
import { S3Error } from './answers.ts';

/** Answers a browser that asks before it sends. @throws S3Error where no rule fits. */
export function answerPreflight(
  { headers }: IncomingMessage,
  response: ServerResponse,
  bucket: BucketModel | undefined,
): void {
  const { origin } = headers;
  const method = headers['access-control-request-method'];
  const asked = (headers['access-control-request-headers'] ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '');
  if (!origin || !method) {
    throw new S3Error(400, 'BadRequest', 'Insufficient information. Origin request header needed.');
  }
  const rule = bucket && findRule(bucket, origin, method);
  const allows = (name: string) =>
    rule?.allowedHeaders.some((pattern) => matchesWildcard(pattern.toLowerCase(), name)) ?? false;
  if (!rule || !asked.every(allows)) {
    const message =
      "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.";
    throw new S3Error(403, 'AccessForbidden', message);
  }
  const { maxAgeSeconds } = rule;
  response.writeHead(200, {
    ...headersOf(rule, origin),
    'content-length': '0',
    ...(asked.length > 0 && { 'access-control-allow-headers': asked.join(', ') }),
    ...(maxAgeSeconds !== undefined && { 'access-control-max-age': String(maxAgeSeconds) }),
  });
  response.end();
}

/** Errors carry these headers, too: else a page could not read them. */
export function allowOrigin(
  { headers: { origin }, method = '' }: IncomingMessage,
  response: ServerResponse,
  bucket: BucketModel | undefined,
): void {
  const rule = origin && bucket && findRule(bucket, origin, method);
  if (!rule) return;
  for (const [name, value] of Object.entries(headersOf(rule, origin))) response.setHeader(name, value);
}

function findRule({ cors }: BucketModel, origin: string, method: string): CorsRule | undefined {
  return cors.find(
    ({ allowedOrigins, allowedMethods }) =>
      allowedMethods.includes(method) && allowedOrigins.some((pattern) => matchesWildcard(pattern, origin)),
  );
}

function headersOf({ allowedMethods, exposedHeaders }: CorsRule, origin: string): Record<string, string> {
  return {
    'access-control-allow-origin': origin,
    'access-control-allow-methods': allowedMethods.join(', '),
    'access-control-allow-credentials': 'true',
    ...(exposedHeaders.length > 0 && { 'access-control-expose-headers': exposedHeaders.join(', ') }),
    vary: 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method',
  };
}
