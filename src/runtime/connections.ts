// The gateway's connections, through its management API.
import {
  ApiGatewayManagementApiClient,
  ApiGatewayManagementApiServiceException,
  DeleteConnectionCommand,
  GoneException,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import type { Connections, Log, Pushes } from '../core/context.ts';
import { PUSH_TIMEOUT_MS } from '../core/pushes.ts';
import type { Push, Refused } from '../protocol/server-frames.ts';
import { requestHandler } from './clients.ts';
import { connectionsUrl } from './environment.ts';
import { describeError } from './log.ts';

/** Of a post or close, which nobody else waits for: the SDK repeats after 429 and 5xx, with jitter. */
const POST = { maxAttempts: 3, timeoutMs: 1_000 };
/** Of a push: the batch waits for it, and the next batch of the shard for that one. Who misses it sees the gap. */
const PUSH = { maxAttempts: 1, timeoutMs: PUSH_TIMEOUT_MS };
/** What a batch waits for its pushes, once nothing else is left to do. */
const LAST_CALL_MS = 1_000;

/** Clients are made on first use: most functions need one only to end a connection whose token has expired. */
export function createConnections(log: Log): Connections {
  const posting = once(() => createClient(POST));
  const pushing = once(() => createClient(PUSH));
  return {
    async post(connectionId, frame) {
      try {
        await posting().send(toPost(connectionId, frame));
        return 'accepted';
      } catch (error) {
        if (error instanceof GoneException) return 'gone';
        log.warn('post failed', { connectionId, ...describeError(error) });
        return 'failed';
      }
    },
    startPushes: () => startPushes(pushing, log),
    async close(connectionId) {
      try {
        await posting().send(new DeleteConnectionCommand({ ConnectionId: connectionId }));
      } catch (error) {
        if (error instanceof GoneException) return;
        log.warn('close failed', { connectionId, ...describeError(error) });
      }
    },
  };
}

function startPushes(client: () => ApiGatewayManagementApiClient, log: Log): Pushes {
  const over = new AbortController();
  return {
    async push(connectionId, frame) {
      const timeout = AbortSignal.timeout(PUSH.timeoutMs);
      const abortSignal = AbortSignal.any([over.signal, timeout]);
      try {
        await client().send(toPost(connectionId, frame), { abortSignal });
        return 'accepted';
      } catch (error) {
        if (error instanceof GoneException) {
          log.info('connection gone', { connectionId });
          return 'gone';
        }
        log.warn('push failed', { connectionId, ...describeError(error) });
        if (over.signal.aborted) return 'failed';
        return timeout.aborted || isBusy(error) ? 'stalled' : 'failed';
      }
    },
    lastCall: () => void setTimeout(() => over.abort(), LAST_CALL_MS).unref(),
  };
}

function isBusy(error: unknown): boolean {
  if (!(error instanceof ApiGatewayManagementApiServiceException)) return false;
  const status = error.$metadata.httpStatusCode ?? 0;
  return status === 429 || status >= 500;
}

function toPost(connectionId: string, frame: Push | Refused): PostToConnectionCommand {
  return new PostToConnectionCommand({ ConnectionId: connectionId, Data: JSON.stringify(frame) });
}

function createClient({ maxAttempts, timeoutMs }: typeof POST): ApiGatewayManagementApiClient {
  return new ApiGatewayManagementApiClient({
    endpoint: connectionsUrl(),
    maxAttempts,
    requestHandler: requestHandler(timeoutMs),
  });
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}
