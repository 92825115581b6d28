// `createGroup`: named after its maker and their `clientGroupId`, so that the same request again finds the group.
import type { ClientFrame } from '../../protocol/client-frames.ts';
import { refuse, type Refusal } from '../../protocol/errors.ts';
import { groupConversationId } from '../../protocol/ids.ts';
import type { Answer, Role } from '../../protocol/server-frames.ts';
import type { Caller, Context } from '../context.ts';
import { controlId, controlMessage } from '../control-messages.ts';
import type { TransactionPart } from '../database.ts';
import { frameDigest, groupDigest } from '../digest.ts';
import { emptyClaims } from '../rings.ts';
import { claimsAttribute, headKey, infoKey } from '../tables.ts';
import { named } from './group.ts';
import { policyChange } from './management.ts';
import {
  addAll,
  findBusy,
  findCandidates,
  joinParts,
  takeGroupTurn,
  withCutover,
  type UserRequest,
} from './membership.ts';

export type NewGroup = Omit<ClientFrame<'createGroup'>, 'action' | 'id'>;

/** They are there from the beginning; the others come right after it. */
const FIRST_MEMBERS = 25;

export const createGroup = (ctx: Context, caller: Caller, request: ClientFrame<'createGroup'>) =>
  makeGroup(ctx, caller, request, () => takeGroupTurn(ctx, caller.userId));

/** @param takeTurn May the caller make another one? It is asked for a new group alone. */
export async function makeGroup(
  ctx: Context,
  caller: Caller,
  request: NewGroup,
  takeTurn: () => Promise<Refusal | undefined>,
): Promise<Answer<'createGroup'> | Refusal> {
  const { userId } = caller;
  const conversationId = groupConversationId(groupDigest(userId, request.clientGroupId));
  const others = [...new Set(request.members)].filter((user) => user !== userId);
  const addition = {
    conversationId,
    users: others,
    // The same for each try, whatever their ids.
    mark: frameDigest([userId, request.clientGroupId, others]),
  };
  const payload = frameDigest(payloadOf(request));
  const before = await ctx.db.get('Conversations', infoKey(conversationId), 'strong');
  if (before) {
    if (before['payload'] !== payload) {
      return refuse('idempotency_conflict', 'clientGroupId: was used for another group');
    }
    const skipped = (before['skipped'] as string | undefined) ?? '';
    if (before['complete']) {
      return { ok: true, conversationId, skipped: decodeSkipped(skipped), duplicate: true };
    }
    return finish(ctx, caller, addition, { isRepeat: true });
  }

  const refusal = await takeTurn();
  if (refusal) return refusal;
  const { groupsPerUser, groupLimit } = ctx.settings;
  const first = others.slice(0, Math.min(FIRST_MEMBERS, groupLimit - 1));
  const [{ welcome, hiding }, busy] = await Promise.all([
    findCandidates(ctx, userId, [userId, ...first]),
    findBusy(ctx, [userId, ...first]),
  ]);
  if (busy.has(userId)) return refuse('group_full', `you are in ${groupsPerUser} groups, which is the limit`);
  const users = welcome.filter((user) => user !== userId && !busy.has(user));
  const written = await ctx.db.transact(birth(ctx, caller, request, { ...addition, users, hiding }, payload));
  // Otherwise another try of this very request was faster, or somebody was added elsewhere meanwhile: the same again.
  if (!written.ok && !written.failed[0]) return refuse('unavailable', 'try the same again');
  return finish(ctx, caller, addition, { isRepeat: !written.ok });
}

/** The group with its maker and its first members, and the message that tells of it. */
function birth(
  ctx: Context,
  caller: Caller,
  { title, avatar, announcement, policy }: NewGroup,
  { conversationId, users, mark, hiding }: UserRequest & { readonly hiding: ReadonlySet<string> },
  payload: string,
): TransactionPart[] {
  const { userId } = caller;
  const now = ctx.now();
  const head = { counted: 0, takenAt: [] };
  const memberCount = users.length + 1;
  const { bodies, head: { set = {} } = {} } = withCutover(ctx, { seq: 0, memberCount }, [
    { op: 'group.created', ...named({ title, avatar }), users, memberCount },
  ]);
  const join = (user: string, role: Role) =>
    joinParts(ctx, { conversationId, seq: 1, counted: 0, mark, hiding }, user, role);
  return [
    {
      kind: 'put',
      table: 'Conversations',
      item: {
        ...infoKey(conversationId),
        title,
        avatar,
        announcement,
        owner: userId,
        createdAt: now,
        payload,
      },
      condition: 'attribute_not_exists(#conversationId)',
    },
    {
      kind: 'put',
      table: 'Conversations',
      item: {
        ...headKey(conversationId),
        seq: bodies.length,
        controls: bodies.length,
        counted: 0,
        at: now,
        memberCount,
        membershipVersion: 1,
        ...set,
        [claimsAttribute]: emptyClaims,
        ...policyChange(policy ?? {}).set,
      },
    },
    ...bodies.map((body, index) =>
      controlMessage(ctx, caller, {
        conversationId,
        seq: index + 1,
        clientMsgId: controlId(body, index + 1),
        body,
        head,
      }),
    ),
    ...join(userId, 'owner'),
    ...users.flatMap((user) => join(user, 'member')),
  ];
}

/** Adds those who are not in yet, and notes that all is done: a repeat after that adds nobody. */
async function finish(
  ctx: Context,
  caller: Caller,
  addition: UserRequest,
  { isRepeat }: { readonly isRepeat: boolean },
): Promise<Answer<'createGroup'> | Refusal> {
  const { conversationId, users: others } = addition;
  const outcome = await addAll(ctx, caller, addition);
  if ('error' in outcome && outcome.error.code !== 'group_full') return outcome;
  const skipped =
    'error' in outcome ? others.map((userId) => ({ userId, reason: 'full' as const })) : outcome.skipped;
  await ctx.db.update({
    table: 'Conversations',
    key: infoKey(conversationId),
    update: 'SET #complete = :yes, #skipped = :skipped',
    condition: 'attribute_exists(#owner) AND attribute_not_exists(#complete)',
    values: { yes: true, skipped: encodeSkipped(skipped) },
  });
  return { ok: true, conversationId, skipped, ...(isRepeat && { duplicate: true as const }) };
}

const payloadOf = ({ title, members, avatar, announcement, policy }: NewGroup) => [
  title,
  members,
  avatar ?? null,
  announcement ?? null,
  policy ?? null,
];

type Skipped = Answer<'createGroup'>['skipped'];

/** `carol=blocked dave=full`: no userId has a space or a `=` in it. */
const encodeSkipped = (skipped: Skipped) =>
  skipped.map(({ userId, reason }) => `${userId}=${reason}`).join(' ');

const decodeSkipped = (text: string): Skipped =>
  text
    .split(' ')
    .filter(Boolean)
    .map((one) => {
      const [userId = '', reason] = one.split('=');
      return { userId, reason: reason as Skipped[number]['reason'] };
    });
