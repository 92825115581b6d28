// Pages of what a user keeps of others, in the order of their ids.
import type { Context } from '../context.ts';
import type { Item } from '../database.ts';

/** Looks for entries that count; then the page is answered as it is. */
const MAX_LOOKS = 8;

export interface PageRequest {
  /** The last one of the page before. */
  readonly cursor?: string | undefined;
  readonly limit: number;
}

export interface Page<Entry> {
  readonly found: Entry[];
  readonly next?: string;
}

/** `items`: a prefix of sort keys, with the other's id behind it. `toEntry`: `undefined` for what is passed over. */
export async function readPage<Entry>(
  ctx: Context,
  userId: string,
  items: { readonly from: string; readonly to: string },
  { cursor, limit }: PageRequest,
  toEntry: (item: Item) => Entry | undefined,
): Promise<Page<Entry>> {
  const idOf = (sortKey: string) => sortKey.slice(items.from.length);
  const counting: { readonly id: string; readonly entry: Entry }[] = [];
  // Above the last one of the page before: no userId has a space in it.
  let from = cursor === undefined ? items.from : `${items.from}${cursor} `;
  for (let look = 1; look <= MAX_LOOKS; look++) {
    // One more than the page has room for: so it is known whether it is the last.
    const wanted = limit + 1 - counting.length;
    const read = await ctx.db.query({ table: 'Users', partition: userId, from, to: items.to, limit: wanted });
    for (const item of read) {
      const entry = toEntry(item);
      if (entry !== undefined) counting.push({ id: idOf(item['item'] as string), entry });
    }
    const found = counting.slice(0, limit).map(({ entry }) => entry);
    if (counting.length > limit) return { found, next: counting[limit - 1]!.id };
    if (read.length < wanted) return { found };
    from = `${read.at(-1)!['item'] as string} `;
  }
  return { found: counting.map(({ entry }) => entry), next: idOf(from).trimEnd() };
}
