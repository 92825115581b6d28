// Who goes from a group, by themselves, removed, or because it ends. When they went is known for a while: what was sent
// before still goes to them.
import type { ClientFrame } from '../../protocol/client-frames.ts';
import { refuse, type Refusal } from '../../protocol/errors.ts';
import type { Answer } from '../../protocol/server-frames.ts';
import type { Caller, Context } from '../context.ts';
import type { Item, TransactionPart } from '../database.ts';
import { frameDigest } from '../digest.ts';
import { expiryAfter } from '../expiry.ts';
import { groupCountKey, headKey, memberKey, pastKey, ttlAttribute, viewKey } from '../tables.ts';
import { isAbove, readMembers, toGroupHead, toGroupMember } from './group.ts';
import { changeGroup, needAdmin, refuseRole } from './group-changes.ts';
import { refuseStranger } from '../members.ts';
import { portionsOf, type UserRequest } from './membership.ts';

/** How long it is known of a former member when they went: longer than any message waits for its fan-out. */
const FORMER_MEMBER_DAYS = 7;

/** A transaction holds a hundred items: four for each user, and some of the group. */
const MAX_LEAVING = 20;

/** What ends a membership. */
function leaveParts(ctx: Context, conversationId: string, user: string, seq: number, mark: string) {
  return [
    {
      kind: 'update',
      table: 'Conversations',
      key: memberKey(conversationId, user),
      update: 'SET #leftSeq = :seq, #leftBy = :mark, #expiresAt = :expiresAt REMOVE #role',
      condition: 'attribute_exists(#role)',
      names: { expiresAt: ttlAttribute },
      values: { seq, mark, expiresAt: expiryAfter(ctx, FORMER_MEMBER_DAYS) },
    },
    { kind: 'delete', table: 'Users', key: viewKey(user, conversationId) },
    { kind: 'put', table: 'Users', item: pastKey(user, conversationId) },
    {
      kind: 'update',
      table: 'Users',
      key: groupCountKey(user),
      update: 'SET #count = #count - :one',
      condition: 'attribute_exists(#count)',
      values: { one: 1 },
    },
  ] as const satisfies readonly TransactionPart[];
}

export async function removeMembers(
  ctx: Context,
  caller: Caller,
  request: ClientFrame<'removeMembers'>,
): Promise<Answer<'removeMembers'> | Refusal> {
  const { conversationId, users } = request;
  const mark = frameDigest([caller.userId, request]);
  return removeAll(ctx, caller, { conversationId, users: [...new Set(users)], mark });
}

export async function removeAll(
  ctx: Context,
  caller: Caller,
  removal: UserRequest,
): Promise<Answer<'removeMembers'> | Refusal> {
  const removed: string[] = [];
  const skipped: Answer<'removeMembers'>['skipped'] = [];
  for (const portion of portionsOf(removal, MAX_LEAVING)) {
    const outcome = await removePortion(ctx, caller, portion);
    if (!outcome.ok) return outcome;
    removed.push(...outcome.answer.removed);
    skipped.push(...outcome.answer.skipped);
  }
  return { ok: true, removed, skipped };
}

async function removePortion(ctx: Context, caller: Caller, { conversationId, users, mark }: UserRequest) {
  type Outcome = Omit<Answer<'removeMembers'>, 'ok'>;
  return changeGroup<Outcome>(ctx, caller, conversationId, async (state) => {
    const refusal = needAdmin(state);
    if (refusal) return refusal;
    const present = await readMembers(ctx, conversationId, users);
    const answer: Outcome = { removed: [], skipped: [] };
    const going = users.filter((user) => {
      const item = present.get(user);
      const member = item && toGroupMember(item);
      if (member && isAbove(state.me, member)) return true;
      if (!member && item?.['leftBy'] === mark) answer.removed.push(user);
      else answer.skipped.push({ userId: user, reason: member ? 'forbidden' : 'not_member' });
      return false;
    });
    answer.removed.push(...going);
    if (going.length === 0) return { answer };
    const seq = state.head.seq + 1;
    return {
      bodies: [{ op: 'group.removed', users: going, memberCount: state.group.memberCount - going.length }],
      parts: going.flatMap((user) => leaveParts(ctx, conversationId, user, seq, mark)),
      head: { members: -going.length },
      answer,
    };
  });
}

