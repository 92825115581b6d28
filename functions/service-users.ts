// The service API's users: made known, looked at, kept out, and erased.
import { randomBytes } from 'node:crypto';
import { eraseUser } from '../src/core/erasure/erasure.ts';
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
import { createErasures } from '../src/runtime/erasures.ts';
import { httpRoute, on } from '../src/runtime/http-route.ts';

const erasures = createErasures();
const newId = () => randomBytes(16).toString('base64url');

export const handler = httpRoute(
  {
    'POST /v1/users': on(createUsersRequest, (ctx, request) => createUsers({ ...ctx, newId }, request)),
    'GET /v1/users/{userId}': on(userRequest, describeUser),
    'POST /v1/users/{userId}/kick': on(kickRequest, kickUser),
    'POST /v1/users/{userId}/ban': on(banRequest, banUser),
    'POST /v1/users/{userId}/revoke': on(userRequest, revokeUser),
    'DELETE /v1/users/{userId}': on(
      userRequest,
      (ctx, request) => eraseUser({ ...ctx, erasures }, request),
      202,
    ),
  },
  createContext(),
);
