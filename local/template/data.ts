// Tables, and what reads their streams.
import type { EventSourceModel, FunctionModel, TableModel } from '../model.ts';
import { enabledMappings, filtersOf, isQueueArn, targetOf } from './mappings.ts';
import { shortName, type Resource } from './resources.ts';

interface TableProperties {
  KeySchema: TableModel['keySchema'];
  AttributeDefinitions: TableModel['attributeDefinitions'];
  BillingMode?: string;
  GlobalSecondaryIndexes?: TableModel['indexes'];
  StreamSpecification?: { StreamViewType: string };
  TimeToLiveSpecification?: { AttributeName: string; Enabled: boolean };
}

interface EventSourceProperties {
  EventSourceArn: string;
  StartingPosition: EventSourceModel['startingPosition'];
  BatchSize?: number;
  BisectBatchOnFunctionError?: boolean;
  DestinationConfig?: { OnFailure?: { Destination: string } };
  FilterCriteria?: { Filters?: { Pattern: string }[] };
  FunctionResponseTypes?: string[];
  MaximumBatchingWindowInSeconds?: number;
  MaximumRecordAgeInSeconds?: number;
  MaximumRetryAttempts?: number;
  ParallelizationFactor?: number;
  ScalingConfig?: object;
}

export function modelTables(resources: readonly Resource[]): TableModel[] {
  return tableResources(resources).map((resource) => {
    const properties = resource.properties as unknown as TableProperties;
    if (properties.BillingMode !== 'PAY_PER_REQUEST') {
      throw new Error(`The local cloud runs tables on demand only (${resource.constructPath})`);
    }
    const timeToLive = properties.TimeToLiveSpecification;
    const stream = properties.StreamSpecification;
    return {
      name: shortName(resource.constructPath),
      tableName: resource.ref,
      arn: resource.attributes['Arn']!,
      keySchema: properties.KeySchema,
      attributeDefinitions: properties.AttributeDefinitions,
      indexes: (properties.GlobalSecondaryIndexes ?? []).map(({ IndexName, KeySchema, Projection }) => ({
        IndexName,
        KeySchema,
        Projection,
      })),
      ...(timeToLive?.Enabled && { ttlAttribute: timeToLive.AttributeName }),
      // A global table has its stream only if it asks for one; the ARN is there all the same.
      ...(stream && { stream: { viewType: stream.StreamViewType, arn: resource.attributes['StreamArn']! } }),
    };
  });
}

export function modelEventSources(
  resources: readonly Resource[],
  functions: readonly FunctionModel[],
): EventSourceModel[] {
  return enabledMappings(resources)
    .map((resource) => ({ resource, properties: resource.properties as unknown as EventSourceProperties }))
    .filter(({ properties }) => !isQueueArn(properties.EventSourceArn))
    .map(({ resource, properties }) => {
      const table = tableResources(resources).find(
        ({ attributes, properties: { StreamSpecification } }) =>
          StreamSpecification !== undefined && attributes['StreamArn'] === properties.EventSourceArn,
      );
      if (!table) {
        throw new Error(`${properties.EventSourceArn} is no table's stream (${resource.constructPath})`);
      }
      if (properties.ScalingConfig) {
        throw new Error(
          `A stream takes a ParallelizationFactor, no ScalingConfig (${resource.constructPath})`,
        );
      }
      return {
        ...settingsOf(properties),
        id: resource.logicalId,
        tableName: table.ref,
        functionName: targetOf(resource, functions).name,
      };
    });
}

/** Defaults: docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html */
function settingsOf(properties: EventSourceProperties) {
  const recordAgeSeconds = properties.MaximumRecordAgeInSeconds ?? -1;
  const onFailureArn = properties.DestinationConfig?.OnFailure?.Destination;
  return {
    batchSize: properties.BatchSize ?? 100,
    batchingWindowMs: (properties.MaximumBatchingWindowInSeconds ?? 0) * 1000,
    parallelizationFactor: properties.ParallelizationFactor ?? 1,
    bisectOnError: properties.BisectBatchOnFunctionError ?? false,
    reportBatchItemFailures: properties.FunctionResponseTypes?.includes('ReportBatchItemFailures') ?? false,
    maximumRetryAttempts: properties.MaximumRetryAttempts ?? -1,
    maximumRecordAgeMs: recordAgeSeconds === -1 ? -1 : recordAgeSeconds * 1000,
    startingPosition: properties.StartingPosition,
    filters: filtersOf(properties),
    ...(onFailureArn && { onFailureArn }),
  };
}

function tableResources(resources: readonly Resource[]): Resource[] {
  return resources.filter(
    ({ type }) => type === 'AWS::DynamoDB::Table' || type === 'AWS::DynamoDB::GlobalTable',
  );
}
