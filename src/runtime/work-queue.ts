// Long work in a queue: an invocation does some of it, and puts what is left back for the next one.
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import type { Log } from '../core/context.ts';
import { describeError } from './log.ts';

export interface Work<Task> {
  /** @returns whether there is more to do. */
  readonly work: (task: Task) => Promise<boolean>;
  readonly goOn: (task: Task) => Promise<void>;
}

/** Each by itself. What failed comes again, and goes on from where it was. */
export function workQueue<Task>(
  log: Log,
  { work, goOn }: Work<Task>,
): (event: SQSEvent) => Promise<SQSBatchResponse> {
  return async ({ Records: records }) => {
    const outcomes = await Promise.all(
      records.map(async ({ messageId, body }) => {
        try {
          const task = JSON.parse(body) as Task;
          if (await work(task)) await goOn(task);
          return [];
        } catch (error) {
          log.error('work failed', { messageId, ...describeError(error) });
          return [{ itemIdentifier: messageId }];
        }
      }),
    );
    return { batchItemFailures: outcomes.flat() };
  };
}
