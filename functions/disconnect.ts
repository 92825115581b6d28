// Forgets a connection that has ended, and tells who watches. Best effort on AWS: what it misses, a push finds gone.
import { leave } from '../src/core/people/arrivals.ts';
import { callerOf, type WebSocketEvent } from '../src/runtime/caller.ts';
import { createContext } from '../src/runtime/context.ts';

const ctx = createContext();

export async function handler(event: WebSocketEvent) {
  await leave(ctx, callerOf(event));
  return { statusCode: 200 };
}
