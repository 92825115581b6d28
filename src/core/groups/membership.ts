// Who comes into a group. That is one transaction with the count of members, the user's view of the conversation and the
// control message; fan-out then tells those concerned, for the control message is in the stream.
import type { ClientFrame } from '../../protocol/client-frames.ts';
import { refuse, type Refusal } from '../../protocol/errors.ts';
import type { Answer } from '../../protocol/server-frames.ts';
import type { GroupBody } from '../../protocol/slots.ts';
import type { Caller, Context } from '../context.ts';
import type { TransactionPart } from '../database.ts';
import { frameDigest } from '../digest.ts';
import { takeTurn } from '../rate.ts';
import { blockKey, groupCountKey, mailboxKey, ttlAttribute, viewKey } from '../tables.ts';
import { memberKey, named, readInfo, readMembers, toGroupMember } from './group.ts';
import { changeGroup, needAdmin, type GroupChange, type GroupState } from './group-changes.ts';

/** A transaction holds a hundred items: three for each user, and some of the group. */
export const MAX_AT_ONCE = 30;

type NotAdded = Answer<'addMembers'>['skipped'][number];

interface Candidates {
  readonly welcome: readonly string[];
  readonly skipped: NotAdded[];
}

/** Who of them exists, and does not block the caller. */
export async function findCandidates(
  ctx: Context,
  userId: string,
  users: readonly string[],
): Promise<Candidates> {
  const items = await ctx.db.batchGet(
    'Users',
    users.flatMap((user) => [mailboxKey(user), blockKey(user, userId)]),
  );
  const isThere = (key: { userId: string; item: string }) =>
    items.some((item) => item['userId'] === key.userId && item['item'] === key.item);
  const skipped: NotAdded[] = [];
  const welcome = users.filter((user) => {
    const reason = !isThere(mailboxKey(user))
      ? 'user_not_found'
      : isThere(blockKey(user, userId))
        ? 'blocked'
        : undefined;
    if (reason) skipped.push({ userId: user, reason });
    return !reason;
  });
  return { welcome, skipped };
}

export async function addMembers(
  ctx: Context,
  caller: Caller,
  request: ClientFrame<'addMembers'>,
): Promise<Answer<'addMembers'> | Refusal> {
  const { conversationId } = request;
  const limited = await takeTurn(ctx, caller.userId, {
    name: 'groups',
    perMinute: ctx.settings.groupRequestsPerMinute,
  });
  if (limited) return refuse('rate_limited', 'users: too many, too often', { retryAfterMs: limited.waitMs });
  const users = [...new Set(request.users)];
  const added = new Set<string>();
  const skipped = new Map<string, NotAdded['reason']>();
  const mark = frameDigest([caller.userId, request]);
  for (let left = users; left.length > 0;) {
    const portion = left.slice(0, MAX_AT_ONCE);
    left = left.slice(MAX_AT_ONCE);
    const outcome = await addPortion(ctx, caller, { conversationId, users: portion, mark });
    if (!outcome.ok) return outcome;
    for (const user of outcome.answer.added) added.add(user);
    for (const { userId, reason } of outcome.answer.skipped) skipped.set(userId, reason);
  }
  if (
    added.size === 0 &&
    skipped.size === users.length &&
    [...skipped.values()].every((why) => why === 'full')
  ) {
    return refuse('group_full', `users: the group holds at most ${ctx.settings.groupLimit} members`);
  }
  return {
    ok: true,
    added: users.filter((user) => added.has(user)),
    skipped: users.flatMap((userId) => {
      const reason = skipped.get(userId);
      return reason ? [{ userId, reason }] : [];
    }),
  };
}

export interface Portion {
  readonly conversationId: string;
  readonly users: readonly string[];
  /** Of the frame: tells a repeat from another request. */
  readonly mark: string;
}

interface AddedAndSkipped {
  readonly added: readonly string[];
  readonly skipped: readonly NotAdded[];
}

