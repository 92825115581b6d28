// How far each member has read: state of the conversation, not an event. Moving it is one write; who is connected is told
// by a push that may be lost, and who was away asks for positions.
import type { ClientFrame } from '../protocol/client-frames.ts';
import { refuse, type Refusal } from '../protocol/errors.ts';
import { parseConversationId } from '../protocol/ids.ts';
import type { Answer, Push } from '../protocol/server-frames.ts';
import { announce } from './announce.ts';
import type { Caller, Context } from './context.ts';
import type { ConversationHead } from './conversations.ts';
import type { Item } from './database.ts';
import { hasExpired } from './expiry.ts';
import { toMailbox } from './mailbox.ts';
import { memberPlace, readMemberships, refuseStranger, unreadCount, type Membership } from './members.ts';
import { mailboxKey } from './tables.ts';

/** Moves the caller's position forward; one that is further already stays. */
export async function read(
  ctx: Context,
  caller: Caller,
  { conversationId, seq }: ClientFrame<'read'>,
): Promise<Answer<'read'> | Refusal> {
  const { userId } = caller;
  const membership = (await readMemberships(ctx, [conversationId], userId)).get(conversationId);
  if (!membership) return refuseStranger(conversationId);
  const { head, member } = membership;
  if (seq > head.seq) {
    return refuse('bad_request', `seq: ${seq} is beyond the head of the conversation, ${head.seq}`);
  }
  const found = seq > member.readSeq ? await itemFrom(ctx, conversationId, head, seq) : undefined;
  // A slot that is not settled yet, nobody can have read. Where messages have an end, what is gone is passed over.
  const isSettled = found?.['seq'] === seq || head.expiring;
  const readCounted = seq > member.readSeq && isSettled ? countedUpTo(ctx, head, seq, found) : undefined;
  if (readCounted === undefined) return answerRead(ctx, conversationId, membership);
  if (await movePosition(ctx, { conversationId, userId, seq, readCounted })) {
    await tell(ctx, caller, membership, { conversationId, readSeq: seq });
    return answerRead(ctx, conversationId, { head, member: { ...member, readSeq: seq, readCounted } });
  }
  // Another device has read further meanwhile.
  const now = (await readMemberships(ctx, [conversationId], userId)).get(conversationId);
  return answerRead(ctx, conversationId, now ?? membership);
}

async function answerRead(
  ctx: Context,
  conversationId: string,
  membership: Membership,
): Promise<Answer<'read'>> {
  const unread = await unreadCount(ctx, conversationId, membership);
  return { ok: true, readSeq: membership.member.readSeq, unread };
}

/** Of those conversations that the caller is in. */
export async function positions(
  ctx: Context,
  caller: Caller,
  { conversationIds }: ClientFrame<'positions'>,
): Promise<Answer<'positions'>> {
  const memberships = await readMemberships(ctx, [...new Set(conversationIds)], caller.userId);
  const answers = [...memberships].map(async ([conversationId, membership]) => ({
    conversationId,
    readSeq: membership.member.readSeq,
    unread: await unreadCount(ctx, conversationId, membership),
    ...(membership.peerReadSeq !== undefined && { peerReadSeq: membership.peerReadSeq }),
    lastSeq: membership.head.seq,
  }));
  return { ok: true, positions: await Promise.all(answers) };
}

/** What stands at that seq, or above it first. */
export async function itemFrom(
  ctx: Context,
  conversationId: string,
  head: ConversationHead,
  seq: number,
): Promise<Item | undefined> {
  const range = { table: 'Messages', partition: conversationId, from: seq, to: head.seq, limit: 1 } as const;
  return (await ctx.db.query(range))[0];
}

/** The conversation's `counted` at that seq; `found`: what stands there, or above it first. */
export function countedUpTo(
  ctx: Context,
  head: ConversationHead,
  seq: number,
  found: Item | undefined,
): number {
  if (!found) return head.counted;
  const counted = found['counted'] as number;
  if (found['seq'] === seq) return counted;
  const counts = found['silent'] !== true && !hasExpired(ctx, found);
  return counted - (counts ? 1 : 0);
}

interface Position {
  readonly conversationId: string;
  readonly userId: string;
  readonly seq: number;
  readonly readCounted: number;
}

async function movePosition(
  ctx: Context,
  { conversationId, userId, seq, readCounted }: Position,
): Promise<boolean> {
  const place = memberPlace(conversationId, userId);
  if (!place) return false;
  const written = await ctx.db.update({
    table: 'Conversations',
    key: place.key,
    update: 'SET #readSeq = :seq, #readCounted = :counted',
    condition: 'attribute_exists(#conversationId) AND (attribute_not_exists(#readSeq) OR #readSeq < :seq)',
    names: { ...place.names },
    values: { seq, counted: readCounted },
  });
  return written.ok;
}

/** The user's other devices, and the peer's where the two show each other how far they have read. */
async function tell(
  ctx: Context,
  caller: Caller,
  { peerReadSeq }: Membership,
  { conversationId, readSeq }: { readonly conversationId: string; readonly readSeq: number },
): Promise<void> {
  const { userId } = caller;
  const conversation = parseConversationId(conversationId);
  const users = conversation?.kind === 'direct' && peerReadSeq !== undefined ? conversation.users : [userId];
  const items = await ctx.db.batchGet('Users', users.map(mailboxKey));
  const push: Push = { push: 'read', conversationId, userId, readSeq };
  await announce(ctx, caller, items.map(toMailbox), push);
}
