// Lanes of broadcasts in their queue; and what takes them from there.
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import type { Lanes, LaneTask } from '../core/broadcasts/broadcast.ts';
import { runLane } from '../core/broadcasts/lane.ts';
import { createContextWithoutConnections } from './context.ts';
import { createQueue } from './queues.ts';
import { workQueue } from './work-queue.ts';

export function createLanes(): Lanes['lanes'] {
  const queue = createQueue('BROADCAST_LANES_QUEUE_URL');
  return {
    send: (tasks) => queue.send(tasks.map((task) => ({ body: JSON.stringify(task) }))),
  };
}

export function laneQueue(): (event: SQSEvent) => Promise<SQSBatchResponse> {
  const ctx = createContextWithoutConnections();
  const lanes = createLanes();
  return workQueue<LaneTask>(ctx.log, {
    work: (task) => runLane(ctx, task),
    goOn: (task) => lanes.send([task]),
  });
}