/** How a tombstone says that its user went by themselves. */
const LEFT = 'left';

export async function leaveGroup(
  ctx: Context,
  caller: Caller,
  { conversationId }: Pick<ClientFrame<'leaveGroup'>, 'conversationId'>,
): Promise<Answer<'leaveGroup'> | Refusal> {
  const { userId } = caller;
  const outcome = await changeGroup(ctx, caller, conversationId, async ({ head, group, me }) => {
    if (me.role === 'owner' && group.memberCount > 1) {
      return refuse('forbidden', 'the owner hands the group over first, or dismisses it');
    }
    const seq = head.seq + 1;
    return {
      bodies: [{ op: 'group.left', memberCount: group.memberCount - 1 }],
      parts: leaveParts(ctx, conversationId, userId, seq, LEFT),
      // Nobody is left.
      head: { members: -1, ...(me.role === 'owner' && { set: { dismissedSeq: seq } }) },
      answer: undefined,
    };
  });
  if (outcome.ok) return { ok: true };
  if (outcome.error.code !== 'not_member') return outcome;
  const before = (await readMembers(ctx, conversationId, [userId])).get(userId);
  return before?.['leftBy'] === LEFT ? { ok: true } : outcome;
}

/** Ends the group for everybody, at once: fan-out tells its members, and takes it from their lists. */
export async function dismissGroup(
  ctx: Context,
  caller: Caller,
  { conversationId }: Pick<ClientFrame<'dismissGroup'>, 'conversationId'>,
): Promise<Answer<'dismissGroup'> | Refusal> {
  const outcome = await changeGroup(ctx, caller, conversationId, async ({ head, me }) => {
    if (me.role !== 'owner') return refuseRole('the owner');
    return {
      bodies: [{ op: 'group.dismissed' }],
      parts: [],
      head: { set: { dismissedSeq: head.seq + 1 } },
      answer: undefined,
    };
  });
  if (outcome.ok) return { ok: true };
  if (outcome.error.code !== 'not_member') return outcome;
  return (await wasOwner(ctx, conversationId, caller.userId)) ? { ok: true } : refuseStranger(conversationId);
}

/** Of a group that is dismissed: who asks again is answered alike. */
async function wasOwner(ctx: Context, conversationId: string, userId: string): Promise<boolean> {
  const head = await ctx.db.get('Conversations', headKey(conversationId), 'strong');
  if (!head || toGroupHead(head).dismissedSeq === undefined) return false;
  const item: Item | undefined = (await readMembers(ctx, conversationId, [userId])).get(userId);
  return item?.['role'] === 'owner';
}

/** Takes a dismissed group from a user's list; once, whoever repeats it. */
export async function forgetDismissed(ctx: Context, conversationId: string, userId: string): Promise<void> {
  await ctx.db.transact([
    {
      kind: 'update',
      table: 'Conversations',
      key: memberKey(conversationId, userId),
      update: 'SET #expiresAt = :expiresAt',
      condition: 'attribute_exists(#role)',
      names: { expiresAt: ttlAttribute },
      values: { expiresAt: expiryAfter(ctx, FORMER_MEMBER_DAYS) },
    },
    {
      kind: 'delete',
      table: 'Users',
      key: viewKey(userId, conversationId),
      condition: 'attribute_exists(#userId)',
    },
    { kind: 'put', table: 'Users', item: pastKey(userId, conversationId) },
    {
      kind: 'update',
      table: 'Users',
      key: groupCountKey(userId),
      update: 'SET #count = #count - :one',
      condition: 'attribute_exists(#count)',
      values: { one: 1 },
    },
  ]);
}
