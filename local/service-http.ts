// What the services that functions call have in common: a server on the loopback, bodies, and no web pages.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isLoopbackHost } from './loopback.ts';

export interface ServiceServer {
  readonly url: string;
  /** Connections break; whoever closes twice waits for the same end. */
  close(): Promise<void>;
}

/** Above the SDK's idle time: it is the client that closes, so no request meets a closing socket. */
const keepAliveMs = 120_000;

export async function startServiceServer(listener: RequestListener): Promise<ServiceServer> {
  const server = createServer({ keepAliveTimeout: keepAliveMs }, listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
  let closing: Promise<void> | undefined;
  return { url: `http://127.0.0.1:${port}`, close: () => (closing ??= close()) };
}

/** Functions send no `Origin` and name the loopback; a web page does the one or, rebinding its name, not the other. */
export function isOfPage({ headers }: IncomingMessage): boolean {
  return headers.origin !== undefined || !isLoopbackHost(headers.host);
}

/** @returns nothing when it is too large; it was read all the same, so that the connection can be used again. */
export async function readBody(request: IncomingMessage, maximumBytes: number): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes <= maximumBytes) chunks.push(chunk);
  }
  return sizeBytes <= maximumBytes ? Buffer.concat(chunks).toString() : undefined;
}

export function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
