// How many records one invocation takes.
import type { StreamRecord } from './stream-record.ts';

/** Lambda invokes with at most this much, whatever the batch size. */
const maximumPayloadBytes = 6 * 1024 * 1024;
const payloadEnvelopeBytes = 64;
/** What the records of one invocation may have in all. */
export const maximumRecordsBytes = maximumPayloadBytes - payloadEnvelopeBytes;

/** Of the first records: at least one, no more than the batch size, and no more than the payload limit has room for. */
export function fittingCount(records: readonly StreamRecord[], batchSize: number): number {
  let sizeBytes = 0;
  const candidates = records.slice(0, batchSize);
  const end = candidates.findIndex((record, index) => {
    sizeBytes += recordBytes(record);
    return index > 0 && sizeBytes > maximumRecordsBytes;
  });
  return end === -1 ? candidates.length : end;
}

export function recordBytes(record: object): number {
  return Buffer.byteLength(JSON.stringify(record)) + 1;
}
