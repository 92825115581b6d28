// The service API: what the app's own backend asks for over HTTPS.
import { randomBytes } from 'node:crypto';
import { sendMessages } from '../src/core/service/messages.ts';
import { createUsers, describeUser } from '../src/core/service/users.ts';
import { createUsersRequest, sendMessagesRequest, userRequest } from '../src/protocol/service-requests.ts';
import { createContextWithoutConnections } from '../src/runtime/context.ts';
import { httpRoute, on } from '../src/runtime/http-route.ts';

const newId = () => randomBytes(16).toString('base64url');

export const handler = httpRoute(
  {
    'POST /v1/messages': on(sendMessagesRequest, sendMessages),
    'POST /v1/users': on(createUsersRequest, (ctx, request) => createUsers({ ...ctx, newId }, request)),
    'GET /v1/users/{userId}': on(userRequest, describeUser),
  },
  createContextWithoutConnections(),
);
