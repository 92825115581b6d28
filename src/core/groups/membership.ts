// Who comes into a group. That is one transaction with the count of members, the user's view of the conversation and the
// control message; fan-out then tells those concerned, for the control message is in the stream.
import type { ClientFrame } from '../../protocol/client-frames.ts';
import { refuse, type Refusal } from '../../protocol/errors.ts';
import type { Answer, Role } from '../../protocol/server-frames.ts';
import type { GroupBody } from '../../protocol/slots.ts';
import type { Caller, Context } from '../context.ts';
import { findItem, type Item, type Key, type TransactionPart } from '../database.ts';
import { frameDigest } from '../digest.ts';
import { toContact } from '../people/kept-contacts.ts';
import { toPreferences } from '../people/wishes.ts';
import { takeTurn } from '../rate.ts';
import {
  blockKey,
  contactKey,
  groupCountKey,
  HEAD,
  mailboxKey,
  memberKey,
  ttlAttribute,
  viewKey,
} from '../tables.ts';
import { named, readInfo, readMembers, toGroupMember } from './group.ts';
import { changeGroup, needAdmin, type GroupChange } from './group-changes.ts';

/** A transaction holds a hundred items: three for each user, and some of the group. */
const MAX_AT_ONCE = 30;

type NotAdded = Answer<'addMembers'>['skipped'][number];

interface Candidates {
  readonly welcome: readonly string[];
  readonly skipped: NotAdded[];
  /** Those who show nobody how far they have read. */
  readonly hiding: ReadonlySet<string>;
}

/** Who of them exists, does not block the caller, and has them as a contact where that is needed. */
export async function findCandidates(
  ctx: Context,
  userId: string,
  users: readonly string[],
): Promise<Candidates> {
  const needsContact = (user: string) => ctx.settings.contactsOnly && user !== userId;
  const items = await ctx.db.batchGet(
    'Users',
    users.flatMap((user) => [
      mailboxKey(user),
      blockKey(user, userId),
      ...(needsContact(user) ? [contactKey(user, userId)] : []),
    ]),
  );
  const isStrange = (user: string) => {
    const kept = findItem(items, contactKey(user, userId));
    return needsContact(user) && !(kept && toContact(kept));
  };
  const isThere = (key: Key) => findItem(items, key) !== undefined;
  const skipped: NotAdded[] = [];
  const welcome = users.filter((user) => {
    const reason = !isThere(mailboxKey(user))
      ? 'user_not_found'
      : isThere(blockKey(user, userId)) || isStrange(user)
        ? 'blocked'
        : undefined;
    if (reason) skipped.push({ userId: user, reason });
    return !reason;
  });
  const heads = items.filter((item) => item['item'] === HEAD && !toPreferences(item).receipts);
  return { welcome, skipped, hiding: new Set(heads.map((item) => item['userId'] as string)) };
}

/** Who of them is in as many groups as one may be in. */
export async function findBusy(ctx: Context, users: readonly string[]): Promise<ReadonlySet<string>> {
  const counts = await ctx.db.batchGet('Users', users.map(groupCountKey));
  const isBusy = (item: Item) => (item['count'] as number) >= ctx.settings.groupsPerUser;
  return new Set(counts.filter(isBusy).map((item) => item['userId'] as string));
}

/** For making a group, and for adding members. */
export async function takeGroupTurn(ctx: Context, userId: string): Promise<Refusal | undefined> {
  const perMinute = ctx.settings.groupRequestsPerMinute;
  const limited = await takeTurn(ctx, userId, { name: 'groups', perMinute });
  if (!limited) return undefined;
  return refuse('rate_limited', 'too many new groups and members', { retryAfterMs: limited.waitMs });
}

export async function addMembers(
  ctx: Context,
  caller: Caller,
  request: ClientFrame<'addMembers'>,
): Promise<Answer<'addMembers'> | Refusal> {
  const refusal = await takeGroupTurn(ctx, caller.userId);
  if (refusal) return refusal;
  const { conversationId, users } = request;
  const mark = frameDigest([caller.userId, request]);
  return addAll(ctx, caller, { conversationId, users: [...new Set(users)], mark });
}

export interface UserRequest {
  readonly conversationId: string;
  readonly users: readonly string[];
  /** Tells a repeat from another request. */
  readonly mark: string;
}

