// The service API's broadcasts: begun, looked at and stopped.
import { createBroadcast, describeBroadcast, stopBroadcast } from '../src/core/broadcasts/broadcast.ts';
import { broadcastRequest, createBroadcastRequest } from '../src/protocol/service-requests.ts';
import { createContextWithoutConnections } from '../src/runtime/context.ts';
import { httpRoute, on } from '../src/runtime/http-route.ts';
import { createLanes } from '../src/runtime/lanes.ts';

const lanes = createLanes();

export const handler = httpRoute(
  {
    'POST /v1/broadcasts': on(
      createBroadcastRequest,
      (ctx, request) => createBroadcast({ ...ctx, lanes }, request),
      202,
    ),
    'GET /v1/broadcasts/{id}': on(broadcastRequest, describeBroadcast),
    'DELETE /v1/broadcasts/{id}': on(broadcastRequest, stopBroadcast),
  },
  createContextWithoutConnections(),
);
