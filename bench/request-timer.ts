// How long requests to the engine take, as the local cloud's own client sees them; functions are in threads of their
// own and speak to the front, so nothing is counted twice.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';

export type RequestKind = 'read' | 'write' | 'stream';

export interface Timing {
  readonly requests: number;
  readonly meanMs: number;
}

const kinds: Readonly<Record<string, RequestKind>> = {
  GetItem: 'read',
  BatchGetItem: 'read',
  Query: 'read',
  PutItem: 'write',
  UpdateItem: 'write',
  DeleteItem: 'write',
  BatchWriteItem: 'write',
  TransactWriteItems: 'write',
  GetRecords: 'stream',
};

export class RequestTimer {
  private readonly startedAt = new WeakMap<ClientRequest, number>();
  private sums = noSums();

  constructor() {
    subscribe('http.client.request.start', this.started);
    subscribe('http.client.response.finish', this.answered);
  }

  /** Since the last look. */
  take(): Readonly<Record<RequestKind, Timing>> {
    const { read, write, stream } = this.sums;
    this.sums = noSums();
    return { read: timingOf(read), write: timingOf(write), stream: timingOf(stream) };
  }

  close(): void {
    unsubscribe('http.client.request.start', this.started);
    unsubscribe('http.client.response.finish', this.answered);
  }

  private readonly started = (message: unknown): void => {
    this.startedAt.set((message as { request: ClientRequest }).request, performance.now());
  };

  private readonly answered = (message: unknown): void => {
    const { request } = message as { request: ClientRequest };
    const operation = /\.(\w+)$/.exec(String(request.getHeader('x-amz-target')))?.[1];
    const kind = kinds[operation ?? ''];
    const startedAt = this.startedAt.get(request);
    if (kind === undefined || startedAt === undefined) return;
    this.sums[kind].requests += 1;
    this.sums[kind].totalMs += performance.now() - startedAt;
  };
}

interface Sum {
  requests: number;
  totalMs: number;
}

function noSums(): Record<RequestKind, Sum> {
  const none = (): Sum => ({ requests: 0, totalMs: 0 });
  return { read: none(), write: none(), stream: none() };
}

function timingOf({ requests, totalMs }: Sum): Timing {
  return { requests, meanMs: requests === 0 ? 0 : totalMs / requests };
}
