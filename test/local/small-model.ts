// A cloud small enough for a test: one table with a stream, one without, a function for each, a queue.
import { randomUUID } from 'node:crypto';
import type {
  CloudModel,
  EventSourceModel,
  FunctionModel,
  PolicyStatement,
  QueueModel,
  QueueSourceModel,
  TableModel,
} from '../../local/model.ts';

const region = 'us-east-1';
const accountId = '000000000000';

export interface SmallModel extends CloudModel {
  readonly orders: TableModel;
  readonly notes: TableModel;
}

export interface SmallModelOptions {
  /** Statements of the functions' roles, by function name. */
  readonly roles?: Readonly<Record<string, readonly PolicyStatement[]>>;
  readonly eventSource?: Partial<EventSourceModel>;
  readonly viewType?: string;
  /** Part of all physical names; the same again finds the same tables again. */
  readonly prefix?: string;
}

export function smallModel(options: SmallModelOptions = {}): SmallModel {
  const prefix = options.prefix ?? `t${randomUUID().slice(0, 8)}`;
  const orders = {
    ...table(prefix, 'Orders'),
    stream: {
      viewType: options.viewType ?? 'NEW_IMAGE',
      arn: `${tableArn(prefix, 'Orders')}/stream/2026-11-22T00:00:00.000`,
    },
  };
  const notes = { ...table(prefix, 'Notes'), ttlAttribute: 'expiresAt' };
  const queue = queueModel(prefix, 'Failures');
  const roles: Record<string, readonly PolicyStatement[]> = {
    consumer: [
      allow(['DescribeStream', 'GetRecords', 'GetShardIterator', 'ListStreams'], orders.stream.arn),
      { effect: 'Allow', actions: ['sqs:SendMessage'], resources: [queue.arn] },
    ],
  };
  return {
    stackName: prefix,
    region,
    accountId,
    tables: [orders, notes],
    functions: ['writer', 'consumer'].map((name) =>
      functionModel(prefix, name, options.roles?.[name] ?? roles[name] ?? []),
    ),
    api: { apiId: 'api', stageName: 'dev', routeSelectionExpression: '$request.body.action', routes: [] },
    eventSources: [
      {
        id: 'orders-to-consumer',
        tableName: orders.tableName,
        functionName: 'consumer',
        batchSize: 10,
        batchingWindowMs: 0,
        parallelizationFactor: 1,
        bisectOnError: false,
        reportBatchItemFailures: false,
        maximumRetryAttempts: -1,
        maximumRecordAgeMs: -1,
        startingPosition: 'TRIM_HORIZON',
        filters: [],
        onFailureArn: queue.arn,
        ...options.eventSource,
      },
    ],
    queueSources: [],
    queues: [queue],
    secrets: [],
    buckets: [],
    httpApi: undefined,
    managedPolicies: [],
    orders,
    notes,
  };
}

export function allow(actions: readonly string[], resource: string): PolicyStatement {
  return { effect: 'Allow', actions: actions.map((action) => `dynamodb:${action}`), resources: [resource] };
}

export function queueModel(prefix: string, name: string): QueueModel {
  const queueName = `${prefix}-${name.toLowerCase()}`;
  return {
    name,
    queueName,
    arn: `arn:aws:sqs:${region}:${accountId}:${queueName}`,
    url: `https://sqs.${region}.amazonaws.com/${accountId}/${queueName}`,
    visibilityTimeoutMs: 30_000,
    delayMs: 0,
    retentionMs: 4 * 24 * 3_600_000,
    maximumMessageBytes: 1024 * 1024,
  };
}

export interface QueueModelOptions {
  readonly queue?: Partial<QueueModel>;
  readonly source?: Partial<QueueSourceModel>;
  /** Deliveries before a message goes to the dead letter queue. */
  readonly maxReceiveCount?: number;
  /** Of the function that takes from the queue. */
  readonly statements?: readonly PolicyStatement[];
}

export interface SmallQueueModel extends CloudModel {
  readonly chunks: QueueModel;
  readonly deadLetters: QueueModel;
}

/** `Chunks` invokes `consumer` and gives up to `DeadLetters`; `writer` may send to it. */
export function smallQueueModel(options: QueueModelOptions = {}): SmallQueueModel {
  const { maxReceiveCount = 3 } = options;
  const prefix = `t${randomUUID().slice(0, 8)}`;
  const deadLetters = queueModel(prefix, 'DeadLetters');
  const chunks = {
    ...queueModel(prefix, 'Chunks'),
    redrive: { deadLetterArn: deadLetters.arn, maxReceiveCount },
    ...options.queue,
  };
  const polls = ['ReceiveMessage', 'DeleteMessage', 'GetQueueAttributes'];
  const consumer = options.statements ?? [
    { effect: 'Allow', actions: polls.map((poll) => `sqs:${poll}`), resources: [chunks.arn] },
  ];
  const writer: PolicyStatement[] = [
    { effect: 'Allow', actions: ['sqs:SendMessage'], resources: [chunks.arn] },
  ];
  return {
    ...smallModel({ prefix, roles: { consumer, writer } }),
    eventSources: [],
    queueSources: [
      {
        id: 'chunks-to-consumer',
        queueArn: chunks.arn,
        functionName: 'consumer',
        batchSize: 10,
        batchingWindowMs: 0,
        reportBatchItemFailures: false,
        filters: [],
        ...options.source,
      },
    ],
    queues: [chunks, deadLetters],
    chunks,
    deadLetters,
  };
}

function table(prefix: string, name: string): TableModel {
  return {
    name,
    tableName: `${prefix}-${name}`,
    arn: tableArn(prefix, name),
    keySchema: [
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ],
    attributeDefinitions: [
      { AttributeName: 'pk', AttributeType: 'S' },
      { AttributeName: 'sk', AttributeType: 'N' },
    ],
    indexes: [],
  };
}

function tableArn(prefix: string, name: string): string {
  return `arn:aws:dynamodb:${region}:${accountId}:table/${prefix}-${name}`;
}

function functionModel(prefix: string, name: string, statements: readonly PolicyStatement[]): FunctionModel {
  return {
    name,
    functionName: `${prefix}-${name}`,
    arn: `arn:aws:lambda:${region}:${accountId}:function:${prefix}-${name}`,
    modulePath: '/nowhere/index.mjs',
    exportName: 'handler',
    timeoutMs: 10_000,
    memoryMb: 512,
    runtime: 'nodejs24.x',
    environment: {},
    role: { name: `${prefix}-${name}-role`, statements },
  };
}
