// API Gateway's WebSocket API and its @connections API, on one loopback port.
import { STATUS_CODES, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { Activity, type ConnectionState } from '../activity.ts';
import { createConnectionsApi } from './connections-api.ts';
import type { Faults } from '../faults/faults.ts';
import { Connection, notifyDisconnect } from './connection.ts';
import type { GatewayContext } from './context.ts';
import { shakeHands } from './handshake.ts';
import { readUrl } from './events.ts';
import { defaultGatewayLimits, type GatewayLimits } from './limits.ts';
import type { Log } from '../log.ts';
import type { Metering } from '../metering.ts';
import { unthrottled, type Throttling } from './throttling.ts';
import type { CloudModel, Invoke } from '../model.ts';
import type { FunctionRequest, Identities } from '../iam/roles.ts';

export interface GatewayOptions {
  /** Listening already: the functions must know its port before the first of them starts. */
  readonly server: Server;
  readonly model: CloudModel;
  readonly invoke: Invoke;
  readonly identities: Pick<Identities, 'identify' | 'authorize'>;
  readonly metering: Metering;
  readonly faults: Pick<Faults, 'push' | 'answerLost' | 'disconnect'>;
  readonly log: Log;
  readonly limits?: Partial<GatewayLimits>;
  /** None if absent. */
  readonly throttling?: Throttling;
  /** Where comings, goings and messages are noted. */
  readonly activity?: Pick<Activity, 'record'>;
  readonly onRequest?: ((request: FunctionRequest) => void) | undefined;
  /** What is asked for over HTTP and is not @connections. */
  readonly otherRequests?: RequestListener;
}

export interface Gateway {
  /** Messages, handshakes and `$disconnect`s that functions are still busy with have come to an end. */
  settled(): Promise<void>;
  /** Those that are open, as the developer page shows them. */
  connections(): readonly ConnectionState[];
  close(): Promise<void>;
}

export function startGateway(options: GatewayOptions): Gateway {
  const { server, model, invoke, metering, log, activity = new Activity() } = options;
  const limits = { ...defaultGatewayLimits, ...options.limits };
  const connections = new Map<string, Connection>();
  const underWay = new Set<Promise<void>>();
  const closing = new AbortController();
  const context: GatewayContext = {
    model,
    invoke,
    metering,
    activity,
    limits,
    throttling: options.throttling ?? unthrottled,
    faults: options.faults,
    closing: closing.signal,
    log,
    track(work) {
      const tracked = work
        .catch((error: unknown) => log.error('gateway', String(error)))
        .finally(() => underWay.delete(tracked));
      underWay.add(tracked);
    },
    forget(connectionId) {
      connections.delete(connectionId);
      metering.recordConnectionClosed(connectionId);
    },
  };
  const upgrade = createUpgrade(context, connections);
  const connectionsApi = createConnectionsApi({ ...options, limits, connections });

  const onUpgrade = (request: IncomingMessage, stream: Duplex, head: Buffer) =>
    context.track(
      upgrade(request, stream, head).catch((error: unknown) => {
        refuse(stream, 500, '{"message":"Internal server error"}');
        throw error;
      }),
    );
  const onRequest: RequestListener = (request, response) => {
    const path = request.url ?? '/';
    if (path.startsWith(`/${model.api.stageName}/@connections/`)) {
      context.track(connectionsApi(request, response));
    } else if (options.otherRequests) {
      options.otherRequests(request, response);
    } else {
      response.writeHead(403, { 'content-type': 'application/json' }).end('{"message":"Forbidden"}');
    }
  };
  server.on('upgrade', onUpgrade).on('request', onRequest);

  const settled = async () => {
    while (underWay.size > 0) await Promise.all(underWay);
  };
  return {
    settled,
    connections: () => [...connections.values()].map((connection) => connection.state()),
    async close() {
      // Requests are answered as long as there are functions: what still fans out hears that its devices are gone.
      server.off('upgrade', onUpgrade);
      closing.abort();
      await Promise.all([...connections.values()].map((connection) => connection.abandon()));
      await settled();
    },
  };
}

function createUpgrade(context: GatewayContext, connections: Map<string, Connection>) {
  const protocols = new WeakMap<IncomingMessage, string>();
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    // The frame guard closes before this does; it is only the end of what `ws` will hold.
    maxPayload: 2 * context.limits.messageBytes,
    handleProtocols: (_offered, request) => protocols.get(request) ?? false,
  });

  return async (request: IncomingMessage, stream: Duplex, head: Buffer): Promise<void> => {
    // Until `ws` takes over, a client that goes away must not bring the process down.
    stream.on('error', () => stream.destroy());
    if (!isForStage(request, context.model.api.stageName))
      return refuse(stream, 403, '{"message":"Forbidden"}');
    if (!isWebSocket(request)) return refuse(stream, 400, '{"message":"Bad Request"}');

    const result = await shakeHands(request, context);
    if (!result.accepted) {
      context.activity.record({ kind: 'refused', status: result.status });
      return refuse(stream, result.status, result.body);
    }
    if (result.protocol !== undefined) protocols.set(request, result.protocol);
    const { facts, authorizer } = result;
    if (stream.destroyed) {
      // `$connect` has run for a client that is gone: it hears of the end as it would have on AWS.
      return await notifyDisconnect(context, facts, authorizer, { code: 1006, reason: '' });
    }
    sockets.handleUpgrade(request, stream, head, (socket) => {
      const connection = new Connection(socket, stream, facts, authorizer, context);
      connections.set(facts.connectionId, connection);
      context.metering.recordConnectionOpened(facts.connectionId);
      context.activity.record({ kind: 'connected', client: connection.client });
    });
  };
}

/** On AWS the stage is part of the address; on a laptop it may be left out. */
function isForStage({ url = '/' }: IncomingMessage, stageName: string): boolean {
  const { pathname } = readUrl(url);
  return ['/', `/${stageName}`, `/${stageName}/`].includes(pathname);
}

function isWebSocket({ method, headers }: IncomingMessage): boolean {
  return (
    method === 'GET' &&
    headers.upgrade?.toLowerCase() === 'websocket' &&
    headers['sec-websocket-version'] === '13' &&
    /^[+/0-9A-Za-z]{22}==$/.test(headers['sec-websocket-key'] ?? '')
  );
}

function refuse(stream: Duplex, status: number, body: string): void {
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Refused'}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  stream.end(`${lines.join('\r\n')}\r\n\r\n${body}`, () => stream.destroy());
}
