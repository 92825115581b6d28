// A real HTTP server that answers what a test scripts, and keeps what it was asked.
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface ScriptedAnswer {
  readonly status: number;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Awaited before the answer. */
  readonly after?: Promise<unknown>;
}

export interface Asked {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Answers one after the other; the last one for ever. */
export async function startScriptedServer(...answers: [ScriptedAnswer, ...ScriptedAnswer[]]) {
  const asked: Asked[] = [];
  const answerNext = async (request: IncomingMessage, response: ServerResponse) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const answer = answers[Math.min(asked.length, answers.length - 1)]!;
    asked.push({ method: request.method, path: request.url, headers: request.headers, body });
    await answer.after;
    response.writeHead(answer.status, answer.headers).end(answer.body);
  };
  const server = createServer((request, response) => {
    void answerNext(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = () => {
    server.close();
    server.closeAllConnections();
  };
  onTestFinished(stop);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, stop };
}
