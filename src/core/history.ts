// Roaming: any device reads any part of a conversation that its user may see, in both directions, by seq.
import type { Refusal } from '../protocol/errors.ts';
import type { ClientFrame } from '../protocol/client-frames.ts';
import { parseConversationId } from '../protocol/ids.ts';
import type { Answer } from '../protocol/server-frames.ts';
import type { Caller, Context } from './context.ts';
import { ANSWER_BYTES, withinBytes } from './answer-size.ts';
import type { ConversationHead } from './conversations.ts';
import { readRange, type SlotRange } from './fencing.ts';
import { firstSince } from './time-search.ts';
import { readMemberships, refuseStranger } from './members.ts';
import { retainedFloor } from './retention.ts';

export async function history(
  ctx: Context,
  caller: Caller,
  request: ClientFrame<'history'>,
): Promise<Answer<'history'> | Refusal> {
  const { conversationId } = request;
  const memberships = await readMemberships(ctx, [conversationId], caller.userId);
  const membership = memberships.get(conversationId);
  if (!membership) return withoutMembership(caller, conversationId);

  const { head, member } = membership;
  const floorSeq = await retainedFloor(ctx, conversationId, member.floorSeq, head);
  const headSeq = head.seq;
  const viewer = caller.userId;
  if (request.around !== undefined) {
    const { around: time, limit } = request;
    return around(ctx, conversationId, { time, limit, floorSeq, head, viewer });
  }
  const { low, high, beginAt } = bounds(request, floorSeq, headSeq);
  if (low > high) return { ok: true, messages: [], floorSeq, headSeq, end: true };

  const { slots, pending } = await readRange(ctx, conversationId, { low, high, beginAt, head, viewer });
  const messages = beginAt === 'low' ? withinBytes(slots) : withinBytes(slots.toReversed()).toReversed();
  const reached = beginAt === 'low' ? messages.at(-1)?.seq === headSeq : messages[0]?.seq === floorSeq;
  return {
    ok: true,
    messages,
    floorSeq,
    headSeq,
    end: reached && !pending,
    ...(pending && { pending }),
  };
}

interface Around {
  readonly time: number;
  readonly limit: number;
  readonly floorSeq: number;
  readonly head: ConversationHead;
  readonly viewer: string;
}

/** Both halves are read from that time outwards, so that bytes cut the page at its ends. */
async function around(
  ctx: Context,
  conversationId: string,
  { time, limit, floorSeq, head, viewer }: Around,
): Promise<Answer<'history'>> {
  const headSeq = head.seq;
  const from = await firstSince(ctx, conversationId, { low: floorSeq, head }, time);
  const low = Math.max(floorSeq, from - Math.floor(limit / 2));
  const high = Math.min(headSeq, from + Math.ceil(limit / 2) - 1);
  const reading = { head, viewer, maxBytes: ANSWER_BYTES / 2 };
  const empty: SlotRange = { slots: [], pending: false };
  const [before, since] = await Promise.all([
    low < from ? readRange(ctx, conversationId, { ...reading, low, high: from - 1, beginAt: 'high' }) : empty,
    from <= high ? readRange(ctx, conversationId, { ...reading, low: from, high, beginAt: 'low' }) : empty,
  ]);
  const earlier = withinBytes(before.slots.toReversed(), reading.maxBytes).toReversed();
  // A hole that is not settled ends the page.
  const messages = before.pending ? earlier : [...earlier, ...withinBytes(since.slots, reading.maxBytes)];
  const pending = before.pending || since.pending;
  const isAll = (messages[0]?.seq ?? from) === floorSeq && (messages.at(-1)?.seq ?? headSeq) === headSeq;
  return { ok: true, messages, floorSeq, headSeq, end: isAll && !pending, ...(pending && { pending }) };
}

/** The slots that are asked for, cut to what there is and to what this user may see. */
function bounds(
  { before, after, limit }: ClientFrame<'history'>,
  floorSeq: number,
  headSeq: number,
): { low: number; high: number; beginAt: 'low' | 'high' } {
  if (after !== undefined) {
    const low = Math.max(after + 1, floorSeq);
    return { low, high: Math.min(low + limit - 1, headSeq), beginAt: 'low' };
  }
  const high = Math.min((before ?? Infinity) - 1, headSeq);
  return { low: Math.max(high - limit + 1, floorSeq), high, beginAt: 'high' };
}

/** A direct conversation of the caller's in which nothing was said yet is empty; of any other nothing is told (I8). */
function withoutMembership(caller: Caller, conversationId: string): Answer<'history'> | Refusal {
  const conversation = parseConversationId(conversationId);
  if (conversation?.kind === 'direct' && conversation.users.includes(caller.userId)) {
    return { ok: true, messages: [], floorSeq: 1, headSeq: 0, end: true };
  }
  return refuseStranger(conversationId);
}
