// Queues, and the functions that they invoke.
import type { FunctionModel, QueueModel, QueueSourceModel } from '../model.ts';
import { enabledMappings, filtersOf, isQueueArn, targetOf } from './mappings.ts';
import { shortName, type Resource } from './resources.ts';

interface QueueProperties {
  DelaySeconds?: number;
  FifoQueue?: boolean;
  MaximumMessageSize?: number;
  MessageRetentionPeriod?: number;
  RedrivePolicy?: { deadLetterTargetArn: string; maxReceiveCount: number | string };
  VisibilityTimeout?: number;
}

interface QueueSourceProperties {
  BatchSize?: number;
  EventSourceArn: string;
  FilterCriteria?: { Filters?: { Pattern: string }[] };
  FunctionResponseTypes?: string[];
  MaximumBatchingWindowInSeconds?: number;
  ScalingConfig?: { MaximumConcurrency?: number };
}

/** The most that one answer of ReceiveMessage holds: a larger batch must be gathered. */
const largestUngatheredBatch = 10;

const forStreamsOnly = [
  'BisectBatchOnFunctionError',
  'DestinationConfig',
  'MaximumRecordAgeInSeconds',
  'MaximumRetryAttempts',
  'ParallelizationFactor',
  'StartingPosition',
];

export function modelQueues(resources: readonly Resource[]): QueueModel[] {
  const queues = resources.filter(({ type }) => type === 'AWS::SQS::Queue').map(modelQueue);
  const names = queues.map(({ name }) => name);
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated) throw new Error(`Two queues are called ${repeated}: metrics could not tell them apart`);
  for (const { name, redrive } of queues) {
    if (redrive && !queues.some(({ arn }) => arn === redrive.deadLetterArn)) {
      throw new Error(`The dead letter queue of ${name}, ${redrive.deadLetterArn}, is not in the template`);
    }
  }
  return queues;
}

/** Defaults: docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html */
function modelQueue({ constructPath, attributes, properties, ref }: Resource): QueueModel {
  const { RedrivePolicy, ...settings } = properties as QueueProperties;
  if (settings.FifoQueue) throw new Error(`The local cloud runs no FIFO queues (${constructPath})`);
  return {
    name: shortName(constructPath),
    queueName: attributes['QueueName']!,
    arn: attributes['Arn']!,
    url: ref,
    visibilityTimeoutMs: (settings.VisibilityTimeout ?? 30) * 1000,
    delayMs: (settings.DelaySeconds ?? 0) * 1000,
    retentionMs: (settings.MessageRetentionPeriod ?? 4 * 24 * 3600) * 1000,
    maximumMessageBytes: settings.MaximumMessageSize ?? 1024 * 1024,
    ...(RedrivePolicy && {
      redrive: {
        deadLetterArn: RedrivePolicy.deadLetterTargetArn,
        maxReceiveCount: Number(RedrivePolicy.maxReceiveCount),
      },
    }),
  };
}

export function modelQueueSources(
  resources: readonly Resource[],
  functions: readonly FunctionModel[],
  queues: readonly QueueModel[],
): QueueSourceModel[] {
  return enabledMappings(resources)
    .filter(({ properties }) => isQueueArn(String(properties['EventSourceArn'])))
    .map((resource) => modelQueueSource(resource, functions, queues));
}

/** Defaults: docs.aws.amazon.com/lambda/latest/dg/services-sqs-parameters.html */
function modelQueueSource(
  resource: Resource,
  functions: readonly FunctionModel[],
  queues: readonly QueueModel[],
): QueueSourceModel {
  const { constructPath, logicalId } = resource;
  const properties = resource.properties as unknown as QueueSourceProperties;
  const { EventSourceArn, BatchSize: batchSize = 10, ScalingConfig } = properties;
  const foreign = forStreamsOnly.find((property) => resource.properties[property] !== undefined);
  if (foreign) throw new Error(`${foreign} is for streams, not for queues (${constructPath})`);
  if (!queues.some(({ arn }) => arn === EventSourceArn)) {
    throw new Error(`${EventSourceArn} is no queue of the template (${constructPath})`);
  }
  const windowSeconds = properties.MaximumBatchingWindowInSeconds ?? 0;
  if (batchSize > largestUngatheredBatch && windowSeconds < 1) {
    throw new Error(`A batch of more than ten messages needs a batching window (${constructPath})`);
  }
  const maximumConcurrency = ScalingConfig?.MaximumConcurrency;
  if (maximumConcurrency !== undefined && (maximumConcurrency < 2 || maximumConcurrency > 1000)) {
    throw new Error(`MaximumConcurrency must be from 2 to 1000 (${constructPath})`);
  }
  return {
    id: logicalId,
    queueArn: EventSourceArn,
    functionName: targetOf(resource, functions).name,
    batchSize,
    batchingWindowMs: windowSeconds * 1000,
    reportBatchItemFailures: properties.FunctionResponseTypes?.includes('ReportBatchItemFailures') ?? false,
    filters: filtersOf(properties),
    ...(maximumConcurrency !== undefined && { maximumConcurrency }),
  };
}
