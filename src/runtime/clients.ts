// AWS clients, made once for an execution environment. SDK connections are kept alive between invocations.
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { optional } from './environment.ts';

/** So many requests are in flight to one service at most; the others wait for a socket. */
const MAX_SOCKETS = 64;

/** How long one try may take; a try that hangs is worth less than the next one. */
export function requestHandler(requestTimeoutMs: number) {
  return {
    httpAgent: new HttpAgent({ keepAlive: true, maxSockets: MAX_SOCKETS }),
    httpsAgent: new HttpsAgent({ keepAlive: true, maxSockets: MAX_SOCKETS }),
    connectionTimeout: 1_000,
    requestTimeout: requestTimeoutMs,
    // Without it the time-out only writes a warning, and the request goes on.
    throwOnRequestTimeout: true,
  };
}

export function createDynamoDb(): DynamoDBClient {
  const endpoint = optional('AWS_ENDPOINT_URL_DYNAMODB');
  return new DynamoDBClient({
    ...(endpoint && { endpoint }),
    maxAttempts: 4,
    requestHandler: requestHandler(3_000),
  });
}
