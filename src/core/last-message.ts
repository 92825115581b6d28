// The newest message of a conversation that a user is shown of it in a list.
import { isVoid } from '../protocol/slots.ts';
import type { Message, Slot } from '../protocol/messages.ts';
import type { Context } from './context.ts';
import { hasExpired } from './expiry.ts';
import type { Membership } from './members.ts';
import { toSlot } from './timeline.ts';

/** Slots that are looked at, below the newest, for one that is shown. */
const MAX_LOOKED_AT = 256;
const FIRST_LOOK = 4;

/** By conversation; those without such a message are missing. */
export async function readLastMessages(
  ctx: Context,
  viewer: string,
  memberships: ReadonlyMap<string, Membership>,
): Promise<Map<string, Message>> {
  const newest = await readNewest(ctx, viewer, memberships);
  const found = await Promise.all(
    [...memberships].map(async ([conversationId, membership]) => {
      const slot = newest.get(conversationId);
      if (slot && isShown(slot, membership)) return [[conversationId, slot] as const];
      const below = await lookBelow(ctx, viewer, conversationId, membership);
      return below ? [[conversationId, below] as const] : [];
    }),
  );
  return new Map(found.flat());
}

/**
 * What stands at the head of each. An eventually consistent read costs half, and misses at most what was put just now: a
 * message is never changed without a number being given out after it.
 */
async function readNewest(
  ctx: Context,
  viewer: string,
  memberships: ReadonlyMap<string, Membership>,
): Promise<Map<string, Slot>> {
  const keys = [...memberships]
    .map(([conversationId, { head }]) => ({ conversationId, seq: head.seq }))
    .filter(({ seq }) => seq > 0);
  const early = await ctx.db.batchGet('Messages', keys, 'eventual');
  const seen = new Set(early.map((item) => item['conversationId']));
  const late = await ctx.db.batchGet(
    'Messages',
    keys.filter(({ conversationId }) => !seen.has(conversationId)),
  );
  const items = [...early, ...late].filter((item) => !hasExpired(ctx, item));
  return new Map(items.map((item) => [item['conversationId'] as string, toSlot(item, viewer)]));
}

function isShown(slot: Slot, { member }: Membership): slot is Message {
  return !isVoid(slot) && slot.type !== 'control' && !slot.recalled && slot.seq >= member.floorSeq;
}

async function lookBelow(
  ctx: Context,
  viewer: string,
  conversationId: string,
  membership: Membership,
): Promise<Message | undefined> {
  const { head, member } = membership;
  const end = Math.max(member.floorSeq, head.seq - MAX_LOOKED_AT);
  let count = FIRST_LOOK;
  for (let high = head.seq - 1; high >= end; high -= count, count *= 2) {
    const range = { from: Math.max(end, high - count + 1), to: high, limit: count };
    const items = await ctx.db.query({ table: 'Messages', partition: conversationId, ...range });
    const slots = items.filter((item) => !hasExpired(ctx, item)).map((item) => toSlot(item, viewer));
    const shown = slots.findLast((slot) => isShown(slot, membership));
    if (shown) return shown;
  }
  return undefined;
}
