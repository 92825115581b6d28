// Notes of work for large groups, in their queue; and what takes them from there.
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import type { Context } from '../core/context.ts';
import { carryOut } from '../core/groups/carry-out.ts';
import type { Task, Tasks } from '../core/groups/task.ts';
import { createContext } from './context.ts';
import { describeError } from './log.ts';
import { createNotes } from './notes.ts';
import { createQueue } from './queues.ts';

const QUEUE_VARIABLE = 'GROUP_TASKS_QUEUE_URL';

export function createTasks(): Tasks {
  const queue = createQueue(QUEUE_VARIABLE);
  return {
    async send(tasks, delayMs = 0) {
      const delaySeconds = Math.ceil(delayMs / 1_000);
      await queue.send(tasks.map((task) => ({ body: JSON.stringify(task), delaySeconds })));
    },
  };
}

/** Carries out each by itself; those that failed are tried again. */
export function taskQueue(
  ctx: Context = createContext({ tasks: createTasks(), notes: createNotes() }),
): (event: SQSEvent) => Promise<SQSBatchResponse> {
  return async ({ Records: records }) => {
    const outcomes = await Promise.all(
      records.map(async ({ messageId, body }) => {
        try {
          await carryOut(ctx, JSON.parse(body) as Task);
          return [];
        } catch (error) {
          ctx.log.error('task failed', { messageId, ...describeError(error) });
          return [{ itemIdentifier: messageId }];
        }
      }),
    );
    return { batchItemFailures: outcomes.flat() };
  };
}
