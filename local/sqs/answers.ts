// Answers in the form of SQS's own: JSON 1.0, and errors also by the code that they have in its older protocol.
import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly body: object;
  /** `AWS.SimpleQueueService.NonExistentQueue` */
  readonly code?: string;
}

/** Of SQS itself. */
export function refusal(name: string, message: string, code = name): Answer {
  return { status: 400, code, body: { __type: `com.amazonaws.sqs#${name}`, message } };
}

/** Of what all AWS services have in common. */
export function commonRefusal(name: string, message: string, status = 400): Answer {
  return { status, body: { __type: `com.amazon.coral.service#${name}`, message } };
}

export function write(response: ServerResponse, { status, body, code }: Answer): void {
  const content = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/x-amz-json-1.0',
    'content-length': Buffer.byteLength(content),
    'x-amzn-requestid': randomUUID(),
    ...(code !== undefined && { 'x-amzn-query-error': `${code};Sender` }),
  });
  response.end(content);
}
