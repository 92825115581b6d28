// `createGroup`: named after its maker and their `clientGroupId`, so that the same request again finds the group.
import type { ClientFrame } from '../../protocol/client-frames.ts';
import { refuse, type Refusal } from '../../protocol/errors.ts';
import type { Answer } from '../../protocol/server-frames.ts';
import type { Caller, Context } from '../context.ts';
import { controlId, controlMessage } from '../control-messages.ts';
import type { TransactionPart } from '../database.ts';
import { frameDigest, groupDigest } from '../digest.ts';
import { takeTurn } from '../rate.ts';
import { emptyClaims } from '../rings.ts';
import { claimsAttribute, groupCountKey } from '../tables.ts';
import { headKey, infoKey, named } from './group.ts';
import { policyChange } from './management.ts';
import { addMembers, findCandidates, joinParts } from './membership.ts';

/** They are there from the beginning; the others come right after it. */
const FIRST_MEMBERS = 25;

export async function createGroup(
  ctx: Context,
  caller: Caller,
  request: ClientFrame<'createGroup'>,
): Promise<Answer<'createGroup'> | Refusal> {
  const { userId } = caller;
  const conversationId = `g:${groupDigest(userId, request.clientGroupId)}`;
  const others = [...new Set(request.members)].filter((user) => user !== userId);
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
    return finish(ctx, caller, { request, conversationId, others, isRepeat: true });
  }

  const limited = await takeTurn(ctx, userId, {
    name: 'groups',
    perMinute: ctx.settings.groupRequestsPerMinute,
  });
  if (limited) return refuse('rate_limited', 'too many new groups', { retryAfterMs: limited.waitMs });
  const { groupsPerUser, groupLimit } = ctx.settings;
  const first = others.slice(0, Math.min(FIRST_MEMBERS, groupLimit - 1));
  const { welcome } = await findCandidates(ctx, userId, first);
  const counts = await ctx.db.batchGet('Users', [userId, ...welcome].map(groupCountKey));
  const busy = new Set(
    counts.filter((item) => (item['count'] as number) >= groupsPerUser).map((item) => item['userId']),
  );
  if (busy.has(userId)) return refuse('group_full', `you are in ${groupsPerUser} groups, which is the limit`);
  const users = welcome.filter((user) => !busy.has(user));
  const written = await ctx.db.transact(birth(ctx, caller, { request, conversationId, users, payload }));
  // Otherwise another try of this very request was faster, or somebody was added elsewhere meanwhile: the same again.
  if (!written.ok && !written.failed[0]) return refuse('unavailable', 'try the same again');
  return finish(ctx, caller, { request, conversationId, others, isRepeat: !written.ok });
}

interface Birth {
  readonly request: ClientFrame<'createGroup'>;
  readonly conversationId: string;
  readonly users: readonly string[];
  readonly payload: string;
}

/** The group with its maker and its first members, and the message that tells of it. */
function birth(
  ctx: Context,
  caller: Caller,
  { request, conversationId, users, payload }: Birth,
): TransactionPart[] {
  const { userId } = caller;
  const { title, avatar, announcement, policy } = request;
  const now = ctx.now();
  const head = { counted: 0, takenAt: [] };
  const { writeFanoutLimit } = ctx.settings;
  const state = { conversationId, head: { ...head, seq: 0 } };
  const mark = markOf(request, userId);
  const turns = users.length + 1 > writeFanoutLimit;
  const bodies = [
    { op: 'group.created', ...named({ title, avatar }), users, memberCount: users.length + 1 } as const,
    ...(turns ? [{ op: 'group.fanout', mode: 'read', from: 2 } as const] : []),
  ];
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
        memberCount: users.length + 1,
        membershipVersion: 1,
        ...(turns && { cutoverSeq: 2 }),
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
    ...joinParts(ctx, state, { user: userId, seq: 1, mark, role: 'owner' }),
    ...users.flatMap((user) => joinParts(ctx, state, { user, seq: 1, mark })),
  ];
}

interface Finish {
  readonly request: ClientFrame<'createGroup'>;
  readonly conversationId: string;
  readonly others: readonly string[];
  readonly isRepeat: boolean;
}

/** Adds those who are not in yet, and notes that all is done: a repeat after that adds nobody. */
async function finish(
  ctx: Context,
  caller: Caller,
  { request, conversationId, others, isRepeat }: Finish,
): Promise<Answer<'createGroup'> | Refusal> {
  const outcome =
    others.length === 0
      ? { added: [], skipped: [] }
      : await addMembers(ctx, caller, addFrame(request, conversationId, others));
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

/** The same for each try, whatever their ids. */
const addFrame = (
  { clientGroupId }: ClientFrame<'createGroup'>,
  conversationId: string,
  users: readonly string[],
) => ({ action: 'addMembers' as const, id: clientGroupId, conversationId, users: [...users] });

/** That of the frame which adds those who are left: whoever was there from the beginning counts as added by it. */
function markOf(request: ClientFrame<'createGroup'>, userId: string): string {
  const others = [...new Set(request.members)].filter((user) => user !== userId);
  const conversationId = `g:${groupDigest(userId, request.clientGroupId)}`;
  return frameDigest([userId, addFrame(request, conversationId, others)]);
}

const payloadOf = ({ title, members, avatar, announcement, policy }: ClientFrame<'createGroup'>) => [
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
