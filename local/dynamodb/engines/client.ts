// The wire to a DynamoDB engine: JSON 1.0 over HTTP with kept-alive connections.
import http from 'node:http';

export interface EngineAnswer {
  readonly status: number;
  readonly body: string;
}

/** What the engine refused: `name` is DynamoDB's, e.g. `ResourceNotFoundException`. */
export class EngineError extends Error {
  constructor(operation: string, answer: EngineAnswer) {
    const { __type, message, Message } = JSON.parse(answer.body || '{}') as Record<
      string,
      string | undefined
    >;
    super(`${operation}: ${message ?? Message ?? `status ${answer.status}`}`);
    this.name = __type?.split('#').at(-1) ?? 'UnknownError';
  }
}

/** Engines want a signature of the right form and do not check it; one key for all, as one key sees one database. */
const signature = {
  authorization:
    'AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=local',
  'x-amz-date': '20260101T000000Z',
};

/** More than fan-out's 64 requests in flight: the engine queues, not we. */
const maximumSockets = 128;
/** Below the idle time of every engine: it is we who close, so no request meets a closing socket. */
const idleTimeoutMs = 10_000;

export class EngineClient {
  private readonly agent = new http.Agent({
    keepAlive: true,
    maxSockets: maximumSockets,
    timeout: idleTimeoutMs,
  });
  private readonly url: URL;

  constructor(endpoint: string) {
    this.url = new URL(endpoint);
  }

  /** `operation` is e.g. `PutItem`, or a stream's `GetRecords`. @throws EngineError */
  async call<Result>(operation: string, input: object): Promise<Result> {
    const answer = await this.forward(targetOf(operation), JSON.stringify(input));
    if (answer.status !== 200) throw new EngineError(operation, answer);
    return JSON.parse(answer.body) as Result;
  }

  /** Sends a request as it is. */
  forward(target: string, body: string): Promise<EngineAnswer> {
    const headers = {
      ...signature,
      'content-type': 'application/x-amz-json-1.0',
      'content-length': Buffer.byteLength(body),
      'x-amz-target': target,
    };
    return new Promise((resolve, reject) => {
      const request = http.request(this.url, { method: 'POST', agent: this.agent, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 500, body: Buffer.concat(chunks).toString() }),
        );
      });
      request.on('error', reject);
      request.end(body);
    });
  }

  close(): void {
    this.agent.destroy();
  }
}

const streamOperations = new Set(['DescribeStream', 'GetRecords', 'GetShardIterator', 'ListStreams']);

function targetOf(operation: string): string {
  return streamOperations.has(operation)
    ? `DynamoDBStreams_20120810.${operation}`
    : `DynamoDB_20120810.${operation}`;
}
