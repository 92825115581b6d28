// Exports in their queue; and what takes them from there.
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { exportFurther } from '../core/exports/carry-out.ts';
import type { Exports, ExportTask } from '../core/exports/export.ts';
import { createContextWithoutConnections } from './context.ts';
import { createObjectStore } from './object-store.ts';
import { createQueue } from './queues.ts';
import { workQueue } from './work-queue.ts';

export function createExports(): Exports['exports'] {
  const queue = createQueue('EXPORTS_QUEUE_URL');
  return { send: (task) => queue.send([{ body: JSON.stringify(task) }]) };
}

export function exportQueue(): (event: SQSEvent) => Promise<SQSBatchResponse> {
  const ctx = createContextWithoutConnections({ objects: createObjectStore() });
  const exports = createExports();
  return workQueue<ExportTask>(ctx.log, {
    work: (task) => exportFurther(ctx, task),
    goOn: (task) => exports.send(task),
  });
}
