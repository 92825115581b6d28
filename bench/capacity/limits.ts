// What AWS documents as limits, once, as of November 2026; and what this stack sets by itself. Read them again before you rely on them.

export interface Limit {
  readonly value: number;
  readonly unit: string;
  /** May more of it be asked for? */
  readonly adjustable: boolean;
  readonly source: string;
}

export const limits = {
  // An item has one partition, however often that is split: so these are what one item can take, too.
  partitionWriteUnits: {
    value: 1_000,
    unit: 'write units/s',
    adjustable: false,
    source: 'docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html',
  },
  partitionReadUnits: {
    value: 3_000,
    unit: 'read units/s',
    adjustable: false,
    source: 'docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html',
  },
  partitionGigabytes: {
    value: 10,
    unit: 'GB',
    adjustable: false,
    source:
      'aws.amazon.com/blogs/database/part-3-scaling-dynamodb-how-partitions-hot-keys-and-split-for-heat-impact-performance',
  },
  tableWriteUnits: {
    value: 40_000,
    unit: 'write units/s',
    adjustable: true,
    source: 'docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html',
  },
  tableReadUnits: {
    value: 40_000,
    unit: 'read units/s',
    adjustable: true,
    source: 'docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html',
  },
  lambdaConcurrency: {
    value: 1_000,
    unit: 'executions at once',
    adjustable: true,
    source: 'docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html',
  },
  /** Of new execution environments, for each function, in ten seconds. */
  lambdaScaling: {
    value: 1_000,
    unit: 'environments in 10 s',
    adjustable: false,
    source: 'docs.aws.amazon.com/lambda/latest/dg/scaling-behavior.html',
  },
  /** An execution environment takes no more, however short they are: a second limit on requests, tied to the concurrency. */
  lambdaRequestsPerConcurrency: {
    value: 10,
    unit: 'synchronous requests/s for each of the concurrency',
    adjustable: false,
    source: 'docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html',
  },
  /** Of a stream, for each event source mapping. */
  pollsPerSecond: {
    value: 4,
    unit: 'polls/s of a shard',
    adjustable: false,
    source: 'docs.aws.amazon.com/lambda/latest/dg/with-ddb.html',
  },
  recordsPerPoll: {
    value: 1_000,
    unit: 'records a GetRecords (or 1 MB)',
    adjustable: false,
    source: 'docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetRecords.html',
  },
  parallelization: {
    value: 10,
    unit: 'batches of a shard at once',
    adjustable: false,
    source: 'docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html',
  },
  /** Standard queues take nearly any number of requests; messages that were received and not deleted are limited. */
  queueInFlight: {
    value: 120_000,
    unit: 'messages in flight of a queue',
    adjustable: true,
    source: 'docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html',
  },
  queueWaitSeconds: {
    value: 20,
    unit: 's that a request waits for messages at most',
    adjustable: false,
    source: 'docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html',
  },
  /** What Lambda asks a queue with, as long as it is empty. */
  queuePollers: {
    value: 5,
    unit: 'batches at once to begin with',
    adjustable: false,
    source: 'docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html',
  },
  queueScaling: {
    value: 300,
    unit: 'more batches at once in a minute',
    adjustable: false,
    source: 'docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html',
  },
  queueBatchesAtOnce: {
    value: 1_250,
    unit: 'batches of a queue at once',
    adjustable: false,
    source: 'docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html',
  },
  /** Where a queue is given one of its own. */
  queueMaximumConcurrency: {
    value: 1_000,
    unit: 'batches at once that may be set',
    adjustable: false,
    source: 'docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html',
  },
  gatewayRequests: {
    value: 10_000,
    unit: 'requests/s of all APIs of the account, @connections included',
    adjustable: true,
    source: 'docs.aws.amazon.com/apigateway/latest/developerguide/limits.html',
  },
  newConnections: {
    value: 500,
    unit: 'new connections/s',
    adjustable: true,
    source:
      'docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html',
  },
  connectionMinutes: {
    value: 120,
    unit: 'minutes that a connection lasts at most',
    adjustable: false,
    source:
      'docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html',
  },
} as const satisfies Readonly<Record<string, Limit>>;

/** As lib/ has them where nothing is configured: test/bench/capacity-model.test.ts compares them with the template. */
export const stack = {
  /** Messages of one route, and handshakes, a second. */
  routeRequests: 5_000,
  connectRequests: 500,
  batchRecords: 100,
  parallelization: 1,
  memoryGigabytes: 0.5,
  notesABatch: 10,
  tasksABatch: 1,
  notifierConcurrency: 50,
  /** Those of work that the service API begins, too. */
  polledQueues: 5,
} as const;
