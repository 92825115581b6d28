// What a group is called, who may do what in it, and who is in it.
import type { ClientFrame } from '../../protocol/client-frames.ts';
import { refuse, type Refusal } from '../../protocol/errors.ts';
import type { Answer, GroupPolicy, Role } from '../../protocol/server-frames.ts';
import type { Caller, Context } from '../context.ts';
import type { Item, TransactionPart } from '../database.ts';
import { frameDigest } from '../digest.ts';
import { infoKey, itemKey, memberItems, memberKey, policyAttributes } from '../tables.ts';
import {
  describeGroup,
  isAbove,
  readInfo,
  readMembers,
  standingOf,
  toGroupMember,
  type GroupInfo,
} from './group.ts';
import {
  changeGroup,
  needAdmin,
  readState,
  refuseRole,
  type GroupState,
  type HeadChange,
} from './group-changes.ts';
import { refuseStranger } from '../members.ts';

export async function group(
  ctx: Context,
  caller: Caller,
  { conversationId }: ClientFrame<'group'>,
): Promise<Answer<'group'> | Refusal> {
  const state = await readState(ctx, conversationId, caller.userId);
  if (!state) return refuseStranger(conversationId);
  const info = await readInfo(ctx, conversationId);
  return { ok: true, ...describeGroup(ctx, state.group, info, state.me) };
}

/** Former members that are passed over in one request, at most. */
const MAX_LOOKS = 10;

/** In the order of their ids. */
export async function members(
  ctx: Context,
  caller: Caller,
  { conversationId, cursor, limit }: ClientFrame<'members'>,
): Promise<Answer<'members'> | Refusal> {
  if (!(await readState(ctx, conversationId, caller.userId))) return refuseStranger(conversationId);
  const found: Answer<'members'>['members'] = [];
  // Above the last one of the page before: no userId has a space in it.
  let from = cursor === undefined ? memberItems.from : `${itemKey.member(cursor)} `;
  for (let look = 0; look < MAX_LOOKS; look++) {
    const wanted = limit - found.length;
    const items = await ctx.db.query({
      table: 'Conversations',
      partition: conversationId,
      from,
      to: memberItems.to,
      limit: wanted,
    });
    const present = items.map(toGroupMember).filter((member) => member !== undefined);
    found.push(...present.map((member) => ({ userId: member.userId, ...standingOf(ctx, member) })));
    if (items.length < wanted) return { ok: true, members: found };
    const last = items.at(-1)!['item'] as string;
    from = `${last} `;
    if (found.length === limit || look === MAX_LOOKS - 1) {
      return { ok: true, members: found, next: last.slice(memberItems.from.length) };
    }
  }
  return { ok: true, members: found };
}

/** What has to be written to the HEAD for a policy: deviations from the default alone stand there. */
export function policyChange(policy: Partial<Record<keyof GroupPolicy, string | undefined>>): {
  readonly set: Record<string, true>;
  readonly remove: string[];
} {
  const set: Record<string, true> = {};
  const remove: string[] = [];
  for (const [name, attribute] of Object.entries(policyAttributes)) {
    const value = policy[name as keyof GroupPolicy];
    if (value === undefined) continue;
    if (value === 'admins' || value === 'all') set[attribute] = true;
    else remove.push(attribute);
  }
  return { set, remove };
}

const infoFields = ['title', 'avatar', 'announcement'] as const;

export async function updateGroup(
  ctx: Context,
  caller: Caller,
  request: ClientFrame<'updateGroup'>,
): Promise<Answer<'updateGroup'> | Refusal> {
  const { conversationId } = request;
  const outcome = await changeGroup(ctx, caller, conversationId, async (state) => {
    const refusal = needAdmin(state);
    if (refusal) return refusal;
    const info = await readInfo(ctx, conversationId);
    const changes = changesOf(request, state, info);
    if (Object.keys(changes.values).length === 0) return { answer: undefined };
    return {
      bodies: [{ op: 'group.updated', fields: Object.keys(changes.values), values: changes.values }],
      parts: changes.parts,
      head: changes.head,
      answer: undefined,
    };
  });
  if (!outcome.ok) return outcome;
  return group(ctx, caller, { action: 'group', id: request.id, conversationId });
}

interface Changes {
  readonly values: Readonly<Record<string, unknown>>;
  readonly parts: readonly TransactionPart[];
  readonly head: HeadChange;
}

