// What Lambda itself answers at a function URL, in its words.
import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';

/** What Lambda answers instead of the function. */
export class LambdaError extends Error {
  readonly status: number;
  readonly errorType: string;

  constructor(status: number, errorType: string, message: string) {
    super(message);
    this.status = status;
    this.errorType = errorType;
  }
}

export const forbidden = () => new LambdaError(403, 'AccessDeniedException', 'Forbidden');

export function writeError(response: ServerResponse, { status, errorType, message }: LambdaError): void {
  // AccessDenied is spelt otherwise than the rest.
  const content = JSON.stringify(errorType === 'AccessDeniedException' ? { Message: message } : { message });
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(content),
    'x-amzn-errortype': errorType,
    'x-amzn-requestid': randomUUID(),
  });
  response.end(content);
}
