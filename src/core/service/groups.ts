// Groups, as the app's own backend makes and changes them: as one of their users would, without a user's limits.
import { refuse, type Refusal } from '../../protocol/errors.ts';
import type { Answer } from '../../protocol/server-frames.ts';
import type {
  AddGroupMembersRequest,
  CreateGroupRequest,
  DismissGroupRequest,
  RemoveGroupMemberRequest,
} from '../../protocol/service-requests.ts';
import type { Caller, Context } from '../context.ts';
import { frameDigest } from '../digest.ts';
import { makeGroup } from '../groups/create-group.ts';
import { dismissGroup, removeAll } from '../groups/leaving.ts';
import { addAll } from '../groups/membership.ts';
import { infoKey, mailboxKey } from '../tables.ts';
import { actingAs } from './callers.ts';

export async function createGroupAs(
  ctx: Context,
  { owner, ...request }: CreateGroupRequest,
): Promise<Answer<'createGroup'> | Refusal> {
  const head = await ctx.db.get('Users', mailboxKey(owner), 'eventual');
  if (!head) return refuse('user_not_found', `owner: there is no user ${owner}`);
  return makeGroup(ctx, actingAs(ctx, owner), request, async () => undefined);
}

export async function addGroupMembers(
  ctx: Context,
  request: AddGroupMembersRequest,
): Promise<Answer<'addMembers'> | Refusal> {
  const actor = await actorOf(ctx, request);
  if ('error' in actor) return actor;
  return addAll(ctx, actor, { ...changeOf(request), users: [...new Set(request.users)] });
}

export async function removeGroupMember(
  ctx: Context,
  request: RemoveGroupMemberRequest,
): Promise<Answer<'removeMembers'> | Refusal> {
  const actor = await actorOf(ctx, request);
  if ('error' in actor) return actor;
  return removeAll(ctx, actor, { ...changeOf(request), users: [request.userId] });
}

export async function dismissGroupAs(
  ctx: Context,
  request: DismissGroupRequest,
): Promise<Answer<'dismissGroup'> | Refusal> {
  const actor = await actorOf(ctx, request);
  return 'error' in actor ? actor : dismissGroup(ctx, actor, { conversationId: request.id });
}

/** The same request again is known by its content. */
const changeOf = (request: AddGroupMembersRequest | RemoveGroupMemberRequest) => ({
  conversationId: request.id,
  mark: frameDigest(['service', request]),
});

/** Whoever is named, or the owner: a group always has one. */
async function actorOf(
  ctx: Context,
  { id, owner }: Pick<DismissGroupRequest, 'id' | 'owner'>,
): Promise<Caller | Refusal> {
  if (owner !== undefined) return actingAs(ctx, owner);
  const info = await ctx.db.get('Conversations', infoKey(id), 'strong');
  if (!info) return refuse('not_found', `id: there is no group ${id}`);
  return actingAs(ctx, info['owner'] as string);
}
