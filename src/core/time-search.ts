// Finds a time in a timeline: by halving, one item at a time, for seqs are dense and times nearly ascend with them.
import type { Context } from './context.ts';
import type { ConversationHead } from './conversations.ts';
import type { Item } from './database.ts';

/** Voids in a row that are passed over: they know when they were written, not what time they stand at. */
const MAX_VOIDS = 8;

/** The lowest seq from `low` on whose message was sent at that time or later; one more than the head, if there is none. */
export async function firstSince(
  ctx: Context,
  conversationId: string,
  { low: floor, head }: { readonly low: number; readonly head: ConversationHead },
  time: number,
): Promise<number> {
  let low = floor;
  let high = head.seq + 1;
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2);
    const item = await messageFrom(ctx, conversationId, middle, head.seq);
    if (item && ((item['serverTime'] ?? item['at']) as number) < time) low = (item['seq'] as number) + 1;
    else high = middle;
  }
  return low;
}

/** The next message from there on; of many voids, the last that was looked at. */
async function messageFrom(
  ctx: Context,
  conversationId: string,
  seq: number,
  to: number,
): Promise<Item | undefined> {
  let item: Item | undefined;
  let from = seq;
  for (let looks = 0; looks <= MAX_VOIDS && from <= to; looks++) {
    const range = {
      table: 'Messages',
      partition: conversationId,
      from,
      to,
      limit: 1,
      read: 'eventual',
    } as const;
    [item] = await ctx.db.query(range);
    if (item?.['void'] !== true) return item;
    from = (item['seq'] as number) + 1;
  }
  return item;
}
