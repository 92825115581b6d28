// TTL: which items are over.
import type { Item } from './attribute-values.ts';
import type { Table } from './table.ts';

const ttlAttribute = 'expiresAt';
/** What was over more than five years ago stays, as on AWS. */
const MAX_EXPIRED_SECONDS = 5 * 365 * 24 * 3600;

export function expiredItems(table: Table, nowMs: number): Item[] {
  const now = Math.floor(nowMs / 1_000);
  const expired: Item[] = [];
  for (const item of table.items()) {
    const seconds = item[ttlAttribute]?.N;
    if (seconds === undefined) continue;
    const at = Number(seconds);
    if (at < now && at >= now - MAX_EXPIRED_SECONDS) expired.push(item);
  }
  return expired;
}