export async function addAll(
  ctx: Context,
  caller: Caller,
  addition: UserRequest,
): Promise<Answer<'addMembers'> | Refusal> {
  const added: string[] = [];
  const skipped: NotAdded[] = [];
  for (const portion of portionsOf(addition)) {
    const outcome = await addPortion(ctx, caller, portion);
    if (!outcome.ok) return outcome;
    added.push(...outcome.answer.added);
    skipped.push(...outcome.answer.skipped);
  }
  const isFull = skipped.length > 0 && skipped.every(({ reason }) => reason === 'full');
  if (added.length === 0 && isFull) {
    return refuse('group_full', `users: the group holds at most ${ctx.settings.groupLimit} members`);
  }
  return { ok: true, added, skipped };
}

/** As many users as one transaction takes. */
export function* portionsOf({ users, ...rest }: UserRequest, size = MAX_AT_ONCE): Generator<UserRequest> {
  for (let start = 0; start < users.length; start += size) {
    yield { ...rest, users: users.slice(start, start + size) };
  }
}

interface AddedAndSkipped {
  readonly added: readonly string[];
  readonly skipped: readonly NotAdded[];
}

async function addPortion(ctx: Context, caller: Caller, { conversationId, users, mark }: UserRequest) {
  return changeGroup<AddedAndSkipped>(ctx, caller, conversationId, async (state) => {
    const { group } = state;
    if (group.policy.invite === 'admins') {
      const refusal = needAdmin(state);
      if (refusal) return refusal;
    }
    const [info, present, { welcome, skipped, hiding }, busy] = await Promise.all([
      readInfo(ctx, conversationId),
      readMembers(ctx, conversationId, users),
      findCandidates(ctx, caller.userId, users),
      findBusy(ctx, users),
    ]);
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
    const inOrder = (those: readonly string[]) => users.filter((user) => those.includes(user));
    const reasons = [...skipped, ...full.map((userId) => ({ userId, reason: 'full' as const }))];
    const answer = {
      added: inOrder([...repeated, ...able]),
      skipped: reasons.toSorted((a, b) => users.indexOf(a.userId) - users.indexOf(b.userId)),
    };
    if (able.length === 0) return { answer };
    const { seq, counted } = state.head;
    const memberCount = group.memberCount + able.length;
    const { bodies, head } = withCutover(ctx, { ...group, seq, memberCount }, [
      { op: 'group.added', ...named(info), users: able, memberCount },
    ]);
    return {
      bodies,
      parts: able.flatMap((user) =>
        joinParts(ctx, { conversationId, seq: seq + 1, counted, mark, hiding }, user, 'member'),
      ),
      head: { ...head, members: able.length },
      answer,
    };
  });
}

interface Grown {
  /** The last number given out before. */
  readonly seq: number;
  /** By then. */
  readonly memberCount: number;
  readonly cutoverSeq?: number;
}

/** A group that becomes too large for its messages to be written to everybody turns to `read`, for good. */
export function withCutover(
  ctx: Context,
  { seq, memberCount, cutoverSeq }: Grown,
  bodies: readonly GroupBody[],
): Pick<GroupChange<unknown>, 'bodies' | 'head'> {
  if (cutoverSeq !== undefined || memberCount <= ctx.settings.writeFanoutLimit) return { bodies };
  // It is the last one that goes to everybody.
  const from = seq + bodies.length + 1;
  return {
    bodies: [...bodies, { op: 'group.fanout', mode: 'read', from }],
    head: { set: { cutoverSeq: from } },
  };
}

interface Joining {
  readonly conversationId: string;
  /** Of the control message that tells of it. */
  readonly seq: number;
  /** The conversation's `counted` there. */
  readonly counted: number;
  readonly mark: string;
  readonly hiding: ReadonlySet<string>;
}

/** What makes a user a member: what was before they came is read, as far as they may see it. */
export function joinParts(
  ctx: Context,
  { conversationId, seq, counted, mark, hiding }: Joining,
  user: string,
  role: Role,
): TransactionPart[] {
  const hidesReads = hiding.has(user);
  return [
    {
      kind: 'update',
      table: 'Conversations',
      key: memberKey(conversationId, user),
      update:
        'SET #role = :role, #joinedSeq = :seq, #readSeq = :seq, #readCounted = :counted, #addedBy = :mark' +
        (hidesReads ? ', #hidesReads = :one' : '') +
        ' REMOVE #leftSeq, #leftBy, #mutedUntil, #mutedBy, #expiresAt' +
        (hidesReads ? '' : ', #hidesReads'),
      condition: 'attribute_not_exists(#role)',
      names: { expiresAt: ttlAttribute },
      values: { role, seq, counted, mark, ...(hidesReads && { one: 1 }) },
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
