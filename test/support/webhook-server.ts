// The endpoint of an app's backend: keeps what it is told, verifies who told it, and answers as the test says.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Notification } from '../../src/core/notifications/notification.ts';

export interface Received {
  readonly notification: Notification;
  readonly signature: string;
  readonly body: string;
}

export interface WebhookServer {
  readonly url: string;
  readonly received: readonly Received[];
  /** What the next requests are answered, one after the other; then 204. `undefined`: nothing at all. */
  answer(...answers: ({ status: number; body?: string; location?: string } | undefined)[]): void;
  /** Waits until so many have come. */
  until(count: number): Promise<readonly Received[]>;
  close(): Promise<void>;
}

/** How long a test waits for what must come; only ever used up by a test that fails. */
const PATIENCE_MS = 30_000;

export async function startWebhookServer(): Promise<WebhookServer> {
  const received: Received[] = [];
  const answers: Parameters<WebhookServer['answer']> = [];
  const watchers = new Set<() => void>();
  const take = async (request: IncomingMessage, response: ServerResponse) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const signature = String(request.headers['x-im-signature']);
    received.push({ notification: JSON.parse(body) as Notification, signature, body });
    for (const watcher of watchers) watcher();
    const given = answers.length > 0 ? answers.shift() : { status: 204 };
    if (!given) return;
    response.writeHead(given.status, given.location === undefined ? {} : { location: given.location });
    response.end(given.body);
  };
  const server = createServer((request, response) => void take(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/notify`,
    received,
    answer: (...more) => void answers.push(...more),
    async until(count) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve, reject) => {
        const check = () => received.length >= count && resolve();
        timer = setTimeout(
          () => reject(new Error(`${received.length} of ${count} notifications came`)),
          PATIENCE_MS,
        );
        watchers.add(check);
        check();
      }).finally(() => clearTimeout(timer));
      return received;
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** As docs/notifications.md tells whoever receives one. */
export function isSigned({ body, signature }: Received, secret: string): boolean {
  const [, seconds, given] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(signature) ?? [];
  if (seconds === undefined || given === undefined) return false;
  const expected = createHmac('sha256', secret).update(`${seconds}.${body}`).digest();
  return timingSafeEqual(Buffer.from(given, 'hex'), expected);
}
