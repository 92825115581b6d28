// The local cloud: puts the parts together around one template, and takes them apart again.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Activity } from './activity.ts';
import { createDev } from './dev/dev.ts';
import { createTokens, openTokenKey, type Tokens } from './dev/tokens.ts';
import { startDynamoDb } from './dynamodb/dynamodb.ts';
import { startEventBus } from './event-bus/event-bus.ts';
import { startEventSources, type EventSources, type SettleOptions } from './event-source/event-source.ts';
import { Faults, type Injection } from './faults/faults.ts';
import { startFunctions } from './functions/functions.ts';
import { startGateway } from './gateway/gateway.ts';
import type { GatewayLimits } from './gateway/limits.ts';
import { unthrottled, type Throttling } from './gateway/throttling.ts';
import { createIdentities, type FunctionRequest } from './iam/roles.ts';
import { createLog, type Log, type LogFormat } from './log.ts';
import { Metering, type MeteringSnapshot } from './metering.ts';
import { startMedia } from './media/media.ts';
import type { CloudModel, Invoke } from './model.ts';
import { NotificationJournal } from './notifications/journal.ts';
import type { NotificationReport } from './notifications/report.ts';
import { createLocalRedrive } from './redrive/local-redrive.ts';
import { startSecrets } from './secrets/secrets.ts';
import { startService, type ServiceAccess } from './service/service.ts';
import { startSqs } from './sqs/sqs.ts';
import { loadTemplate, stackNameOf } from './template/template.ts';

export interface CloudOptions {
  readonly templatePath: string;
  /** 0: any free port. */
  readonly port: number;
  /** `dynoxide`, `dynamodb-local`, or the URL of an engine that runs already. */
  readonly db: string;
  /** Where tables, queues, secrets and the token key are kept; in memory if absent. */
  readonly dataDirectory?: string | undefined;
  /** Values of functions' variables over those of the template, e.g. `IM_SETTINGS`. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  readonly gatewayLimits?: Partial<GatewayLimits> | undefined;
  readonly maxEnvironments?: number | undefined;
  /** Of all functions together; without limit if absent. */
  readonly accountConcurrency?: number | undefined;
  /** The throttles of the stage hold: `createThrottling()`; none do if absent. */
  readonly throttling?: Throttling | undefined;
  /** A format, or where the lines go instead. */
  readonly log?: LogFormat | Log | undefined;
  /** Hears of each request that a function makes: for audits of least privilege. */
  readonly onRequest?: ((request: FunctionRequest) => void) | undefined;
  /** Goes before all physical names: many clouds may share one engine. */
  readonly tablePrefix?: string | undefined;
}

export interface Cloud {
  /** `ws://127.0.0.1:PORT` */
  readonly url: string;
  readonly httpUrl: string;
  readonly port: number;
  readonly model: CloudModel;
  /** The engine itself: no roles, no faults, nothing metered. */
  readonly dynamoDbEndpoint: string;
  readonly issueToken: Tokens['issueToken'];
  readonly invoke: Invoke;
  /** Where the app's own backend calls, and with what; `undefined` if the template has no service API. */
  readonly service: ServiceAccess | undefined;
  metrics(): MeteringSnapshot;
  resetMetrics(): void;
  setFaults(plan: unknown): void;
  clearFaults(): void;
  /** Faults that were injected since the plan was set, oldest first. */
  injections(): readonly Injection[];
  /** What notifiers told, newest first. */
  notifications(): readonly NotificationReport[];
  /** Applies the lifecycle rules of buckets as of that time; resolves with how many objects went. */
  expireMedia(now: number): Promise<number>;
  /**
   * Nothing is in flight in the gateway, and nothing waits for a function in a stream or queue; in queues, what is delayed
   * may, unless that is to be over, too.
   */
  settled(options?: SettleOptions): Promise<void>;
  close(): Promise<void>;
}

type Closer = () => Promise<void>;

