// Groups: how they begin and end, who is in them and may do what, and who looks at a large one.
import { createGroup } from '../src/core/groups/create-group.ts';
import { group, members, muteMember, setRole, updateGroup } from '../src/core/groups/management.ts';
import { dismissGroup, leaveGroup, removeMembers } from '../src/core/groups/leaving.ts';
import { addMembers } from '../src/core/groups/membership.ts';
import { subscribe, unsubscribe } from '../src/core/groups/subscriptions.ts';
import {
  addMembersFrame,
  createGroupFrame,
  dismissGroupFrame,
  groupFrame,
  leaveGroupFrame,
  membersFrame,
  muteMemberFrame,
  removeMembersFrame,
  setRoleFrame,
  subscribeFrame,
  unsubscribeFrame,
  updateGroupFrame,
} from '../src/protocol/group-frames.ts';
import { route } from '../src/runtime/route.ts';

export const handler = route({
  createGroup: [createGroupFrame, createGroup],
  group: [groupFrame, group],
  members: [membersFrame, members],
  addMembers: [addMembersFrame, addMembers],
  removeMembers: [removeMembersFrame, removeMembers],
  leaveGroup: [leaveGroupFrame, leaveGroup],
  dismissGroup: [dismissGroupFrame, dismissGroup],
  updateGroup: [updateGroupFrame, updateGroup],
  setRole: [setRoleFrame, setRole],
  muteMember: [muteMemberFrame, muteMember],
  subscribe: [subscribeFrame, subscribe],
  unsubscribe: [unsubscribeFrame, unsubscribe],
});
