// What the answer of a function says about the batch that it was given.
import type { EventSourceModel, InvocationResult } from '../model.ts';
import type { StreamRecord } from './stream-record.ts';

export type Verdict =
  | { readonly kind: 'succeeded' }
  | { readonly kind: 'throttled' }
  | { readonly kind: 'failed'; readonly functionError?: string }
  /** Everything before `index` is done. */
  | { readonly kind: 'failedFrom'; readonly index: number };

export function judge(
  { reportBatchItemFailures }: Pick<EventSourceModel, 'reportBatchItemFailures'>,
  records: readonly StreamRecord[],
  result: InvocationResult,
): Verdict {
  if (result.outcome === 'throttled') return { kind: 'throttled' };
  if (result.outcome !== 'returned') return { kind: 'failed', functionError: 'Unhandled' };
  if (!reportBatchItemFailures) return { kind: 'succeeded' };
  return judgeResponse(records, result.payload);
}

/** The table of "Configuring partial batch response with DynamoDB and Lambda", success and failure conditions. */
function judgeResponse(records: readonly StreamRecord[], payload: unknown): Verdict {
  const failures = (payload as { batchItemFailures?: unknown } | null | undefined)?.batchItemFailures;
  if (failures === undefined || failures === null) return { kind: 'succeeded' };
  if (!Array.isArray(failures)) return { kind: 'failed' };
  let lowest = records.length;
  for (const failure of failures as ({ itemIdentifier?: unknown } | null)[]) {
    const index = records.findIndex(({ dynamodb }) => dynamodb.SequenceNumber === failure?.itemIdentifier);
    if (index === -1) return { kind: 'failed' };
    lowest = Math.min(lowest, index);
  }
  return lowest === records.length ? { kind: 'succeeded' } : { kind: 'failedFrom', index: lowest };
}
