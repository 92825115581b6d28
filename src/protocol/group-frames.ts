// What clients send about groups: one schema an action.
import * as v from 'valibot';
import { clientMsgIdSchema, conversationIdSchema, userIdSchema } from './id-schemas.ts';
import { isGroupId } from './ids.ts';
import { limits } from './limits.ts';
import { avatar, characters, listOf, pageSize, request } from './request.ts';

/** For a bundle to hold no frames but those that it serves: esbuild leaves out what is made like this, in this file, and not used. */
const define = /* @__NO_SIDE_EFFECTS__ */ <Schema>(make: () => Schema): Schema => make();

const groupIdSchema = define(() =>
  v.pipe(conversationIdSchema, v.check(isGroupId, 'must name a group, g:<id>')),
);

const titleSchema = define(() => characters(limits.groupTitle.min, limits.groupTitle.max));
const announcementSchema = define(() => characters(0, limits.announcement));

const avatarSchema = define(avatar);

const policySchema = define(() => {
  const permission = v.optional(v.picklist(['members', 'admins']));
  return v.object({
    invite: permission,
    post: permission,
    /** What a newcomer may read: from their joining on, or everything. */
    history: v.optional(v.picklist(['joined', 'all'])),
  });
});

const usersSchema = define(() => listOf(userIdSchema, limits.groupRequestUsers));
const someUsersSchema = define(() => v.pipe(usersSchema, v.minLength(1, 'must name at least one')));
const groupsSchema = define(() => listOf(conversationIdSchema, limits.subscriptions));

export const createGroupFrame = define(() =>
  request('createGroup', {
    /** Idempotency key: the same one of the same user names the same group. */
    clientGroupId: clientMsgIdSchema,
    title: titleSchema,
    /** The others. */
    members: usersSchema,
    avatar: v.optional(avatarSchema),
    announcement: v.optional(announcementSchema),
    policy: v.optional(policySchema),
  }),
);

export const groupFrame = define(() => request('group', { conversationId: groupIdSchema }));

export const membersFrame = define(() =>
  request('members', {
    conversationId: groupIdSchema,
    cursor: v.optional(userIdSchema),
    limit: pageSize(limits.members),
  }),
);

export const addMembersFrame = define(() =>
  request('addMembers', { conversationId: groupIdSchema, users: someUsersSchema }),
);

export const removeMembersFrame = define(() =>
  request('removeMembers', { conversationId: groupIdSchema, users: someUsersSchema }),
);

export const leaveGroupFrame = define(() => request('leaveGroup', { conversationId: groupIdSchema }));

export const dismissGroupFrame = define(() => request('dismissGroup', { conversationId: groupIdSchema }));

export const updateGroupFrame = define(() =>
  request('updateGroup', {
    conversationId: groupIdSchema,
    title: v.optional(titleSchema),
    avatar: v.optional(avatarSchema),
    announcement: v.optional(announcementSchema),
    policy: v.optional(policySchema),
    mutedAll: v.optional(v.boolean()),
  }),
);

export const setRoleFrame = define(() =>
  request('setRole', {
    conversationId: groupIdSchema,
    userId: userIdSchema,
    /** `owner` hands the group over. */
    role: v.picklist(['owner', 'admin', 'member']),
  }),
);

export const muteMemberFrame = define(() =>
  request('muteMember', {
    conversationId: groupIdSchema,
    userId: userIdSchema,
    /** From now on; 0 ends it. */
    seconds: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(limits.muteSeconds)),
  }),
);

export const subscribeFrame = define(() => request('subscribe', { conversationIds: groupsSchema }));

export const unsubscribeFrame = define(() => request('unsubscribe', { conversationIds: groupsSchema }));

export const groupFrames = {
  createGroup: createGroupFrame,
  group: groupFrame,
  members: membersFrame,
  addMembers: addMembersFrame,
  removeMembers: removeMembersFrame,
  leaveGroup: leaveGroupFrame,
  dismissGroup: dismissGroupFrame,
  updateGroup: updateGroupFrame,
  setRole: setRoleFrame,
  muteMember: muteMemberFrame,
  subscribe: subscribeFrame,
  unsubscribe: unsubscribeFrame,
} as const;
