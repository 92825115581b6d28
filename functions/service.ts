// The service API: what the app's own backend asks for over HTTPS.
import { randomBytes } from 'node:crypto';
import { kickUser } from '../src/core/service/kick.ts';
import { sendMessages } from '../src/core/service/messages.ts';
import { createUsers, describeUser } from '../src/core/service/users.ts';
import {
  createUsersRequest,
  kickRequest,
  sendMessagesRequest,
  userRequest,
} from '../src/protocol/service-requests.ts';
import { createContext } from '../src/runtime/context.ts';
import { httpRoute, on } from '../src/runtime/http-route.ts';

const newId = () => randomBytes(16).toString('base64url');

export const handler = httpRoute(
  {
    'POST /v1/messages': on(sendMessagesRequest, sendMessages),
    'POST /v1/users': on(createUsersRequest, (ctx, request) => createUsers({ ...ctx, newId }, request)),
    'GET /v1/users/{userId}': on(userRequest, describeUser),
    'POST /v1/users/{userId}/kick': on(kickRequest, kickUser),
  },
  createContext(),
);
