// Erasures in their queue; and what takes them from there.
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { eraseFurther } from '../core/erasure/carry-out.ts';
import type { Erasures, ErasureTask } from '../core/erasure/erasure.ts';
import { createContextWithoutConnections } from './context.ts';
import { createObjectStore } from './object-store.ts';
import { workQueue } from './work-queue.ts';
import { createQueue } from './queues.ts';

export function createErasures(): Erasures['erasures'] {
  const queue = createQueue('ERASURES_QUEUE_URL');
  return { send: (task) => queue.send([{ body: JSON.stringify(task) }]) };
}

export function erasureQueue(): (event: SQSEvent) => Promise<SQSBatchResponse> {
  const ctx = createContextWithoutConnections({ objects: createObjectStore() });
  const erasures = createErasures();
  return workQueue<ErasureTask>(ctx.log, {
    work: (task) => eraseFurther(ctx, task),
    goOn: (task) => erasures.send(task),
  });
}
