// Messages that answer others: only what their sender may see can be answered.
import { refuse, type Refusal } from '../protocol/errors.ts';
import type { ConversationRef } from '../protocol/ids.ts';
import type { Context } from './context.ts';
import { sideOf } from './conversations.ts';
import { findItem } from './database.ts';
import { deviceDigest } from './digest.ts';
import { hasExpired } from './expiry.ts';
import { memberPlace, membershipKeys, toMemberships } from './members.ts';
import { findSend, ringOf } from './rings.ts';
import type { Sending } from './sending.ts';
import { ringAttribute } from './tables.ts';

/** Nothing to object to for who is not in a group: they are refused as whoever sends there. */
export async function refuseReply(
  ctx: Context,
  { caller, id }: Pick<Sending, 'caller' | 'id'>,
  conversation: ConversationRef,
  replyTo: number,
): Promise<Refusal | undefined> {
  const { conversationId } = conversation;
  const { userId } = caller;
  const [items, target] = await Promise.all([
    ctx.db.batchGet('Conversations', membershipKeys([conversationId], userId)),
    ctx.db.get('Messages', { conversationId, seq: replyTo }, 'strong'),
  ]);
  const membership = toMemberships(items, [conversationId], userId).get(conversationId);
  if (!membership && conversation.kind === 'group') return undefined;
  const isMessage = target?.['type'] !== undefined && !hasExpired(ctx, target);
  if (membership && isMessage && replyTo >= membership.member.floorSeq) return undefined;
  // A repeat is answered as the first try was, whatever has become of what it answers.
  const own = findItem(items, memberPlace(conversationId, userId)!.key);
  const side = conversation.kind === 'group' ? 'a' : sideOf(conversation, userId);
  const ring = own && ringOf(own, ringAttribute(side, deviceDigest(caller.deviceId)));
  if (ring && findSend(ring, id)) return undefined;
  return refuse('bad_request', `replyTo: there is no message ${replyTo} that you may see`);
}
