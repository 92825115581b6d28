// Notes of work for large groups, in their queue; and what takes them from there.
import type { Context as Invocation, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import type { Context } from '../core/context.ts';
import { carryOut } from '../core/groups/carry-out.ts';
import type { Task, Tasks } from '../core/groups/task.ts';
import { createContext } from './context.ts';
import { countDeliveries } from './delivery-counts.ts';
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
): (event: SQSEvent, invocation: Pick<Invocation, 'awsRequestId'>) => Promise<SQSBatchResponse> {
  return async ({ Records: records }, { awsRequestId }) => {
    const outcomes = await Promise.all(
      records.map(async ({ messageId, body }) => {
        try {
          const task = JSON.parse(body) as Task;
          const { counted, counts } = countDeliveries(ctx);
          await carryOut(counted, task);
          ctx.log.info('task done', { invocation: awsRequestId, ...withoutRange(task), ...counts });
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

/** What it is about: whose part it was is nobody's business but its own. */
function withoutRange(task: Task): object {
  const { kind, conversationId } = task;
  return { kind, conversationId, ...('seqs' in task && { seqs: task.seqs }) };
}
