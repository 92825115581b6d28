// The service API's messages: what the app's own backend sends, as any user, and history of another system.
import { importMessages } from '../src/core/service/import.ts';
import { sendMessages } from '../src/core/service/messages.ts';
import { importRequest, sendMessagesRequest } from '../src/protocol/service-requests.ts';
import { createContext } from '../src/runtime/context.ts';
import { httpRoute, on } from '../src/runtime/http-route.ts';

export const handler = httpRoute(
  {
    'POST /v1/messages': on(sendMessagesRequest, sendMessages),
    'POST /v1/import': on(importRequest, importMessages),
  },
  createContext(),
);
