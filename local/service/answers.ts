// What an HTTP API answers itself, in its words.
import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';

/** What the gateway answers instead of a function; `reason` is for the log alone. */
export class GatewayError extends Error {
  readonly status: number;
  readonly reason: string;

  constructor(status: number, message: string, reason: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

/** Of a signature, or a policy: which of them, and why, an HTTP API does not tell. */
export const forbidden = (reason: string) => new GatewayError(403, 'Forbidden', reason);

export function writeError(response: ServerResponse, { status, message }: GatewayError): void {
  const content = JSON.stringify({ message });
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(content),
    'apigw-requestid': randomUUID(),
  });
  response.end(content);
}
