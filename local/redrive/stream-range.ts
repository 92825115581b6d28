// Reads a range of a stream's shard again, both ends included.
import type { StreamRecord } from '../event-source/stream-record.ts';
import type { FailedRange } from './failed-range.ts';

/** The DynamoDB Streams API; what it throws has the names that the API gives. */
export interface Stream {
  /** Pages of the shard, from the start of the range to the end of what there is. */
  pages(range: FailedRange): AsyncIterable<readonly StreamRecord[]>;
}

export type RangeRead =
  | { readonly kind: 'read'; readonly records: readonly StreamRecord[] }
  /** Streams keep records for 24 hours. */
  | { readonly kind: 'trimmed' };

/** A page may be empty, and a batch has 10,000 records at most. */
const maximumPages = 1_000;
const trimmedErrors: ReadonlySet<string> = new Set([
  'TrimmedDataAccessException',
  // The whole shard is gone, or the stream.
  'ResourceNotFoundException',
]);

export async function readRange(stream: Stream, range: FailedRange): Promise<RangeRead> {
  try {
    return await readPages(stream, range);
  } catch (error) {
    if (error instanceof Error && trimmedErrors.has(error.name)) return { kind: 'trimmed' };
    throw error;
  }
}

async function readPages(stream: Stream, range: FailedRange): Promise<RangeRead> {
  const position = ({ dynamodb }: StreamRecord) => BigInt(dynamodb.SequenceNumber);
  const start = BigInt(range.startSequenceNumber);
  const end = BigInt(range.endSequenceNumber);
  const records: StreamRecord[] = [];
  let pages = 0;
  for await (const page of stream.pages(range)) {
    pages += 1;
    if (pages > maximumPages) throw new Error(`The range does not end within ${maximumPages} pages`);
    records.push(...page);
    const [first, last] = [records[0], records.at(-1)];
    if (!first || !last) continue;
    // An engine that no longer has what was asked for begins with what it has.
    if (position(first) !== start) return { kind: 'trimmed' };
    if (position(last) >= end)
      return { kind: 'read', records: records.filter((record) => position(record) <= end) };
  }
  return { kind: 'trimmed' };
}
