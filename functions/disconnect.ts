// Forgets a connection that has ended. Best effort on AWS: what it misses, a push finds gone.
import { forgetConnection } from '../src/core/connections.ts';
import { callerOf, type WebSocketEvent } from '../src/runtime/caller.ts';
import { createContext } from '../src/runtime/context.ts';

const ctx = createContext();

export async function handler(event: WebSocketEvent) {
  await forgetConnection(ctx, callerOf(event));
  return { statusCode: 200 };
}