/** What was started is stopped again in reverse order, also when the start fails half-way. */
export async function startCloud(options: CloudOptions): Promise<Cloud> {
  const closers: Closer[] = [];
  const close = async () => {
    for (let closer = closers.pop(); closer; closer = closers.pop()) await closer();
  };
  try {
    return { ...(await start(options, closers)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Of the pages of this very server, as the web chat. */
const ownOrigins = (port: number) => [`http://127.0.0.1:${port}`, `http://localhost:${port}`];

function originsFor(model: CloudModel, port: number): string {
  const allowed = variableOf(model, 'ALLOWED_ORIGINS') ?? '';
  return [...allowed.split(',').filter(Boolean), ...ownOrigins(port)].join(',');
}

/** They reach the buckets, too. */
function bucketsFor(model: CloudModel, port: number): CloudModel['buckets'] {
  const own = {
    allowedOrigins: ownOrigins(port),
    allowedMethods: ['PUT', 'GET'],
    allowedHeaders: ['*'],
    exposedHeaders: [],
  };
  return model.buckets.map((bucket) => ({ ...bucket, cors: [...bucket.cors, own] }));
}

async function start(options: CloudOptions, closers: Closer[]): Promise<Omit<Cloud, 'close'>> {
  const { dataDirectory, db, tablePrefix = '', templatePath } = options;
  const log = typeof options.log === 'object' ? options.log : createLog(options.log ?? 'quiet');
  const tokenKey = await openTokenKey(dataDirectory);
  const model = await loadTemplate(templatePath, {
    parameters: tokenKey.parameters,
    stackName: `${tablePrefix}${stackNameOf(templatePath)}`,
  });
  const tokens = await createTokens(tokenKey, variableOf(model, 'TOKEN_USER_CLAIM'));

  // The port comes first: functions are told where to post to before the gateway can invoke them.
  const server = await listen(options.port);
  closers.push(() => stopListening(server));
  const { port } = server.address() as AddressInfo;
  const httpUrl = `http://127.0.0.1:${port}`;

  const identities = createIdentities(model);
  const metering = new Metering();
  const activity = new Activity();
  const faults = new Faults();
  // Functions may write while the event sources start: on what an earlier run left unread.
  let nudge: EventSources['nudge'] = () => {};
  const dynamodb = await startDynamoDb({
    model,
    db,
    dataDirectory,
    identities,
    metering,
    faults,
    log,
    onRequest: options.onRequest,
    onWrite: (tableName) => nudge(tableName),
    onMidwayCrash: (environmentId) => functions.crashEnvironment(environmentId),
  });
  closers.push(() => dynamodb.close());
  const { engine, deletions, front } = dynamodb;

  const sqs = await startSqs({
    model,
    dataDirectory,
    identities,
    metering,
    log,
    onRequest: options.onRequest,
  });
  closers.push(() => sqs.close());
  const { queues } = sqs;
  const secrets = await startSecrets({
    model,
    dataDirectory,
    identities,
    log,
    onRequest: options.onRequest,
  });
  closers.push(() => secrets.close());
  const eventBus = await startEventBus({ model, identities, log, onRequest: options.onRequest });
  closers.push(() => eventBus.close());
  const media = await startMedia({
    model: { region: model.region, buckets: bucketsFor(model, port) },
    dataDirectory,
    identities,
    log,
    onRequest: options.onRequest,
  });
  closers.push(() => media.close());
  const journal = new NotificationJournal();
  const redrive = createLocalRedrive({
    model,
    engine,
    queues,
    deletions,
    invoke: (functionName, event) => functions.invoke(functionName, event),
  });
  closers.push(() => redrive.close());

  const functions = startFunctions({
    model,
    identities,
    metering: {
      recordInvocation(functionName, invocation) {
        metering.recordInvocation(functionName, invocation);
        activity.record({ kind: 'invocation', functionName, ...invocation });
      },
    },
    faults,
    log,
    endpoints: {
      dynamodb: front.url,
      connections: `${httpUrl}/${model.api.stageName}`,
      sqs: sqs.url,
      secretsManager: secrets.url,
      eventBridge: eventBus.url,
      s3: media.url,
      notifications: `${httpUrl}/dev/notifications`,
    },
    environmentOverrides: { ALLOWED_ORIGINS: originsFor(model, port), ...options.environment },
    midwayCrashes: {
      arm: (environmentId, requests) => front.armCrash(environmentId, requests),
      disarm: (environmentId) => front.disarmCrash(environmentId),
    },
    ...(options.maxEnvironments !== undefined && { maxEnvironments: options.maxEnvironments }),
    ...(options.accountConcurrency !== undefined && { accountConcurrency: options.accountConcurrency }),
  });
  closers.push(() => functions.close());

  const { invoke } = functions;
  const eventSources = await startEventSources({
    model,
    engine,
    identities,
    invoke,
    metering,
    faults,
    log,
    queues,
    deletions,
    dataDirectory,
  });
  closers.push(() => eventSources.close());
  nudge = (tableName) => eventSources.nudge(tableName);

  const service = await startService({ model, invoke, log });
  closers.push(() => service.close());
  const secretOf = (variable: string) => secrets.store.find(variableOf(model, variable) ?? '')?.value;
  const otherRequests = createDev({
    model,
    database: engine.name,
    port,
    tokens,
    metering,
    faults,
    activity,
    queues,
    redrive,
    journal,
    service: service.access,
    webhookSecret: () => secretOf('PUSH_WEBHOOK_SECRET_ARN'),
    beforeSendSecret: () => secretOf('BEFORE_SEND_SECRET_ARN'),
    afterSendSecret: () => secretOf('AFTER_SEND_SECRET_ARN'),
    events: () => eventBus.events(),
    environments: () => functions.environments(),
    connections: () => gateway.connections(),
    recordsInFlight: () => eventSources.inFlight(),
    messagesIn: (queueName) => queues.messages(queueName).length,
    itemCounts: () => dynamodb.itemCounts.read(),
  });
  const limits = options.gatewayLimits ?? {};
  server.off('request', putOff);
  const gateway = startGateway({
    server,
    model,
    invoke,
    identities,
    metering,
    faults,
    log,
    limits,
    throttling: options.throttling ?? unthrottled,
    activity,
    onRequest: options.onRequest,
    otherRequests,
  });
  closers.push(() => gateway.close());

  return {
    url: `ws://127.0.0.1:${port}`,
    httpUrl,
    port,
    model,
    dynamoDbEndpoint: engine.endpoint,
    issueToken: (userId, ttlSeconds) => tokens.issueToken(userId, ttlSeconds),
    invoke,
    service: service.access,
    metrics: () => metering.snapshot(),
    resetMetrics: () => metering.reset(),
    setFaults: (plan) => faults.set(plan),
    clearFaults: () => faults.clear(),
    injections: () => faults.log(),
    notifications: () => journal.all(),
    expireMedia: (now) => media.expire(now),
    async settled(settleOptions) {
      await gateway.settled();
      await eventSources.settled(settleOptions);
      // What was pushed may have found connections gone, or ended them.
      await gateway.settled();
    },
  };
}

function variableOf({ functions }: CloudModel, name: string): string | undefined {
  return functions.map(({ environment }) => environment[name]).find((value) => value !== undefined);
}

/** Kept alive longer than the SDK keeps its connections: no request meets one that is being closed. */
const keepAliveTimeoutMs = 120_000;

/** Whoever comes before all is there must not wait for ever; a browser comes again by itself. Handshakes end here, too. */
function putOff(request: IncomingMessage, response: ServerResponse): void {
  request.resume();
  response.writeHead(503, { 'content-type': 'text/plain', 'retry-after': '1', refresh: '1' });
  response.end('The cloud is starting. Try again in a second.\n');
}

async function listen(port: number): Promise<Server> {
  const server = createServer({ keepAliveTimeout: keepAliveTimeoutMs });
  server.on('request', putOff);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function stopListening(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
