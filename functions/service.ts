// The service API's messages: what the app's own backend sends, as any user.
import { sendMessages } from '../src/core/service/messages.ts';
import { sendMessagesRequest } from '../src/protocol/service-requests.ts';
import { createContext } from '../src/runtime/context.ts';
import { httpRoute, on } from '../src/runtime/http-route.ts';

export const handler = httpRoute(
  {
    'POST /v1/messages': on(sendMessagesRequest, sendMessages),
  },
  createContext(),
);
