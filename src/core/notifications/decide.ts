// Whether a device is told of a conversation, as things stand at that moment, and of how much.
import type { Message } from '../../protocol/messages.ts';
import { isVoid } from '../../protocol/slots.ts';
import type { Context } from '../context.ts';
import type { Item } from '../database.ts';
import { hasExpired } from '../expiry.ts';
import { unreadCount, type Membership } from '../members.ts';
import { toSlot } from '../timeline.ts';
import type { View } from '../views.ts';
import type { DropReason } from './notification.ts';
import type { WaitingConversation } from './waiting.ts';

/** Messages that are looked at for one that is worth telling of, and how many of them at a time. */
const MAX_LOOKED_AT = 128;
const PORTION = 16;

export type Decision =
  | { readonly kind: 'tell'; readonly message: Message; readonly count: number }
  | { readonly kind: 'drop'; readonly reason: DropReason; readonly message?: Message };

export async function decide(
  ctx: Context,
  userId: string,
  waiting: WaitingConversation,
  { membership, view }: { membership: Membership | undefined; view: View },
): Promise<Decision> {
  if (!membership) return drop('left');
  if (membership.blocksPeer) return drop('blocked');
  const { readSeq, floorSeq } = membership.member;
  const unread = waiting.freshSeqs.filter((seq) => seq > readSeq);
  if (unread.length === 0) return drop('read');
  const visible = unread.filter((seq) => seq >= floorSeq);
  if (visible.length === 0) return drop('cleared');
  const found = await findNews(ctx, userId, waiting.conversationId, visible);
  if (found.kind === 'drop') return found;
  if (view.muted) return { kind: 'drop', reason: 'muted', message: found.message };
  const count = await countWaiting(ctx, waiting, membership);
  return { kind: 'tell', message: found.message, count: Math.max(count, 1) };
}

const drop = (reason: DropReason): Decision => ({ kind: 'drop', reason });

/** The newest message that may be told of; if there is none, what became of the newest that there was. */
async function findNews(
  ctx: Context,
  userId: string,
  conversationId: string,
  seqs: readonly number[],
): Promise<{ kind: 'tell'; message: Message } | Extract<Decision, { kind: 'drop' }>> {
  let reason: DropReason | undefined;
  for (let start = 0; start < Math.min(seqs.length, MAX_LOOKED_AT); start += PORTION) {
    const portion = seqs.slice(start, start + PORTION);
    const items = await ctx.db.batchGet(
      'Messages',
      portion.map((seq) => ({ conversationId, seq })),
    );
    for (const seq of portion) {
      const slot = toKeptSlot(
        ctx,
        items.find((item) => item['seq'] === seq),
      );
      const obstacle = obstacleOf(slot, userId);
      if (!obstacle) return { kind: 'tell', message: slot as Message };
      reason ??= obstacle;
    }
  }
  return { kind: 'drop', reason: reason ?? 'expired' };
}

function toKeptSlot(ctx: Context, item: Item | undefined) {
  return item && !hasExpired(ctx, item) ? toSlot(item) : undefined;
}

function obstacleOf(slot: ReturnType<typeof toSlot> | undefined, userId: string): DropReason | undefined {
  if (!slot || isVoid(slot)) return 'expired';
  if (slot.recalled) return 'recalled';
  if (slot.silent || slot.type === 'control') return 'silent';
  return slot.from === userId ? 'read' : undefined;
}

/** Exact: what is unread from the first message on that waits. Each message knows how many were counted up to it. */
async function countWaiting(
  ctx: Context,
  { conversationId, firstSeq }: WaitingConversation,
  membership: Membership,
): Promise<number> {
  const { member } = membership;
  const first =
    firstSeq !== undefined && firstSeq > member.readSeq + 1
      ? await ctx.db.get('Messages', { conversationId, seq: firstSeq }, 'strong')
      : undefined;
  // A slot that is void or gone knows nothing: then all that is unread waits, as far as can be said.
  if (!first || typeof first['counted'] !== 'number' || firstSeq === undefined) {
    return unreadCount(ctx, conversationId, membership);
  }
  const counted = first['counted'] - (first['silent'] ? 0 : 1);
  return unreadCount(ctx, conversationId, {
    ...membership,
    member: { ...member, readSeq: firstSeq - 1, readCounted: counted },
  });
}
