// The domain on real tables, with a clock that the test moves and a wire that the test can cut.
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type BatchGetItemCommandInput,
  CreateTableCommand,
  DynamoDBClient,
  type ScanCommandOutput,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { inject } from 'vitest';
import { startEngine } from '../../local/dynamodb/engines/engine.ts';
import type { Caller, Connections, Context, Pushes } from '../../src/core/context.ts';
import { Database, type Item } from '../../src/core/database.ts';
import { registerConnection } from '../../src/core/connections.ts';
import { KnownGroups } from '../../src/core/groups/known-groups.ts';
import type { Task } from '../../src/core/groups/task.ts';
import { Watches, type Note } from '../../src/core/notifications/note.ts';
import { PushFailures } from '../../src/core/push-failures.ts';
import { parseSettings } from '../../src/core/settings.ts';
import { tableDefinitions, type TableName } from '../../src/core/tables.ts';
import type { Push, Refused } from '../../src/protocol/server-frames.ts';
import { noObjects } from './no-objects.ts';

export class Killed extends Error {}

/** When a sender dies: before its n-th request reaches the store, or after that was carried out. */
export interface Death {
  readonly request: number;
  readonly when: 'before' | 'after';
}

export interface TestTables {
  /** A context of its own; with `death`, its DynamoDB client dies as told. */
  context(options?: ContextOptions): TestContext;
  scan(table: TableName): Promise<Item[]>;
  connect(userId: string, deviceId?: string, options?: Partial<Caller>): Promise<Caller>;
  close(): Promise<void>;
}

export interface ContextOptions {
  readonly death?: Death;
  /** What happens before its n-th request reaches the store. */
  readonly beforeRequest?: (request: number) => Promise<void>;
  /** Of each BatchGet the last key is left unprocessed, as DynamoDB may do: it is asked for again, later. */
  readonly lastKeyLater?: boolean;
  readonly settings?: Record<string, number>;
  readonly connections?: Partial<Connections>;
  readonly push?: Pushes['push'];
}

export interface TestContext extends Context {
  /** Requests that this context's client has made. */
  readonly requests: () => number;
  /** Carries all of them out once more, as what hung is, and was repeated meanwhile; the answers nobody hears. */
  readonly again: () => Promise<void>;
  readonly pushed: { connectionId: string; frame: Push | Refused }[];
  /** What is left to others. */
  readonly queued: Task[];
  /** Devices that are to be looked at later. */
  readonly noted: Note[];
}

export interface TestClock {
  now: number;
}

export async function startTables(
  clock: TestClock = { now: Date.parse('2026-11-22T12:00:00Z') },
): Promise<TestTables> {
  const engine = await startEngine({ db: inject('db') });
  const endpoint = engine.endpoint;
  const prefix = `t${randomUUID().slice(0, 8)}-`;
  const names = Object.fromEntries(
    Object.keys(tableDefinitions).map((name) => [name, `${prefix}${name}`]),
  ) as Record<TableName, string>;
  const admin = createClient(endpoint);
  for (const name of Object.keys(tableDefinitions) as TableName[])
    await createTable(admin, name, names[name]);
  const clients = [admin];

  const context = ({
    death,
    beforeRequest,
    lastKeyLater,
    settings,
    connections,
    push,
  }: ContextOptions = {}): TestContext => {
    const client = createClient(endpoint);
    clients.push(client);
    if (lastKeyLater) leaveLastKey(client);
    const { requests, again } = watch(client, death, beforeRequest);
    const pushed: TestContext['pushed'] = [];
    const queued: Task[] = [];
    const noted: Note[] = [];
    const post = async (connectionId: string, frame: Push | Refused) => {
      pushed.push({ connectionId, frame });
      return 'accepted' as const;
    };
    return {
      db: new Database(client, names, backOff),
      settings: parseSettings({ conversationsPerMinute: 10_000, ...settings }),
      now: () => clock.now,
      backOff,
      wait: async (ms) => void (clock.now += ms),
      connections: {
        post,
        startPushes: () => ({ push: push ?? post, lastCall: () => {} }),
        close: async () => {},
        ...connections,
      },
      pushFailures: new PushFailures(),
      knownGroups: new KnownGroups(),
      tasks: { send: async (tasks) => void queued.push(...tasks) },
      notes: { send: async (notes) => void noted.push(...notes) },
      watches: new Watches(),
      objects: noObjects,
      log: { info: () => {}, warn: () => {}, error: () => {} },
      requests,
      again,
      pushed,
      queued,
      noted,
    };
  };

  return {
    context,
    scan: (table) => scanAll(admin, names[table]),
    async connect(userId, deviceId = 'phone', options = {}) {
      const caller = {
        userId,
        deviceId,
        platform: 'ios' as const,
        connectionId: randomUUID().slice(0, 15),
        connectedAt: clock.now,
        expiresAt: clock.now / 1_000 + 365 * 86_400,
        // Each request arrives as it is made, unless the test says when.
        get arrivedAt() {
          return clock.now;
        },
        ...options,
      };
      await registerConnection(context(), caller);
      return caller;
    },
    async close() {
      for (const client of clients) client.destroy();
      await engine.close();
    },
  };
}

