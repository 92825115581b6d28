// AWS clients, made once for an execution environment. SDK connections are kept alive between invocations.
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';

/** Fan-out has 64 requests in flight; the SDK's own default is 50 sockets. */
const MAX_SOCKETS = 128;

export const requestHandler = {
  httpAgent: new HttpAgent({ keepAlive: true, maxSockets: MAX_SOCKETS }),
  httpsAgent: new HttpsAgent({ keepAlive: true, maxSockets: MAX_SOCKETS }),
  connectionTimeout: 1_000,
  requestTimeout: 3_000,
};

export function createDynamoDb(): DynamoDBClient {
  return new DynamoDBClient({ maxAttempts: 4, requestHandler });
}
