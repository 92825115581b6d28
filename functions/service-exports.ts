// The service API's exports: begun, and given out.
import { exportUser } from '../src/core/exports/export.ts';
import { userRequest } from '../src/protocol/service-requests.ts';
import { createContextWithoutConnections } from '../src/runtime/context.ts';
import { createExports } from '../src/runtime/exports.ts';
import { httpRoute, on } from '../src/runtime/http-route.ts';
import { createObjectStore } from '../src/runtime/object-store.ts';

const exports = createExports();

export const handler = httpRoute(
  {
    'GET /v1/users/{userId}/export': on(userRequest, (ctx, request) =>
      exportUser({ ...ctx, exports }, request),
    ),
  },
  createContextWithoutConnections({ objects: createObjectStore() }),
);
