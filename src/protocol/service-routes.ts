// Every request of the service API by its route key, with the schema of what it takes.
import {
  addGroupMembersRequest,
  banRequest,
  broadcastRequest,
  createBroadcastRequest,
  createGroupRequest,
  createUsersRequest,
  dismissGroupRequest,
  importRequest,
  kickRequest,
  removeGroupMemberRequest,
  sendMessagesRequest,
  userRequest,
} from './service-requests.ts';

/** `METHOD /path/{parameter}`, as API Gateway names its routes. Parameters of the path are fields of the request. */
export const serviceRoutes = {
  'POST /v1/messages': sendMessagesRequest,
  'POST /v1/import': importRequest,
  'POST /v1/users': createUsersRequest,
  'GET /v1/users/{userId}': userRequest,
  'POST /v1/users/{userId}/kick': kickRequest,
  'POST /v1/users/{userId}/ban': banRequest,
  'POST /v1/users/{userId}/revoke': userRequest,
  'DELETE /v1/users/{userId}': userRequest,
  'GET /v1/users/{userId}/export': userRequest,
  'POST /v1/groups': createGroupRequest,
  'POST /v1/groups/{id}/members': addGroupMembersRequest,
  'DELETE /v1/groups/{id}/members/{userId}': removeGroupMemberRequest,
  'DELETE /v1/groups/{id}': dismissGroupRequest,
  'POST /v1/broadcasts': createBroadcastRequest,
  'GET /v1/broadcasts/{id}': broadcastRequest,
  'DELETE /v1/broadcasts/{id}': broadcastRequest,
} as const;

export type ServiceRoute = keyof typeof serviceRoutes;