async function addPortion(ctx: Context, caller: Caller, { conversationId, users, mark }: Portion) {
  // Whose own groups are too many is known when the transaction says so.
  const busy = new Set<string>();
  return changeGroup<AddedAndSkipped>(ctx, caller, conversationId, async (state) => {
    const { group } = state;
    if (group.policy.invite === 'admins') {
      const refusal = needAdmin(state);
      if (refusal) return refusal;
    }
    const [info, present, { welcome, skipped }, counts] = await Promise.all([
      readInfo(ctx, conversationId),
      readMembers(ctx, conversationId, users),
      findCandidates(ctx, caller.userId, users),
      ctx.db.batchGet('Users', users.map(groupCountKey)),
    ]);
    for (const item of counts) {
      if ((item['count'] as number) >= ctx.settings.groupsPerUser) busy.add(item['userId'] as string);
    }
    const repeated: string[] = [];
    const isNew = (user: string) => {
      const item = present.get(user);
      if (!item || !toGroupMember(item)) return true;
      if (item['addedBy'] === mark) repeated.push(user);
      else skipped.push({ userId: user, reason: 'member' });
      return false;
    };
    const room = Math.max(0, ctx.settings.groupLimit - group.memberCount);
    const wanted = welcome.filter(isNew);
    const able = wanted.filter((user) => !busy.has(user)).slice(0, room);
    const full = wanted.filter((user) => !able.includes(user));
    const answer = {
      added: [...repeated, ...able],
      skipped: [...skipped, ...full.map((userId) => ({ userId, reason: 'full' as const }))],
    };
    if (able.length === 0) return { answer };
    const seq = state.head.seq + 1;
    return {
      ...withCutover(
        ctx,
        state,
        [{ op: 'group.added', ...named(info), users: able, memberCount: group.memberCount + able.length }],
        able.length,
      ),
      parts: able.flatMap((user) => joinParts(ctx, state, { user, seq, mark })),
      answer,
    };
  });
}

/** A group that becomes too large for its messages to be written to everybody turns to `read`, for good. */
export function withCutover(
  ctx: Context,
  { head, group }: Pick<GroupState, 'head' | 'group'>,
  bodies: readonly GroupBody[],
  members: number,
): Pick<GroupChange<unknown>, 'bodies' | 'head'> {
  const turns = group.cutoverSeq === undefined && group.memberCount + members > ctx.settings.writeFanoutLimit;
  if (!turns) return { bodies, head: { members } };
  // It is the last one that goes to everybody.
  const from = head.seq + bodies.length + 1;
  return {
    bodies: [...bodies, { op: 'group.fanout', mode: 'read', from }],
    head: { members, set: { cutoverSeq: from } },
  };
}

interface Joining {
  readonly user: string;
  /** Of the control message that tells of it. */
  readonly seq: number;
  readonly mark: string;
  readonly role?: 'owner';
}

/** What makes a user a member: what was before they came is read, as far as they may see it. */
export function joinParts(
  ctx: Context,
  { conversationId, head }: { readonly conversationId: string; readonly head: { readonly counted: number } },
  { user, seq, mark, role }: Joining,
): TransactionPart[] {
  return [
    {
      kind: 'update',
      table: 'Conversations',
      key: memberKey(conversationId, user),
      update:
        'SET #role = :role, #joinedSeq = :seq, #readSeq = :seq, #readCounted = :counted, #addedBy = :mark ' +
        'REMOVE #leftSeq, #leftBy, #mutedUntil, #mutedBy, #expiresAt',
      condition: 'attribute_not_exists(#role)',
      names: { expiresAt: ttlAttribute },
      values: { role: role ?? 'member', seq, counted: head.counted, mark },
    },
    {
      kind: 'put',
      table: 'Users',
      // As new to their devices: what they heard of it before, they heard under lower versions.
      item: { ...viewKey(user, conversationId), kind: 'group', version: seq, toldVersion: seq },
    },
    {
      kind: 'update',
      table: 'Users',
      key: groupCountKey(user),
      update: 'SET #count = if_not_exists(#count, :none) + :one',
      condition: 'attribute_not_exists(#count) OR #count < :limit',
      values: { none: 0, one: 1, limit: ctx.settings.groupsPerUser },
    },
  ];
}
