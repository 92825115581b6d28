// A request that is worth trying again: always the same, so that a repeat does nothing more.
import { backoffMs, resendBackoff } from './backoff.ts';
import type { Request } from './connection/connection.ts';
import { toImError } from './errors.ts';
import type { Environment } from './environment.ts';
import type { Session } from './session.ts';

/** With their pauses enough for a connection that breaks and comes back. */
const MAX_TRIES = 5;

interface Parts {
  readonly session: Pick<Session, 'link'>;
  readonly environment: Environment;
}

/** Rejects with ImError. */
export function askPersistently({ session, environment }: Parts): Request {
  return async (action, fields) => {
    for (let attempt = 0; ; attempt++) {
      try {
        return await session.link.request(action, fields);
      } catch (error) {
        const { retryable, retryAfterMs = 0 } = toImError(error);
        if (!retryable || attempt + 1 >= MAX_TRIES || !session.link.isRunning) throw error;
        const delayMs = backoffMs(resendBackoff, attempt, environment.random());
        await new Promise<void>((resolve) => environment.setTimer(resolve, Math.max(delayMs, retryAfterMs)));
      }
    }
  };
}
