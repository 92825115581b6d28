// Records of a table's stream, in the form that Lambda gives them.
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { itemSizeBytes, type Item } from '../dynamodb/capacity.ts';
import type { EngineClient } from '../dynamodb/engines/client.ts';
import type { TableModel } from '../model.ts';
import type { TtlDeletions } from '../dynamodb/ttl.ts';

/** API_streams_Record, as an event carries it. */
export interface StreamRecord {
  readonly eventID: string;
  readonly eventName: 'INSERT' | 'MODIFY' | 'REMOVE';
  readonly eventVersion: string;
  readonly eventSource: 'aws:dynamodb';
  readonly awsRegion: string;
  readonly dynamodb: {
    /** Epoch seconds. */
    readonly ApproximateCreationDateTime: number;
    readonly Keys: Item;
    readonly NewImage?: Item;
    readonly OldImage?: Item;
    readonly SequenceNumber: string;
    readonly SizeBytes: number;
    readonly StreamViewType: string;
  };
  readonly userIdentity?: { readonly type: string; readonly principalId: string };
  readonly eventSourceARN: string;
}

/** As the engine gives it. */
export interface EngineRecord {
  readonly eventName: StreamRecord['eventName'];
  readonly eventVersion: string;
  readonly dynamodb: Omit<StreamRecord['dynamodb'], 'SizeBytes' | 'StreamViewType'>;
  readonly userIdentity?: StreamRecord['userIdentity'];
}

export interface StreamRecordOptions {
  readonly table: TableModel;
  readonly region: string;
  readonly deletions: TtlDeletions;
}

export function toStreamRecord(
  { eventName, eventVersion, dynamodb, userIdentity }: EngineRecord,
  { table, region, deletions }: StreamRecordOptions,
): StreamRecord {
  const { viewType, arn } = table.stream!;
  const { Keys, OldImage, NewImage, SequenceNumber, ApproximateCreationDateTime } = dynamodb;
  const images = {
    ...(NewImage && viewType.startsWith('NEW') && { NewImage }),
    ...(OldImage && viewType.endsWith('OLD_IMAGES') && { OldImage }),
    ...(OldImage && viewType === 'OLD_IMAGE' && { OldImage }),
  };
  const byTtl = eventName === 'REMOVE' && OldImage && deletions.has(table.tableName, Keys, OldImage);
  const author = byTtl ? { type: 'Service', principalId: 'dynamodb.amazonaws.com' } : userIdentity;
  return {
    eventID: createHash('md5').update(`${arn}/${SequenceNumber}`).digest('hex'),
    eventName,
    eventVersion,
    eventSource: 'aws:dynamodb',
    awsRegion: region,
    dynamodb: {
      ApproximateCreationDateTime: Math.floor(ApproximateCreationDateTime),
      Keys,
      ...images,
      SequenceNumber,
      SizeBytes: [Keys, ...Object.values(images)].reduce((sum, item) => sum + itemSizeBytes(item), 0),
      StreamViewType: viewType,
    },
    ...(author && { userIdentity: author }),
    eventSourceARN: arn,
  };
}

/** DynamoDB makes no record of a write that changes nothing; not every engine knows. */
export function isChange({ eventName, dynamodb: { OldImage, NewImage } }: EngineRecord): boolean {
  return eventName !== 'MODIFY' || OldImage === undefined || !isDeepStrictEqual(OldImage, NewImage);
}

/** The ARN that the engine gave the stream, which is not the one of the template. */
export async function findStreamArn(client: EngineClient, tableName: string): Promise<string> {
  const { Table } = await client.call<{ Table: { LatestStreamArn?: string } }>('DescribeTable', {
    TableName: tableName,
  });
  if (Table.LatestStreamArn === undefined) throw new Error(`Table ${tableName} has no stream`);
  return Table.LatestStreamArn;
}
