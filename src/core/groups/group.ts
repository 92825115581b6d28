// A group as it is stored: what each message needs to know stands in its HEAD, what it is called in INFO, and who is in
// it in an item for each member. Every change of a group takes a number of its timeline, and tells of itself there: so
// the HEAD's `seq` is what all of them are serialised by.
import type { Answer, GroupPolicy, Role } from '../../protocol/server-frames.ts';
import type { Context } from '../context.ts';
import type { Item, Key } from '../database.ts';
import { infoKey, memberIdOf, memberKey, policyAttributes } from '../tables.ts';

/** What the HEAD of a group holds besides what that of any conversation does. */
export interface GroupHead {
  readonly memberCount: number;
  /** Grows with every change of who is in it. */
  readonly membershipVersion: number;
  /** Messages above this seq are pushed to who looks; absent: all go to each member's mailbox. */
  readonly cutoverSeq?: number;
  readonly policy: GroupPolicy;
  readonly mutedAll: boolean;
  /** The seq that told of its end. */
  readonly dismissedSeq?: number;
}

export interface GroupInfo {
  readonly title: string;
  readonly avatar: string;
  readonly announcement: string;
  readonly owner: string;
  readonly createdAt: number;
}

export interface GroupMember {
  readonly userId: string;
  readonly role: Role;
  readonly joinedSeq: number;
  /** Milliseconds since the epoch; 0: not muted. */
  readonly mutedUntil: number;
}

export function toGroupHead(item: Item): GroupHead {
  const cutoverSeq = item['cutoverSeq'] as number | undefined;
  const dismissedSeq = item['dismissedSeq'] as number | undefined;
  return {
    memberCount: (item['memberCount'] as number | undefined) ?? 0,
    membershipVersion: (item['membershipVersion'] as number | undefined) ?? 0,
    ...(cutoverSeq !== undefined && { cutoverSeq }),
    policy: {
      invite: item[policyAttributes.invite] ? 'admins' : 'members',
      post: item[policyAttributes.post] ? 'admins' : 'members',
      history: item[policyAttributes.history] ? 'all' : 'joined',
    },
    mutedAll: item['mutedAll'] === true,
    ...(dismissedSeq !== undefined && { dismissedSeq }),
  };
}

export function toGroupInfo(item: Item): GroupInfo {
  return {
    title: item['title'] as string,
    avatar: (item['avatar'] as string | undefined) ?? '',
    announcement: (item['announcement'] as string | undefined) ?? '',
    owner: item['owner'] as string,
    createdAt: item['createdAt'] as number,
  };
}

/** As control messages tell it to who comes. */
export const named = ({
  title,
  avatar,
}: {
  readonly title: string;
  readonly avatar?: string | undefined;
}) => ({
  title,
  ...(avatar && { avatar }),
});

/** `undefined`: they left, or were removed. */
export function toGroupMember(item: Item): GroupMember | undefined {
  const role = item['role'] as Role | undefined;
  if (!role) return undefined;
  return {
    userId: memberIdOf(item['item'] as string),
    role,
    joinedSeq: item['joinedSeq'] as number,
    mutedUntil: (item['mutedUntil'] as number | undefined) ?? 0,
  };
}

export const isAdmin = ({ role }: Pick<GroupMember, 'role'>) => role !== 'member';

interface Standing {
  readonly group?: GroupHead;
  readonly groupMember?: GroupMember;
}

/** May read but not write. */
export function isMuted(ctx: Context, { group, groupMember }: Standing): boolean {
  if (!group || !groupMember) return false;
  if (groupMember.mutedUntil > ctx.now()) return true;
  return !isAdmin(groupMember) && (group.mutedAll || group.policy.post === 'admins');
}

const ranks: Readonly<Record<Role, number>> = { owner: 2, admin: 1, member: 0 };

/** Who may be removed or muted by whom. */
export const isAbove = (left: Pick<GroupMember, 'role'>, right: Pick<GroupMember, 'role'>) =>
  ranks[left.role] > ranks[right.role];

/** As its members see it. */
export function describeGroup(
  ctx: Context,
  head: GroupHead,
  info: GroupInfo,
  me: GroupMember,
): Omit<Answer<'group'>, 'ok'> {
  const { title, avatar, announcement, owner, createdAt } = info;
  const { memberCount, policy, mutedAll } = head;
  const fanout = head.cutoverSeq === undefined ? 'write' : 'read';
  return {
    title,
    avatar,
    announcement,
    owner,
    memberCount,
    fanout,
    policy,
    mutedAll,
    createdAt,
    me: standingOf(ctx, me),
  };
}

/** A mute that is over is not told of. */
export function standingOf(ctx: Context, { role, joinedSeq, mutedUntil }: GroupMember) {
  return { role, joinedSeq, ...(mutedUntil > ctx.now() && { mutedUntil }) };
}

/** Of these users, by id; those that are not in the group, or are no more, with their item if there is one. */
export async function readMembers(
  ctx: Context,
  conversationId: string,
  userIds: readonly string[],
): Promise<ReadonlyMap<string, Item>> {
  const keys: Key[] = userIds.map((userId) => memberKey(conversationId, userId));
  const items = await ctx.db.batchGet('Conversations', keys);
  return new Map(items.map((item) => [memberIdOf(item['item'] as string), item]));
}

/** @throws Error where there is no such group. */
export async function readInfo(ctx: Context, conversationId: string): Promise<GroupInfo> {
  const item = await ctx.db.get('Conversations', infoKey(conversationId), 'strong');
  if (!item) throw new Error('A group has no INFO');
  return toGroupInfo(item);
}
