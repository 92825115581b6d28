// A gateway with real functions and no database: the handlers are given as source, each in a module of its own.
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiGatewayManagementApiClient } from '@aws-sdk/client-apigatewaymanagementapi';
import { expect } from 'vitest';
import { WebSocket } from 'ws';
import { startFunctions, type Functions, type ServiceEndpoints } from '../../local/functions/functions.ts';
import { Faults } from '../../local/faults/faults.ts';
import type { Throttling } from '../../local/gateway/throttling.ts';
import type { GatewayLimits } from '../../local/gateway/limits.ts';
import { startGateway } from '../../local/gateway/gateway.ts';
import type { Log } from '../../local/log.ts';
import { Metering } from '../../local/metering.ts';
import type { AuthorizerModel, CloudModel, FunctionModel, RouteModel } from '../../local/model.ts';
import { createIdentities } from '../../local/iam/roles.ts';

export interface FunctionSource extends Partial<FunctionModel> {
  /** An ES module that exports `handler`. */
  readonly source: string;
}

export interface SandboxOptions {
  /** Source by function name. */
  readonly functions: Readonly<Record<string, string | FunctionSource>>;
  /** Route key → function name, or the whole route. */
  readonly routes?: Readonly<Record<string, string | (Partial<RouteModel> & { functionName: string })>>;
  readonly authorizer?: Partial<AuthorizerModel>;
  readonly stageVariables?: Readonly<Record<string, string>>;
  readonly limits?: Partial<GatewayLimits>;
  readonly maxEnvironments?: number;
  readonly accountConcurrency?: number;
  readonly throttling?: Throttling;
  readonly environmentOverrides?: Readonly<Record<string, string>>;
}

const discard = 'http://127.0.0.1:9';
/** Endpoints of services that no function here speaks to. */
export const nowhere: ServiceEndpoints = {
  dynamodb: discard,
  connections: discard,
  sqs: discard,
  secretsManager: discard,
  eventBridge: discard,
  s3: discard,
  notifications: discard,
};

export interface LogLine {
  readonly source: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export type Sandbox = Awaited<ReturnType<typeof startSandbox>>;

/** `PJqB0fHsqRcCHlw=` */
export const id = expect.stringMatching(/^[\w-]{15}=$/) as unknown;

/** What every request context has. */
export const commonContext = {
  extendedRequestId: id,
  requestTime: expect.stringMatching(/^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/) as unknown,
  messageDirection: 'IN',
  stage: 'test',
  connectedAt: expect.any(Number),
  requestTimeEpoch: expect.any(Number),
  identity: { sourceIp: '127.0.0.1' },
  requestId: id,
  domainName: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
  connectionId: id,
  apiId: 'abcdef1234',
};

/** A handler that tells the event to the log, where tests read it, and answers 200. */
export const tell = (statusCode = 200) =>
  `export const handler = async (event) => { console.log(JSON.stringify(event)); return { statusCode: ${statusCode} }; };`;

/** A handler that answers with the event that it got. */
export const echo =
  'export const handler = async (event) => ({ statusCode: 200, body: JSON.stringify(event) });';

export async function startSandbox(options: SandboxOptions) {
  const directory = await mkdtemp(join(tmpdir(), 'sandbox-'));
  const model = await buildModel(directory, options);
  const { log, lines, nextLine } = collectLog();
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const endpoint = `http://127.0.0.1:${port}/${model.api.stageName}`;

  const identities = createIdentities(model);
  const metering = new Metering();
  const faults = new Faults();
  const functions: Functions = startFunctions({
    model,
    identities,
    metering,
    faults,
    log,
    endpoints: { ...nowhere, connections: endpoint },
    environmentOverrides: options.environmentOverrides ?? {},
    ...(options.maxEnvironments !== undefined && { maxEnvironments: options.maxEnvironments }),
    ...(options.accountConcurrency !== undefined && { accountConcurrency: options.accountConcurrency }),
  });
  const gateway = startGateway({
    server,
    model,
    invoke: functions.invoke,
    identities,
    metering,
    faults,
    log,
    limits: options.limits ?? {},
    ...(options.throttling && { throttling: options.throttling }),
  });
  const url = `ws://127.0.0.1:${port}`;
  const clients: Client[] = [];

  return {
    model,
    url,
    endpoint,
    metering,
    faults,
    functions,
    gateway,
    lines,
    nextLine,
    invoke: functions.invoke,
    /** The next event that a function told (see `tell`). */
    async nextEvent(source: string): Promise<Record<string, unknown>> {
      return JSON.parse((await nextLine(source)).message) as Record<string, unknown>;
    },
    /** How a handshake is refused. */
    async refusal(path?: string, options_?: ConnectOptions): Promise<HandshakeRefused> {
      return await this.connect(path, options_).then(
        () => expect.fail('the handshake was accepted'),
        (error: unknown) => error as HandshakeRefused,
      );
    },
    /** @throws HandshakeRefused */
    async connect(path = '', options_: ConnectOptions = {}): Promise<Client> {
      const client = await openClient(`${url}/${path}`, options_);
      clients.push(client);
      return client;
    },
    credentialsFor: (functionName: string) => identities.credentialsFor(functionName, 'test'),
    /** An SDK client that signs as this function does. */
    managementApi(functionName: string) {
      return new ApiGatewayManagementApiClient({
        region: model.region,
        endpoint,
        credentials: identities.credentialsFor(functionName, 'test'),
        maxAttempts: 1,
      });
    },
    async close() {
      for (const { socket } of clients) socket.terminate();
      await gateway.close();
      await functions.close();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
      await rm(directory, { recursive: true });
    },
  };
}

export interface ConnectOptions {
  readonly protocols?: string[];
  readonly headers?: Record<string, string>;
}

export class HandshakeRefused extends Error {
  readonly status: number;
  readonly body: string;

