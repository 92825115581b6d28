// The events that API Gateway hands to functions, as captured on AWS: which keys there are matters as much as what
// they hold (docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-mapping-template-reference.html).
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { ClientIdentity } from '../activity.ts';
import type { ApiModel } from '../model.ts';

/** What is known of a connection from its handshake on. */
export interface ConnectionFacts {
  readonly connectionId: string;
  /** Epoch milliseconds. */
  readonly connectedAt: number;
  readonly sourceIp: string;
  readonly userAgent: string | undefined;
  readonly domainName: string;
  /** Names keep their case, as the client sent them. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly query: URLSearchParams;
}

/** The authorizer's decision, flattened, kept for the connection's life. */
export type AuthorizerContext = Readonly<Record<string, string | number>>;

export interface RequestContext extends Readonly<Record<string, unknown>> {
  readonly routeKey: string;
  readonly requestId: string;
  readonly connectionId: string;
}

type Values = Readonly<Record<string, string>>;
type MultiValues = Readonly<Record<string, readonly string[]>>;

export function readConnectionFacts(request: IncomingMessage, connectedAt: number): ConnectionFacts {
  const { rawHeaders, headers, socket, url = '/' } = request;
  const pairs = Array.from(
    { length: rawHeaders.length / 2 },
    (_, index) => [rawHeaders[2 * index]!, rawHeaders[2 * index + 1]!] as const,
  );
  return {
    connectionId: createId(),
    connectedAt,
    sourceIp: socket.remoteAddress ?? '127.0.0.1',
    userAgent: headers['user-agent'],
    domainName: headers.host ?? 'localhost',
    headers: pairs,
    query: readUrl(url).searchParams,
  };
}

/** What begins with two slashes is a path here, not the name of a host. */
export function readUrl(target: string): URL {
  return new URL(target.startsWith('/') ? `http://localhost${target}` : target, 'http://localhost');
}

export function clientIdentity(
  { connectionId }: ConnectionFacts,
  authorizer: AuthorizerContext | undefined,
): ClientIdentity {
  const text = (name: string) => (authorizer?.[name] === undefined ? undefined : String(authorizer[name]));
  return {
    connectionId,
    userId: text('principalId'),
    deviceId: text('deviceId'),
    platform: text('platform'),
  };
}

/** `PJqB0fHsqRcCHlw=`: connections, requests and messages are named alike. */
export function createId(): string {
  return `${randomBytes(11).toString('base64url')}=`;
}

export function requestContext(
  api: ApiModel,
  facts: ConnectionFacts,
  request: { routeKey: string; eventType: 'CONNECT' | 'MESSAGE' | 'DISCONNECT'; at: number },
  authorizer: AuthorizerContext | undefined,
): RequestContext {
  const requestId = createId();
  return {
    routeKey: request.routeKey,
    eventType: request.eventType,
    extendedRequestId: requestId,
    requestTime: formatTime(request.at),
    messageDirection: 'IN',
    stage: api.stageName,
    connectedAt: facts.connectedAt,
    requestTimeEpoch: request.at,
    identity: { sourceIp: facts.sourceIp, ...(facts.userAgent && { userAgent: facts.userAgent }) },
    requestId,
    domainName: facts.domainName,
    connectionId: facts.connectionId,
    apiId: api.apiId,
    ...(authorizer && { authorizer }),
  };
}

export function connectEvent(facts: ConnectionFacts, context: RequestContext): object {
  // The function sees the request after the handshake's own headers are taken off and the proxy's are put on.
  const handshake = new Set(['connection', 'upgrade']);
  const headers = facts.headers.filter(([name]) => !handshake.has(name.toLowerCase()));
  return {
    ...headerFields([...headers, ...proxyHeaders(facts)]),
    ...queryFields(facts),
    requestContext: context,
    isBase64Encoded: false,
  };
}

export function authorizerEvent(
  facts: ConnectionFacts,
  context: RequestContext,
  methodArn: string,
  stageVariables: Values,
): object {
  return {
    type: 'REQUEST',
    methodArn,
    ...headerFields([...facts.headers, ...proxyHeaders(facts)]),
    queryStringParameters: {},
    multiValueQueryStringParameters: {},
    ...queryFields(facts),
    stageVariables,
    requestContext: context,
  };
}

/** A message has no headers and no query. */
export function messageEvent(context: RequestContext, body: string): object {
  return { requestContext: { ...context, messageId: createId() }, body, isBase64Encoded: false };
}

export function disconnectEvent(
  facts: ConnectionFacts,
  context: RequestContext,
  close: { code: number; reason: string },
): object {
  return {
    ...headerFields([
      ['Host', facts.domainName],
      ['x-api-key', ''],
      ['X-Forwarded-For', ''],
      ['x-restapi', ''],
    ]),
    requestContext: { ...context, disconnectStatusCode: close.code, disconnectReason: close.reason },
    isBase64Encoded: false,
  };
}

function proxyHeaders({ sourceIp, connectedAt }: ConnectionFacts): [string, string][] {
  const seconds = Math.floor(connectedAt / 1000).toString(16);
  return [
    ['X-Amzn-Trace-Id', `Root=1-${seconds}-${randomBytes(12).toString('hex')}`],
    ['X-Forwarded-For', sourceIp],
    ['X-Forwarded-Port', '443'],
    ['X-Forwarded-Proto', 'https'],
  ];
}

function headerFields(pairs: readonly (readonly [string, string])[]) {
  const { single, multi } = group(pairs);
  return { headers: single, multiValueHeaders: multi };
}

/** The keys are there only when there is a query string. */
function queryFields({ query }: ConnectionFacts) {
  const { single, multi } = group([...query]);
  if (Object.keys(single).length === 0) return {};
  return { queryStringParameters: single, multiValueQueryStringParameters: multi };
}

/** Of a name that is repeated the last value counts; all of them are in the multi-value map. */
function group(pairs: readonly (readonly [string, string])[]): { single: Values; multi: MultiValues } {
  const values = new Map<string, string[]>();
  for (const [name, value] of pairs) {
    const known = values.get(name);
    if (known) known.push(value);
    else values.set(name, [value]);
  }
  return { single: Object.fromEntries(pairs), multi: Object.fromEntries(values) };
}

/** `29/Nov/2023:08:04:01 +0000` */
function formatTime(at: number): string {
  const [, day, month, year, time] = /^\w+, (\d+) (\w+) (\d+) ([\d:]+)/.exec(new Date(at).toUTCString())!;
  return `${day}/${month}/${year}:${time} +0000`;
}
