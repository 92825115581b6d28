// What of a deployed stack gives up, and the queues that its failures go to.
import { paginateListStackResources, type CloudFormationClient } from '@aws-sdk/client-cloudformation';
import {
  GetEventSourceMappingCommand,
  type EventSourceMappingConfiguration,
  type LambdaClient,
} from '@aws-sdk/client-lambda';
import { GetQueueAttributesCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Pattern } from '../event-source/filter.ts';
import type { Mapping } from './redrive.ts';

export interface AwsMapping extends Mapping {
  readonly streamArn: string;
  readonly functionArn: string;
  readonly queueArn: string;
}

export interface AwsQueue {
  readonly arn: string;
  readonly url: string;
  readonly deadLetterArn: string | undefined;
}

export interface AwsStack {
  /** Those of streams; mappings without a queue have nothing to redrive. */
  readonly mappings: readonly AwsMapping[];
  readonly queues: readonly AwsQueue[];
}

export interface StackClients {
  readonly cloudFormation: CloudFormationClient;
  readonly sqs: SQSClient;
  readonly lambda: LambdaClient;
}

export async function findStack(clients: StackClients, stackName: string): Promise<AwsStack> {
  const mappings: AwsMapping[] = [];
  const queues: AwsQueue[] = [];
  const pages = paginateListStackResources({ client: clients.cloudFormation }, { StackName: stackName });
  for await (const { StackResourceSummaries: resources = [] } of pages) {
    for (const { ResourceType, PhysicalResourceId: id } of resources) {
      if (ResourceType === 'AWS::SQS::Queue') queues.push(await findQueue(clients.sqs, id!));
      if (ResourceType !== 'AWS::Lambda::EventSourceMapping') continue;
      const configuration = await clients.lambda.send(new GetEventSourceMappingCommand({ UUID: id }));
      const mapping = toMapping(configuration);
      if (mapping) mappings.push(mapping);
    }
  }
  return { mappings, queues };
}

/** The physical id of a queue is its URL. */
async function findQueue(client: SQSClient, url: string): Promise<AwsQueue> {
  const { Attributes: { QueueArn, RedrivePolicy } = {} } = await client.send(
    new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['QueueArn', 'RedrivePolicy'] }),
  );
  const policy = JSON.parse(RedrivePolicy ?? '{}') as { deadLetterTargetArn?: string };
  return { arn: QueueArn!, url, deadLetterArn: policy.deadLetterTargetArn };
}

function toMapping(configuration: EventSourceMappingConfiguration): AwsMapping | undefined {
  const { EventSourceArn, FunctionArn, BatchSize, FilterCriteria, FunctionResponseTypes, DestinationConfig } =
    configuration;
  const queueArn = DestinationConfig?.OnFailure?.Destination;
  if (!EventSourceArn || !FunctionArn || !queueArn?.startsWith('arn:aws:sqs:')) return undefined;
  return {
    streamArn: EventSourceArn,
    functionArn: FunctionArn,
    queueArn,
    functionName: FunctionArn,
    batchSize: BatchSize ?? 100,
    reportBatchItemFailures: FunctionResponseTypes?.includes('ReportBatchItemFailures') ?? false,
    filters: (FilterCriteria?.Filters ?? []).map(({ Pattern: pattern }) => JSON.parse(pattern!) as Pattern),
  };
}
