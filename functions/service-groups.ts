// The service API's groups: what the app's own backend makes of them.
import {
  addGroupMembers,
  createGroupAs,
  dismissGroupAs,
  removeGroupMember,
} from '../src/core/service/groups.ts';
import {
  addGroupMembersRequest,
  createGroupRequest,
  dismissGroupRequest,
  removeGroupMemberRequest,
} from '../src/protocol/service-requests.ts';
import { createContext } from '../src/runtime/context.ts';
import { httpRoute, on } from '../src/runtime/http-route.ts';

export const handler = httpRoute(
  {
    'POST /v1/groups': on(createGroupRequest, createGroupAs),
    'POST /v1/groups/{id}/members': on(addGroupMembersRequest, addGroupMembers),
    'DELETE /v1/groups/{id}/members/{userId}': on(removeGroupMemberRequest, removeGroupMember),
    'DELETE /v1/groups/{id}': on(dismissGroupRequest, dismissGroupAs),
  },
  createContext(),
);
