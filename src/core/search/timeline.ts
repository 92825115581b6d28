// One conversation, read backwards from where a search has come to down to the lowest number that its user may see.
import type { Context } from '../context.ts';
import type { Membership } from '../members.ts';
import { retainedFloor } from '../retention.ts';
import type { Looking } from './looking.ts';
import type { Position } from './cursor.ts';

export interface Place {
  readonly conversationId: string;
  readonly membership: Membership;
  /** What is looked at next is below it. */
  readonly below: number;
  /** Numbers that are left out, for another part of the search has them. */
  readonly covered?: ReadonlySet<number>;
  /** What was sent later is left out. */
  readonly since?: number;
  readonly positionAt: (below: number) => Position;
}

/** Where it stopped: the numbers below that are left; 0: none is. */
export async function lookDown(ctx: Context, looking: Looking, place: Place): Promise<number> {
  const { conversationId, membership, below, covered, since = Infinity, positionAt } = place;
  const { head, member } = membership;
  const floorSeq = await retainedFloor(ctx, conversationId, member.floorSeq, head);
  for (let high = Math.min(below - 1, head.seq); ;) {
    while (covered?.has(high)) high -= 1;
    if (high < floorSeq) return 0;
    if (looking.isOver) return high + 1;
    const { items, more } = await ctx.db.queryDown({
      table: 'Messages',
      partition: conversationId,
      from: floorSeq,
      to: high,
      limit: Math.min(looking.bounds.next, high - floorSeq + 1),
      read: 'eventual',
    });
    looking.bounds.take(items);
    for (const item of items) {
      const seq = item['seq'] as number;
      if (covered?.has(seq) || (item['serverTime'] as number) > since) continue;
      if (!looking.look(item, positionAt(seq))) return seq;
    }
    const lowest = items.at(-1);
    if (!more || !lowest) return 0;
    high = (lowest['seq'] as number) - 1;
  }
}
