// The gateway's connections, through its management API.
import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  GoneException,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import type { Connections, Log } from '../core/context.ts';
import { requestHandler } from './clients.ts';
import { connectionsUrl } from './environment.ts';
import { describeError } from './log.ts';

/** The SDK retries 429 and 5xx with jitter; after that the push is left, for the client sees the gap. */
const MAX_ATTEMPTS = 3;
/** A slow device must not keep a batch waiting: the next batch of the shard waits for it. */
const REQUEST_TIMEOUT_MS = 1_000;

/** The client is made on first use: most functions need it only to end a connection whose token has expired. */
export function createConnections(log: Log): Connections {
  let made: ApiGatewayManagementApiClient | undefined;
  const client = () =>
    (made ??= new ApiGatewayManagementApiClient({
      endpoint: connectionsUrl(),
      maxAttempts: MAX_ATTEMPTS,
      requestHandler: requestHandler(REQUEST_TIMEOUT_MS),
    }));
  return {
    async post(connectionId, frame) {
      try {
        await client().send(
          new PostToConnectionCommand({ ConnectionId: connectionId, Data: JSON.stringify(frame) }),
        );
        return 'accepted';
      } catch (error) {
        if (error instanceof GoneException) return 'gone';
        log.warn('push failed', { connectionId, ...describeError(error) });
        return 'failed';
      }
    },
    async close(connectionId) {
      try {
        await client().send(new DeleteConnectionCommand({ ConnectionId: connectionId }));
      } catch (error) {
        if (error instanceof GoneException) return;
        log.warn('close failed', { connectionId, ...describeError(error) });
      }
    },
  };
}
