// Answers fit one WebSocket message (API Gateway: 128 KB), whatever the page size that was asked for; and what does not
// fit is not read either, or hardly.
import { limits } from '../protocol/limits.ts';

const ENVELOPE_BYTES = 1024;
export const ANSWER_BYTES = limits.responseBytes - ENVELOPE_BYTES;
/** So many of the largest messages there are always fit: nothing of the first portion is read in vain. */
const FIRST_PORTION = Math.floor(ANSWER_BYTES / (limits.bodyBytes + ENVELOPE_BYTES));
/** A portion is at most so many times what was seen before it: small ones may come first. */
const MAX_GROWTH = 3;

/** As many items from the front as fit one answer; at least one, for one always does. */
export function withinBytes<T>(items: readonly T[], maxBytes = ANSWER_BYTES): T[] {
  let total = 0;
  const fitting = items.findIndex((item, index) => {
    total += sizeBytes(item);
    return index > 0 && total > maxBytes;
  });
  return fitting === -1 ? [...items] : items.slice(0, fitting);
}

/** How many items to read at a time, by the size of those that were seen and the room that is left. */
export class Portions {
  private readonly maxBytes: number;
  private count = 0;
  private bytes = 0;

  constructor(maxBytes: number = ANSWER_BYTES) {
    this.maxBytes = maxBytes;
  }

  take(items: readonly unknown[]): void {
    this.count += items.length;
    for (const item of items) this.bytes += sizeBytes(item);
  }

  /** Another item of the size of those before would hardly fit. */
  get full(): boolean {
    return this.count > 0 && this.room === 0;
  }

  /** At least one. */
  get next(): number {
    if (this.count === 0) return FIRST_PORTION;
    return Math.max(1, Math.min(this.room, this.count * MAX_GROWTH));
  }

  private get room(): number {
    const averageBytes = this.bytes / this.count;
    return Math.max(0, Math.floor((this.maxBytes - this.bytes) / averageBytes));
  }
}

function sizeBytes(item: unknown): number {
  return Buffer.byteLength(JSON.stringify(item)) + 1;
}
