// The event source mappings of a deployed stack, and the queues that their failures go to.
import { paginateListStackResources, type CloudFormationClient } from '@aws-sdk/client-cloudformation';
import {
  GetEventSourceMappingCommand,
  type EventSourceMappingConfiguration,
  type LambdaClient,
} from '@aws-sdk/client-lambda';
import type { Pattern } from '../event-source/filter.ts';
import type { Mapping } from './redrive.ts';

export interface AwsMapping extends Mapping {
  readonly streamArn: string;
  readonly functionArn: string;
  readonly queueArn: string;
}

/** Mappings without a queue have nothing to redrive. */
export async function findMappings(
  cloudFormation: CloudFormationClient,
  lambda: LambdaClient,
  stackName: string,
): Promise<AwsMapping[]> {
  const mappings: AwsMapping[] = [];
  const pages = paginateListStackResources({ client: cloudFormation }, { StackName: stackName });
  for await (const { StackResourceSummaries: resources = [] } of pages) {
    for (const { ResourceType, PhysicalResourceId } of resources) {
      if (ResourceType !== 'AWS::Lambda::EventSourceMapping') continue;
      const configuration = await lambda.send(new GetEventSourceMappingCommand({ UUID: PhysicalResourceId }));
      const mapping = toMapping(configuration);
      if (mapping) mappings.push(mapping);
    }
  }
  return mappings;
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
