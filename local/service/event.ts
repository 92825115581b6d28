// Between HTTP and a function behind an HTTP API: the event that it is given (payload format 2.0), and what it returns.
// docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { parseObject } from '../service-http.ts';
import type { ServiceCaller } from './caller.ts';

export interface HttpRequest {
  readonly incoming: IncomingMessage;
  readonly path: string;
  readonly routeKey: string;
  readonly pathParameters: Readonly<Record<string, string>>;
  readonly query: string;
  readonly parameters: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
  readonly now: number;
  readonly domainName: string;
  readonly caller: ServiceCaller;
}

export function eventOf(request: HttpRequest): object {
  const { incoming, path, query, parameters, body, now, domainName, caller, routeKey, pathParameters } =
    request;
  const [domainPrefix = ''] = domainName.split('.');
  const isText = /^(text\/|application\/(json|javascript|xml|x-www-form-urlencoded))/.test(
    incoming.headers['content-type'] ?? '',
  );
  return {
    version: '2.0',
    routeKey,
    rawPath: path,
    rawQueryString: query,
    headers: { ...flat(incoming.headers), host: domainName },
    ...(parameters.length > 0 && { queryStringParameters: joined(parameters) }),
    ...(Object.keys(pathParameters).length > 0 && { pathParameters }),
    requestContext: {
      accountId: caller.accountId,
      apiId: domainPrefix,
      authorizer: {
        iam: {
          accessKey: caller.accessKeyId,
          accountId: caller.accountId,
          callerId: caller.accessKeyId,
          cognitoIdentity: null,
          principalOrgId: caller.accountId,
          userArn: caller.arn,
          userId: caller.accessKeyId,
        },
      },
      domainName,
      domainPrefix,
      http: {
        method: incoming.method,
        path,
        protocol: `HTTP/${incoming.httpVersion}`,
        sourceIp: incoming.socket.remoteAddress ?? '',
        userAgent: incoming.headers['user-agent'] ?? '',
      },
      requestId: randomUUID(),
      routeKey,
      stage: '$default',
      time: new Date(now).toUTCString(),
      timeEpoch: now,
    },
    ...(body.length > 0 && { body: body.toString(isText ? 'utf8' : 'base64') }),
    isBase64Encoded: body.length > 0 && !isText,
  };
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly content: Buffer;
}

/** What has no `statusCode` is the body itself, with 200. */
export function answerOf(payload: unknown): HttpAnswer {
  const returned = parseObject(JSON.stringify(payload ?? null));
  const { statusCode, headers = {}, body, isBase64Encoded } = returned ?? {};
  if (typeof statusCode !== 'number') {
    const content = typeof payload === 'string' ? payload : JSON.stringify(payload ?? null);
    return { status: 200, headers: { 'content-type': 'application/json' }, content: Buffer.from(content) };
  }
  const content = Buffer.from(
    typeof body === 'string' ? body : '',
    isBase64Encoded === true ? 'base64' : 'utf8',
  );
  return { status: statusCode, headers: headers as Record<string, string>, content };
}

const flat = (headers: IncomingHttpHeaders) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value ?? ''].flat().join(',')]));

function joined(parameters: HttpRequest['parameters']): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [name, value] of parameters)
    values[name] = Object.hasOwn(values, name) ? `${values[name]},${value}` : value;
  return values;
}
