// How much one request may read. DynamoDB ends a page of a query after 1 MB, whatever was asked for; so portions grow with
// what was seen, and the last of them is read before half of it all is spent: about 1 MB, and never more than one and a half.
import type { Item } from '../database.ts';

export const REQUEST_BYTES = 1_000_000;
export const REQUEST_MESSAGES = 10_000;
/** Of the largest, most of what a request may read. */
const FIRST_PORTION = 48;
/** What is common stands among the newest, and the page is full: so little is read in vain. */
const GROWTH = 3;
/** What any eventually consistent read counts at least: half a unit. */
const LEAST_BYTES = 4096;
/** What a read unit reads so. */
export const UNIT_BYTES = 8192;

export class Bounds {
  private items = 0;
  private bytes = 0;
  private spent = 0;

  /** `reads`: so many requests, or items of a batch, it took. */
  take(items: readonly Item[], reads = 1): void {
    const bytes = items.reduce((sum, item) => sum + sizeBytes(item), 0);
    this.items += items.length;
    this.bytes += bytes;
    this.spent += Math.max(bytes, reads * LEAST_BYTES);
  }

  /** What is read besides messages. */
  charge(bytes: number): void {
    this.spent += bytes;
  }

  get isSpent(): boolean {
    return this.spent > REQUEST_BYTES / 2 || this.items >= REQUEST_MESSAGES;
  }

  /** Messages to read next; at least one. */
  get next(): number {
    if (this.items === 0) return FIRST_PORTION;
    const left = Math.floor(((REQUEST_BYTES - this.spent) * this.items) / this.bytes);
    const grown = (1 + GROWTH) * this.spent > REQUEST_BYTES / 2 ? left : GROWTH * this.items;
    return Math.max(1, Math.min(left, grown, REQUEST_MESSAGES - this.items));
  }
}

/** About as DynamoDB counts. */
export function sizeBytes(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value === 'number') return 1 + Math.ceil(String(value).length / 2);
  if (value instanceof Set || Array.isArray(value)) {
    let bytes = 3;
    for (const element of value) bytes += 1 + sizeBytes(element);
    return bytes;
  }
  if (typeof value !== 'object' || value === null) return 1;
  return Object.entries(value).reduce(
    (sum, [name, field]) => sum + Buffer.byteLength(name) + sizeBytes(field),
    0,
  );
}
