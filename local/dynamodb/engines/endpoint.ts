// What every engine is to the rest of the cloud, and the engine that somebody else runs.
import http from 'node:http';

export interface Engine {
  readonly name: string;
  readonly endpoint: string;
  readonly quirks: EngineQuirks;
  close(): Promise<void>;
}

/** Where an engine's answers differ from DynamoDB's; measured, and corrected by those who read the answers. */
export interface EngineQuirks {
  /** DynamoDB charges a BatchGetItem for keys that have no item. */
  readonly missingKeysAreFree: boolean;
  /** How many times too high the units of a TransactWriteItems are. */
  readonly transactionWriteFactor: number;
  /** Stream timestamps are rounded down to this. */
  readonly streamTimestampStepMs: number;
}

export const dynoxideQuirks: EngineQuirks = {
  missingKeysAreFree: false,
  transactionWriteFactor: 1,
  streamTimestampStepMs: 1_000,
};

export const dynamoDbLocalQuirks: EngineQuirks = {
  missingKeysAreFree: true,
  transactionWriteFactor: 2,
  streamTimestampStepMs: 60_000,
};

/** An endpoint that is already there; closing it is not ours. */
export async function connectEndpoint(endpoint: string): Promise<Engine> {
  const server = await serverHeader(endpoint);
  const quirks = server.startsWith('Dynoxide') ? dynoxideQuirks : dynamoDbLocalQuirks;
  return { name: endpoint, endpoint, quirks, close: () => Promise.resolve() };
}

function serverHeader(endpoint: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get(endpoint, { agent: false }, (response) => {
      response.resume();
      resolve(String(response.headers['server'] ?? ''));
    });
    request.on('error', (cause) => reject(new Error(`No DynamoDB answers at ${endpoint}`, { cause })));
  });
}