  constructor(status: number, body: string) {
    super(`Unexpected server response: ${status}`);
    this.status = status;
    this.body = body;
  }
}

export type Client = Awaited<ReturnType<typeof openClient>>;

async function openClient(url: string, { protocols = [], headers = {} }: ConnectOptions) {
  const socket = new WebSocket(url, protocols, { headers, perMessageDeflate: true });
  const frames: string[] = [];
  const readers: ((frame: string) => void)[] = [];
  socket.on('message', (data: Buffer) => {
    const reader = readers.shift();
    if (reader) reader(data.toString());
    else frames.push(data.toString());
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.once('close', (code, reason) => resolve({ code, reason: String(reason) }));
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
    socket.once('unexpected-response', (_request, response: IncomingMessage) => {
      void readText(response).then((body) => reject(new HandshakeRefused(response.statusCode ?? 0, body)));
    });
  });
  return {
    socket,
    closed,
    /** Frames that came and were not read. */
    frames,
    send: (frame: unknown) => socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame)),
    next: () => {
      const frame = frames.shift();
      return frame !== undefined
        ? Promise.resolve(frame)
        : new Promise<string>((resolve) => readers.push(resolve));
    },
  };
}

async function readText(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return text;
}

function collectLog() {
  const lines: LogLine[] = [];
  const readers: { source: string; resolve: (line: LogLine) => void }[] = [];
  const read = new Set<LogLine>();
  const write = (source: string, message: string, details = {}) => {
    const line = { source, message, details };
    lines.push(line);
    const index = readers.findIndex((reader) => reader.source === source && message !== 'cold start');
    if (index === -1) return;
    read.add(line);
    readers.splice(index, 1)[0]!.resolve(line);
  };
  const log: Log = { info: write, warn: write, error: write };
  return {
    log,
    lines,
    /** The next line that a function writes, or the first one that was not read. */
    nextLine: (source: string): Promise<LogLine> => {
      const line = lines.find(
        (candidate) =>
          candidate.source === source && candidate.message !== 'cold start' && !read.has(candidate),
      );
      if (!line) return new Promise((resolve) => readers.push({ source, resolve }));
      read.add(line);
      return Promise.resolve(line);
    },
  };
}

async function buildModel(directory: string, options: SandboxOptions): Promise<CloudModel> {
  const functions = await Promise.all(
    Object.entries(options.functions).map(async ([name, given]) => {
      const { source, ...rest } = typeof given === 'string' ? { source: given } : given;
      const modulePath = join(directory, `${name}.mjs`);
      await writeFile(modulePath, source);
      return buildFunction(name, modulePath, rest);
    }),
  );
  return {
    stackName: 'sandbox',
    region: 'us-east-1',
    accountId: '000000000000',
    tables: [],
    functions,
    api: {
      apiId: 'abcdef1234',
      stageName: 'test',
      routeSelectionExpression: '$request.body.action',
      ...(options.stageVariables && { stageVariables: options.stageVariables }),
      routes: Object.entries(options.routes ?? {}).map(([routeKey, given]) => ({
        routeKey,
        returnsResponse: false,
        mayInvoke: true,
        ...(typeof given === 'string' ? { functionName: given } : given),
        ...(routeKey === '$connect' &&
          options.authorizer && {
            authorizer: {
              functionName: 'authorize',
              identitySources: [],
              mayInvoke: true,
              ...options.authorizer,
            },
          }),
      })),
    },
    eventSources: [],
    queueSources: [],
    queues: [],
    secrets: [],
    buckets: [],
    httpApi: undefined,
    managedPolicies: [],
  };
}

function buildFunction(name: string, modulePath: string, rest: Partial<FunctionModel>): FunctionModel {
  return {
    name,
    functionName: `sandbox-${name}`,
    arn: `arn:aws:lambda:us-east-1:000000000000:function:sandbox-${name}`,
    modulePath,
    exportName: 'handler',
    timeoutMs: 10_000,
    memoryMb: 128,
    runtime: 'nodejs24.x',
    environment: {},
    role: {
      name: `sandbox-${name}-role`,
      statements: [
        {
          effect: 'Allow',
          actions: ['execute-api:ManageConnections'],
          resources: ['arn:aws:execute-api:us-east-1:000000000000:abcdef1234/test/*/@connections/*'],
        },
      ],
    },
    ...rest,
  };
}
