// Answers in the form of DynamoDB's own: JSON 1.0, errors by their names.
import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly body: string;
}

const commonErrors: ReadonlySet<string> = new Set([
  'AccessDeniedException',
  'MissingAuthenticationTokenException',
  'SerializationException',
  'UnknownOperationException',
  'UnrecognizedClientException',
]);

/** Errors of all AWS services carry one namespace, DynamoDB's own another. */
export function refusal(name: string, message: string, status = 400): Answer {
  const namespace = commonErrors.has(name) ? 'com.amazon.coral.service' : 'com.amazonaws.dynamodb.v20120810';
  return { status, body: JSON.stringify({ __type: `${namespace}#${name}`, message }) };
}

export function send(response: ServerResponse, { status, body }: Answer): void {
  response.writeHead(status, {
    'content-type': 'application/x-amz-json-1.0',
    'content-length': Buffer.byteLength(body),
    'x-amzn-requestid': randomUUID(),
  });
  response.end(body);
}
