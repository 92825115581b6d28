// The message that a request is about, if the caller may see it and it is one that users send.
import { refuse, type Refusal } from '../protocol/errors.ts';
import type { Message } from '../protocol/messages.ts';
import type { Caller, Context } from './context.ts';
import { findItem, type Item } from './database.ts';
import { hasExpired } from './expiry.ts';
import { membershipKeys, refuseStranger, toMemberships, type Membership } from './members.ts';
import { headKey } from './tables.ts';
import { toSlot } from './timeline.ts';

export interface FoundMessage {
  readonly message: Message;
  readonly item: Item;
  readonly membership: Membership;
  /** The conversation's HEAD as it is stored. */
  readonly headItem: Item;
}

export async function findMessage(
  ctx: Context,
  { userId }: Pick<Caller, 'userId'>,
  conversationId: string,
  seq: number,
): Promise<FoundMessage | Refusal> {
  const [items, item] = await Promise.all([
    ctx.db.batchGet('Conversations', membershipKeys([conversationId], userId)),
    ctx.db.get('Messages', { conversationId, seq }, 'strong'),
  ]);
  const membership = toMemberships(items, [conversationId], userId).get(conversationId);
  if (!membership) return refuseStranger(conversationId);
  const isMessage = item?.['type'] !== undefined && item['type'] !== 'control' && !hasExpired(ctx, item);
  if (!isMessage || seq < membership.member.floorSeq) {
    return refuse('not_found', `seq: there is no message ${seq}`);
  }
  const headItem = findItem(items, headKey(conversationId))!;
  return { message: toSlot(item, userId) as Message, item, membership, headItem };
}
