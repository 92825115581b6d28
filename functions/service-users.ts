// The service API's users: made known, looked at, and kept out.
import { randomBytes } from 'node:crypto';
import { banUser, revokeUser } from '../src/core/service/bars.ts';
import { kickUser } from '../src/core/service/kick.ts';
import { createUsers, describeUser } from '../src/core/service/users.ts';
import {
  banRequest,
  createUsersRequest,
  kickRequest,
  userRequest,
} from '../src/protocol/service-requests.ts';
import { createContext } from '../src/runtime/context.ts';
import { httpRoute, on } from '../src/runtime/http-route.ts';

const newId = () => randomBytes(16).toString('base64url');

export const handler = httpRoute(
  {
    'POST /v1/users': on(createUsersRequest, (ctx, request) => createUsers({ ...ctx, newId }, request)),
    'GET /v1/users/{userId}': on(userRequest, describeUser),
    'POST /v1/users/{userId}/kick': on(kickRequest, kickUser),
    'POST /v1/users/{userId}/ban': on(banRequest, banUser),
    'POST /v1/users/{userId}/revoke': on(userRequest, revokeUser),
  },
  createContext(),
);
