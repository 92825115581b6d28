// The @connections API: how functions post to, look at and close connections.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { deviceSite } from '../faults/sites.ts';
import type { Faults } from '../faults/faults.ts';
import type { Connection } from './connection.ts';
import type { GatewayLimits } from './limits.ts';
import type { Log } from '../log.ts';
import type { Metering } from '../metering.ts';
import type { CloudModel } from '../model.ts';
import type { FunctionRequest, Identities } from '../iam/roles.ts';

export interface ConnectionsApiOptions {
  readonly model: CloudModel;
  readonly connections: ReadonlyMap<string, Connection>;
  readonly identities: Pick<Identities, 'identify' | 'authorize'>;
  readonly metering: Metering;
  readonly faults: Pick<Faults, 'push'>;
  readonly limits: GatewayLimits;
  readonly log: Log;
  readonly onRequest?: ((request: FunctionRequest) => void) | undefined;
}

interface Answer {
  readonly status: number;
  /** The SDK tells errors apart by this header. */
  readonly errorType?: string;
  readonly body?: object;
}

const done: Answer = { status: 200 };
const gone: Answer = { status: 410, errorType: 'GoneException' };
const busy: Answer = {
  status: 429,
  errorType: 'LimitExceededException',
  body: { message: 'Rate Exceeded or client side buffer is full' },
};

export function createConnectionsApi(options: ConnectionsApiOptions) {
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    // Read first, so that the SDK's connection can be used again whatever the answer is.
    const payload = await readBody(request);
    const { status, errorType, body } = answer(request, payload, options);
    const content = body ? JSON.stringify(body) : '';
    response.writeHead(status, {
      ...(content && { 'content-type': 'application/json' }),
      ...(errorType && { 'x-amzn-ErrorType': errorType }),
      ...(status !== 204 && { 'content-length': Buffer.byteLength(content) }),
    });
    response.end(content);
  };
}

function answer(request: IncomingMessage, payload: Buffer, options: ConnectionsApiOptions): Answer {
  const { model, connections, metering } = options;
  const method = request.method ?? 'GET';
  const connectionId = connectionIdOf(request);
  const refusal = refuse(request, payload, `${method}/@connections/${connectionId}`, options);
  if (refusal) return refusal;
  if (!/^[\w-]{15}=$/.test(connectionId)) {
    return {
      status: 400,
      errorType: 'BadRequestException',
      body: { message: `Invalid connectionId: ${connectionId}` },
    };
  }
  const connection = connections.get(connectionId);
  if (!connection?.open) {
    metering.recordGone();
    return gone;
  }
  switch (method) {
    case 'POST':
      return post(connection, payload, options);
    case 'GET':
      return { status: 200, body: describe(connection) };
    case 'DELETE':
      connection.close({ code: 1000, reason: 'Connection Closed Normally' });
      return { status: 204 };
    default:
      return {
        status: 403,
        errorType: 'ForbiddenException',
        body: { message: `No ${method} in ${model.api.apiId}` },
      };
  }
}

function post(
  connection: Connection,
  payload: Buffer,
  { limits, faults, metering }: ConnectionsApiOptions,
): Answer {
  if (payload.length > limits.messageBytes) {
    return { status: 413, errorType: 'PayloadTooLargeException', body: { message: 'Message too long' } };
  }
  const fault = faults.push(() => deviceSite(connection.client));
  if (fault.disconnect) {
    connection.tearDown();
    metering.recordGone();
    return gone;
  }
  if (fault.throttle || connection.bufferedBytes > limits.bufferedBytes) return busy;
  if (fault.halfOpen) connection.makeHalfOpen();
  // 200 says that the gateway has it, not that the client has.
  if (fault.drop) return done;
  for (let copies = fault.duplicate ? 2 : 1; copies > 0; copies -= 1) {
    if (fault.delayMs > 0) connection.sendLater(payload, fault.delayMs);
    else connection.send(payload);
  }
  return done;
}

function describe({ facts, lastActiveAt }: Connection): object {
  return {
    connectedAt: new Date(facts.connectedAt).toISOString(),
    identity: { sourceIp: facts.sourceIp, ...(facts.userAgent && { userAgent: facts.userAgent }) },
    lastActiveAt: new Date(lastActiveAt).toISOString(),
  };
}

function refuse(
  request: IncomingMessage,
  payload: Buffer,
  resource: string,
  options: ConnectionsApiOptions,
): Answer | undefined {
  const { model, identities, log, onRequest } = options;
  if (!request.headers.authorization) {
    const body = { message: 'Missing Authentication Token' };
    return { status: 403, errorType: 'MissingAuthenticationTokenException', body };
  }
  const identity = identities.identify(request.headers);
  if (!identity) {
    const body = { message: 'The security token included in the request is invalid.' };
    return { status: 403, errorType: 'UnrecognizedClientException', body };
  }
  const { functionName } = identity;
  const { method = '', url: path = '' } = request;
  onRequest?.({ functionName, method, path, target: undefined, body: payload.toString() });
  const { apiId, stageName } = model.api;
  const arn = `arn:aws:execute-api:${model.region}:${model.accountId}:${apiId}/${stageName}/${resource}`;
  const authorization = identities.authorize(identity, 'execute-api:ManageConnections', arn);
  if (authorization.allowed) return undefined;
  log.warn(functionName, authorization.message);
  return { status: 403, errorType: 'AccessDeniedException', body: { Message: authorization.message } };
}

function connectionIdOf({ url = '' }: IncomingMessage): string {
  const encoded = url.slice(url.indexOf('/@connections/') + '/@connections/'.length).split('?')[0]!;
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
