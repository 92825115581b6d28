// What a message in a failure queue says: which range of which stream a function did not get done.
import * as v from 'valibot';
import type { StreamRecord } from '../event-source/stream-record.ts';

export interface FailedRange {
  readonly functionArn: string;
  readonly streamArn: string;
  readonly shardId: string;
  readonly startSequenceNumber: string;
  readonly endSequenceNumber: string;
}

const sequenceNumber = v.pipe(v.string(), v.regex(/^\d+$/));

/** Lambda developer guide, "Retain discarded batches for a DynamoDB event source". */
const messageSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.looseObject({
    requestContext: v.looseObject({ functionArn: v.string() }),
    DDBStreamBatchInfo: v.looseObject({
      shardId: v.string(),
      startSequenceNumber: sequenceNumber,
      endSequenceNumber: sequenceNumber,
      batchSize: v.number(),
      streamArn: v.string(),
    }),
  }),
);

/** `undefined`: somebody else's message. */
export function parseFailedRange(body: string): FailedRange | undefined {
  const result = v.safeParse(messageSchema, body);
  if (!result.success) return undefined;
  const { requestContext, DDBStreamBatchInfo } = result.output;
  const { shardId, startSequenceNumber, endSequenceNumber, streamArn } = DDBStreamBatchInfo;
  const { functionArn } = requestContext;
  return { functionArn, streamArn, shardId, startSequenceNumber, endSequenceNumber };
}

/** The message for what is left of its range. */
export function narrow(body: string, left: readonly StreamRecord[]): string {
  const message = v.parse(messageSchema, body);
  const { SequenceNumber, ApproximateCreationDateTime } = left[0]!.dynamodb;
  const arrival = new Date(ApproximateCreationDateTime * 1000).toISOString().replace('.000Z', 'Z');
  return JSON.stringify({
    ...message,
    DDBStreamBatchInfo: {
      ...message.DDBStreamBatchInfo,
      startSequenceNumber: SequenceNumber,
      approximateArrivalOfFirstRecord: arrival,
      batchSize: left.length,
    },
  });
}
