// Answers of the developer endpoints.
import type { IncomingMessage } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly content: string;
  /** Default: that of the developer page. */
  readonly contentSecurityPolicy?: string;
}

export type Endpoint = (url: URL, request: IncomingMessage) => Promise<Answer> | Answer;

export function ok(body: unknown): Answer {
  return json(200, body);
}

export function refusal(status: number, error: string): Answer {
  return json(status, { error });
}

function json(status: number, body: unknown): Answer {
  return { status, contentType: 'application/json', content: `${JSON.stringify(body)}\n` };
}
