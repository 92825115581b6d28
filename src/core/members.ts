// Who is in a conversation, and how far they have read: in a direct conversation two sides of its one item, in a group
// an item for each member. The difference ends here: whoever moves or reads a position names attributes by `place`.
import { refuse } from '../protocol/errors.ts';
import { parseConversationId, peerOf } from '../protocol/ids.ts';
import type { Context } from './context.ts';
import { findItem, type Item, type Key } from './database.ts';
import { sideOf, toHead, type ConversationHead } from './conversations.ts';
import { toGroupHead, toGroupMember, type GroupHead, type GroupMember } from './groups/group.ts';
import { readLiveSlots, type LiveSlots } from './retention.ts';
import { HEAD, headKey, itemKey, memberAttributes, sideAttributes, type MemberAttribute } from './tables.ts';
import { countUncounted } from './uncounted.ts';

/** To who is not in there: the same whether it exists or not (I8). `field`: of the request, that names it. */
export const refuseStranger = (conversationId: string, field: 'conversationId' | 'to' = 'conversationId') =>
  refuse('not_member', `${field}: you are not in ${conversationId}`);

/** Where a member's state stands: the item, and the names that its attributes have there. */
export interface MemberPlace {
  readonly key: Key;
  readonly names: Readonly<Record<MemberAttribute, string>>;
}

export interface Member {
  /** Lowest seq that this member may see. */
  readonly floorSeq: number;
  /** Everything up to here is read, and so many of it are counted. */
  readonly readSeq: number;
  readonly readCounted: number;
  /** The peer does not take messages from this one; in direct conversations. */
  readonly isBlocked: boolean;
  /** Nobody is told how far this one has read; nor is this one, of others. */
  readonly hidesReads: boolean;
}

/** A member and the conversation, in one consistent read of each. */
export interface Membership {
  readonly head: ConversationHead;
  readonly member: Member;
  /** In direct conversations: how far the other one has read, if that is shown, and whether this one blocks them. */
  readonly peerReadSeq?: number;
  readonly blocksPeer?: boolean;
  /** In groups: what it is, and what the member is in it. */
  readonly group?: GroupHead;
  readonly groupMember?: GroupMember;
}

/** `undefined`: the id says already that the user is not in there. */
export function memberPlace(conversationId: string, userId: string): MemberPlace | undefined {
  const conversation = parseConversationId(conversationId);
  if (!conversation) return undefined;
  if (conversation.kind === 'group') {
    return { key: { conversationId, item: itemKey.member(userId) }, names: memberAttributes };
  }
  if (!conversation.users.includes(userId)) return undefined;
  return { key: headKey(conversationId), names: sideAttributes(sideOf(conversation, userId)) };
}

/** Of the other one in a direct conversation. */
function peerPlace(conversationId: string, userId: string): MemberPlace | undefined {
  const conversation = parseConversationId(conversationId);
  if (conversation?.kind !== 'direct') return undefined;
  const peer = peerOf(conversation.users, userId);
  return peer === userId ? undefined : memberPlace(conversationId, peer);
}

/** Head and membership of each conversation that the user is in; those that it is not in are missing. */
export async function readMemberships(
  ctx: Context,
  conversationIds: readonly string[],
  userId: string,
): Promise<Map<string, Membership>> {
  const items = await ctx.db.batchGet('Conversations', membershipKeys(conversationIds, userId));
  return toMemberships(items, conversationIds, userId);
}

/** Keys of what toMemberships needs to know. */
export function membershipKeys(conversationIds: readonly string[], userId: string): Key[] {
  return conversationIds.flatMap((conversationId): Key[] => {
    const place = memberPlace(conversationId, userId);
    if (!place) return [];
    return place.key['item'] === HEAD ? [place.key] : [headKey(conversationId), place.key];
  });
}

export function toMemberships(
  items: readonly Item[],
  conversationIds: readonly string[],
  userId: string,
): Map<string, Membership> {
  const find = (key: Key) => findItem(items, key);
  const memberships = new Map<string, Membership>();
  for (const conversationId of conversationIds) {
    const place = memberPlace(conversationId, userId);
    const head = find(headKey(conversationId));
    const own = place && find(place.key);
    if (!head || !own) continue;
    if (place.key['item'] !== HEAD) {
      const membership = toGroupMembership(head, own, place);
      if (membership) memberships.set(conversationId, membership);
      continue;
    }
    const peerAt = peerPlace(conversationId, userId);
    const peer = peerAt && toMember(own, peerAt);
    const member = toMember(own, place);
    memberships.set(conversationId, {
      head: toHead(head),
      member,
      ...(peer && showsReads(peer) && showsReads(member) && { peerReadSeq: peer.readSeq }),
      ...(peer && { blocksPeer: peer.isBlocked }),
    });
  }
  return memberships;
}

/** Two of whom one blocks the other are told as little of each other's reading as of one who hides it. */
const showsReads = ({ hidesReads, isBlocked }: Member) => !hidesReads && !isBlocked;

/** Nobody is in a group that is dismissed. What was before a member came they see if it is a group's policy. */
function toGroupMembership(head: Item, own: Item, place: MemberPlace): Membership | undefined {
  const group = toGroupHead(head);
  const groupMember = toGroupMember(own);
  if (!groupMember || group.dismissedSeq !== undefined) return undefined;
  const member = toMember(own, place);
  const joinedSeq = group.policy.history === 'all' ? 1 : groupMember.joinedSeq;
  const known = toHead(head);
  return {
    // Two items are not read at one moment: what the member has read by now may be beyond the head as it was.
    head: {
      ...known,
      seq: Math.max(known.seq, member.readSeq),
      counted: Math.max(known.counted, member.readCounted),
    },
    member: { ...member, floorSeq: Math.max(member.floorSeq, joinedSeq) },
    group,
    groupMember,
  };
}

export function toMember(item: Item, { names }: MemberPlace): Member {
  return {
    floorSeq: (item[names.floorSeq] as number | undefined) ?? 1,
    readSeq: (item[names.readSeq] as number | undefined) ?? 0,
    readCounted: (item[names.readCounted] as number | undefined) ?? 0,
    isBlocked: item[names.blocked] !== undefined,
    hidesReads: item[names.hidesReads] !== undefined,
  };
}

/**
 * Exact (I6): counted slots above the read position that still hold something to read. `live`: what was found there, if
 * it was looked for already.
 */
export async function unreadCount(
  ctx: Context,
  conversationId: string,
  { head, member: { readSeq, readCounted } }: Membership,
  live?: LiveSlots,
): Promise<number> {
  if (head.counted === readCounted) return 0;
  const found = head.expiring
    ? (live ?? (await readLiveSlots(ctx, conversationId, head, readSeq)))
    : undefined;
  if (!found || found.to <= readSeq) {
    return head.counted - readCounted - (await countUncounted(ctx, conversationId, head, readSeq));
  }
  const { counted, to, countedTo } = found;
  const kept = [...counted].filter((seq) => seq > readSeq).length;
  return kept + head.counted - countedTo - (await countUncounted(ctx, conversationId, head, to));
}