/** What is not as requested yet. */
function changesOf(
  request: ClientFrame<'updateGroup'>,
  { conversationId, group: { policy, mutedAll } }: GroupState,
  info: GroupInfo,
): Changes {
  const values: Record<string, unknown> = {};
  const texts = infoFields.filter((name) => request[name] !== undefined && request[name] !== info[name]);
  for (const name of texts) values[name] = request[name];
  const wanted = { ...policy, ...withoutUndefined(request.policy ?? {}) };
  const isOther = (Object.keys(policy) as (keyof GroupPolicy)[]).some(
    (name) => wanted[name] !== policy[name],
  );
  if (isOther) values['policy'] = wanted;
  const { set, remove } = isOther ? policyChange(wanted) : { set: {}, remove: [] };
  const { mutedAll: wantsMuted } = request;
  const turns = wantsMuted !== undefined && wantsMuted !== mutedAll;
  if (turns) values['mutedAll'] = wantsMuted;
  return {
    values,
    parts:
      texts.length === 0
        ? []
        : [
            {
              kind: 'update',
              table: 'Conversations',
              key: infoKey(conversationId),
              update: `SET ${texts.map((name) => `#${name} = :${name}`).join(', ')}`,
              values: Object.fromEntries(texts.map((name) => [name, request[name]])),
            },
          ],
    head: {
      set: { ...set, ...(turns && wantsMuted && { mutedAll: true }) },
      remove: [...remove, ...(turns && !wantsMuted ? ['mutedAll'] : [])],
    },
  };
}

const withoutUndefined = <T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as never;

export async function setRole(
  ctx: Context,
  caller: Caller,
  { conversationId, userId, role }: Omit<ClientFrame<'setRole'>, 'action' | 'id'>,
): Promise<Answer<'setRole'> | Refusal> {
  const outcome = await changeGroup(ctx, caller, conversationId, async ({ me }) => {
    const items = await readMembers(ctx, conversationId, [userId]);
    const item = items.get(userId);
    const member = item && toGroupMember(item);
    // Handed over already, by this very user.
    if (role === 'owner' && member?.role === 'owner' && item?.['promotedBy'] === caller.userId) {
      return { answer: undefined };
    }
    if (me.role !== 'owner') return refuseRole('the owner');
    if (!member) return refuseMissing(userId);
    if (member.role === role) return { answer: undefined };
    if (userId === caller.userId) {
      return refuse('forbidden', 'role: the owner hands the group over, then is none any more');
    }
    const change = (user: string, next: Role) => roleChange(conversationId, user, next, caller.userId);
    if (role !== 'owner') {
      return {
        bodies: [{ op: 'group.role', userId, role }],
        parts: [change(userId, role)],
        answer: undefined,
      };
    }
    return {
      bodies: [
        { op: 'group.role', userId, role },
        { op: 'group.role', userId: caller.userId, role: 'admin' },
      ],
      parts: [
        change(userId, 'owner'),
        change(caller.userId, 'admin'),
        {
          kind: 'update',
          table: 'Conversations',
          key: infoKey(conversationId),
          update: 'SET #owner = :owner',
          values: { owner: userId },
        },
      ],
      answer: undefined,
    };
  });
  return outcome.ok ? { ok: true } : outcome;
}

function roleChange(conversationId: string, userId: string, role: Role, by: string): TransactionPart {
  return {
    kind: 'update',
    table: 'Conversations',
    key: memberKey(conversationId, userId),
    update: 'SET #role = :role, #promotedBy = :by',
    condition: 'attribute_exists(#role)',
    values: { role, by },
  };
}

const refuseMissing = (userId: string) => refuse('not_found', `userId: ${userId} is not in this group`);

export async function muteMember(
  ctx: Context,
  caller: Caller,
  request: ClientFrame<'muteMember'>,
): Promise<Answer<'muteMember'> | Refusal> {
  const { conversationId, userId, seconds } = request;
  const mark = frameDigest([caller.userId, request]);
  const outcome = await changeGroup(ctx, caller, conversationId, async (state) => {
    const refusal = needAdmin(state);
    if (refusal) return refusal;
    const item: Item | undefined = (await readMembers(ctx, conversationId, [userId])).get(userId);
    const member = item && toGroupMember(item);
    if (!member) return refuseMissing(userId);
    if (!isAbove(state.me, member)) return refuse('forbidden', `userId: ${userId} cannot be muted by you`);
    if (item['mutedBy'] === mark) return { answer: member.mutedUntil };
    const until = seconds === 0 ? 0 : ctx.now() + seconds * 1_000;
    if (until === 0 && member.mutedUntil <= ctx.now()) return { answer: 0 };
    return {
      bodies: [{ op: 'group.muted', userId, until }],
      parts: [
        {
          kind: 'update',
          table: 'Conversations',
          key: memberKey(conversationId, userId),
          update: 'SET #mutedUntil = :until, #mutedBy = :mark',
          condition: 'attribute_exists(#role)',
          values: { until, mark },
        },
      ],
      answer: until,
    };
  });
  return outcome.ok ? { ok: true, mutedUntil: outcome.answer } : outcome;
}
