// Counted slots that hold nothing to read any more. They stand in a set in the conversation's head, and when there are
// many, the oldest of them in items of their own, which only a member who is that far behind has to read.
import type { Context } from './context.ts';
import type { ConversationHead } from './conversations.ts';
import { headKey, itemKey, uncountedPrefix } from './tables.ts';

/** More than these in the head, and all but the newest half is sealed: the head stays small whatever happens. */
const MAX_UNCOUNTED = 64;
/** Sealed items that are read at most, to say what one member has not read. */
const MAX_SEALED_ITEMS = 1_000;

/** How many of the slots above `seq` were counted, and hold nothing to read. */
export async function countUncounted(
  ctx: Context,
  conversationId: string,
  head: ConversationHead,
  seq: number,
): Promise<number> {
  const sealed = seq < head.sealedSeq ? await readSealed(ctx, conversationId) : [];
  return [...head.uncounted, ...sealed].filter((slot) => slot > seq).length;
}

async function readSealed(ctx: Context, conversationId: string): Promise<number[]> {
  const items = await ctx.db.query({
    table: 'Conversations',
    partition: conversationId,
    from: uncountedPrefix,
    to: `${uncountedPrefix}~`,
    limit: MAX_SEALED_ITEMS,
  });
  return items.flatMap((item) => [...(item['uncounted'] as Set<number>)]);
}

/** Moves the oldest out of the head once they are many. In one transaction: no reader finds one twice, or nowhere. */
export async function sealUncounted(
  ctx: Context,
  conversationId: string,
  { uncounted, sealedSeq }: ConversationHead,
): Promise<void> {
  if (uncounted.size <= MAX_UNCOUNTED) return;
  const oldest = [...uncounted].toSorted((left, right) => left - right).slice(0, -MAX_UNCOUNTED / 2);
  const slots = new Set(oldest);
  await ctx.db.transact([
    {
      kind: 'put',
      table: 'Conversations',
      item: { conversationId, item: itemKey.uncounted(oldest[0]!), uncounted: slots },
      condition: 'attribute_not_exists(#conversationId)',
    },
    {
      kind: 'update',
      table: 'Conversations',
      key: headKey(conversationId),
      update: 'SET #sealedSeq = :sealed DELETE #uncounted :slots',
      condition: sealedSeq === 0 ? 'attribute_not_exists(#sealedSeq)' : '#sealedSeq = :before',
      values: {
        slots,
        sealed: Math.max(sealedSeq, oldest.at(-1)!),
        ...(sealedSeq > 0 && { before: sealedSeq }),
      },
    },
  ]);
}
