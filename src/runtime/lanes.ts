// Lanes of broadcasts in their queue; and what takes them from there.
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import type { Lanes, LaneTask } from '../core/broadcasts/broadcast.ts';
import { runLane } from '../core/broadcasts/lane.ts';
import { createContextWithoutConnections } from './context.ts';
import { describeError } from './log.ts';
import { createQueue } from './queues.ts';

export function createLanes(): Lanes['lanes'] {
  const queue = createQueue('BROADCAST_LANES_QUEUE_URL');
  return {
    send: (tasks) => queue.send(tasks.map((task) => ({ body: JSON.stringify(task) }))),
  };
}

/** Runs a lane for a while, and has the next invocation go on. One that failed comes again, and goes on from its last step. */
export function laneQueue(): (event: SQSEvent) => Promise<SQSBatchResponse> {
  const ctx = createContextWithoutConnections();
  const lanes = createLanes();
  return async ({ Records: records }) => {
    const outcomes = await Promise.all(
      records.map(async ({ messageId, body }) => {
        try {
          const task = JSON.parse(body) as LaneTask;
          if (await runLane(ctx, task)) await lanes.send([task]);
          return [];
        } catch (error) {
          ctx.log.error('lane failed', { messageId, ...describeError(error) });
          return [{ itemIdentifier: messageId }];
        }
      }),
    );
    return { batchItemFailures: outcomes.flat() };
  };
}