async function backOff(attempt: number): Promise<void> {
  await delay(Math.random() * Math.min(100, 2 ** attempt));
}

function createClient(endpoint: string): DynamoDBClient {
  return new DynamoDBClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  });
}

/** Counts requests, and cuts the wire around the one that `death` names: for the caller, the rest never happens. */
function watch(
  client: DynamoDBClient,
  death: Death | undefined,
  beforeRequest: ContextOptions['beforeRequest'],
): Pick<TestContext, 'requests' | 'again'> {
  let requests = 0;
  const made: (() => Promise<unknown>)[] = [];
  client.middlewareStack.add(
    (next) => async (args) => {
      requests++;
      await beforeRequest?.(requests);
      if (death && requests > death.request) throw new Killed('dead');
      if (death?.when === 'before' && requests === death.request) throw new Killed('before the request');
      made.push(() => next(args));
      const result = await next(args);
      if (death?.when === 'after' && requests === death.request) throw new Killed('after the request');
      return result;
    },
    { step: 'initialize', name: 'watch' },
  );
  const again = async () => {
    for (const request of made) await request().catch(() => {});
  };
  return { requests: () => requests, again };
}

function leaveLastKey(client: DynamoDBClient): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const { RequestItems } = args.input as BatchGetItemCommandInput;
      const [name, request] = Object.entries(RequestItems ?? {}).at(-1) ?? [];
      if (!name || !request?.Keys || request.Keys.length < 2) return next(args);
      const kept = { ...RequestItems, [name]: { ...request, Keys: request.Keys.slice(0, -1) } };
      const result = await next({ ...args, input: { ...args.input, RequestItems: kept } });
      const left = { [name]: { ...request, Keys: request.Keys.slice(-1) } };
      return { ...result, output: { ...result.output, UnprocessedKeys: left } };
    },
    { step: 'initialize', name: 'leaveLastKey' },
  );
}

export async function createTable(client: DynamoDBClient, name: TableName, tableName: string): Promise<void> {
  const { partitionKey, sortKey } = tableDefinitions[name];
  await client.send(
    new CreateTableCommand({
      TableName: tableName,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [
        { AttributeName: partitionKey, KeyType: 'HASH' },
        { AttributeName: sortKey.name, KeyType: 'RANGE' },
      ],
      AttributeDefinitions: [
        { AttributeName: partitionKey, AttributeType: 'S' },
        { AttributeName: sortKey.name, AttributeType: sortKey.type },
      ],
    }),
  );
}

async function scanAll(client: DynamoDBClient, tableName: string): Promise<Item[]> {
  const items: Item[] = [];
  let startKey: ScanCommandOutput['LastEvaluatedKey'];
  do {
    const page: ScanCommandOutput = await client.send(
      new ScanCommand({ TableName: tableName, ExclusiveStartKey: startKey, ConsistentRead: true }),
    );
    items.push(...(page.Items ?? []).map((item) => unmarshall(item)));
    startKey = page.LastEvaluatedKey;
  } while (startKey);
  return items;
}
