// The service API's routes under the names that code calls them by: methods of the client, `operationId` of the OpenAPI document.
import type { ServiceRoute } from './service-routes.ts';

export const serviceOperations = {
  sendMessages: 'POST /v1/messages',
  importMessages: 'POST /v1/import',
  createUsers: 'POST /v1/users',
  user: 'GET /v1/users/{userId}',
  kick: 'POST /v1/users/{userId}/kick',
  ban: 'POST /v1/users/{userId}/ban',
  revoke: 'POST /v1/users/{userId}/revoke',
  eraseUser: 'DELETE /v1/users/{userId}',
  exportUser: 'GET /v1/users/{userId}/export',
  createGroup: 'POST /v1/groups',
  addGroupMembers: 'POST /v1/groups/{id}/members',
  removeGroupMember: 'DELETE /v1/groups/{id}/members/{userId}',
  dismissGroup: 'DELETE /v1/groups/{id}',
  createBroadcast: 'POST /v1/broadcasts',
  broadcast: 'GET /v1/broadcasts/{id}',
  stopBroadcast: 'DELETE /v1/broadcasts/{id}',
} as const satisfies Record<string, ServiceRoute>;

export type ServiceOperation = keyof typeof serviceOperations;
