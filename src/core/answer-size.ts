// Answers fit one WebSocket message (API Gateway: 128 KB), whatever the page size that was asked for.
import { limits } from '../protocol/limits.ts';

const ENVELOPE_BYTES = 1024;

/** As many items from the front as fit one answer; at least one, for one always does. */
export function withinBytes<T>(
  items: readonly T[],
  maxBytes: number = limits.responseBytes - ENVELOPE_BYTES,
): T[] {
  let total = 0;
  const fitting = items.findIndex((item, index) => {
    total += Buffer.byteLength(JSON.stringify(item)) + 1;
    return index > 0 && total > maxBytes;
  });
  return fitting === -1 ? [...items] : items.slice(0, fitting);
}
