// How many records one invocation takes.
import type { StreamRecord } from './stream-record.ts';

/** Lambda invokes with at most this much, whatever the batch size. */
const maximumPayloadBytes = 6 * 1024 * 1024;
const payloadEnvelopeBytes = 64;

/** Of the first records: at least one, no more than the batch size, and no more than the payload limit has room for. */
export function fittingCount(records: readonly StreamRecord[], batchSize: number): number {
  let sizeBytes = payloadEnvelopeBytes;
  const candidates = records.slice(0, batchSize);
  const end = candidates.findIndex((record, index) => {
    sizeBytes += Buffer.byteLength(JSON.stringify(record)) + 1;
    return index > 0 && sizeBytes > maximumPayloadBytes;
  });
  return end === -1 ? candidates.length : end;
}
