// The queues that a load goes through: notes about devices that are away, and parts of what goes to large groups.
import { queueNames, type Demand, type FunctionName, type QueueName } from './demand.ts';
import { limits, stack } from './limits.ts';

export interface QueueNeed {
  readonly queue: QueueName;
  readonly messagesPerSecond: number;
  /** Batches of it that its function has at once, and the messages in them. */
  readonly batchesAtOnce: number;
  readonly inFlight: number;
}

/** Sent, received and deleted, each by itself: at most, for a request takes up to ten. */
export const REQUESTS_A_MESSAGE = 3;

/** Which function a queue invokes, and with how many messages at once. */
const consumers: Readonly<Record<QueueName, { readonly name: FunctionName; readonly batch: number }>> = {
  Notifications: { name: 'notify', batch: stack.notesABatch },
  GroupTasks: { name: 'group-tasks', batch: stack.tasksABatch },
};

export function queuesOf(
  { queues }: Demand,
  concurrencyOf: (name: FunctionName) => number,
): readonly QueueNeed[] {
  return queueNames.map((queue) => {
    const { name, batch } = consumers[queue];
    const batchesAtOnce = concurrencyOf(name);
    return { queue, messagesPerSecond: queues[queue], batchesAtOnce, inFlight: batchesAtOnce * batch };
  });
}

/** Those of the messages, and those of Lambda, which asks empty queues as well, of this stack's rarer work, too. */
export function queueRequestsPerSecond({ queues }: Demand): number {
  const messages = Object.values(queues).reduce((sum, one) => sum + one, 0);
  const polls = (stack.polledQueues * limits.queuePollers.value) / limits.queueWaitSeconds.value;
  return REQUESTS_A_MESSAGE * messages + polls;
}

/** From nothing: of a queue Lambda begins with some batches at once, and adds to them by the minute. */
export function secondsToScale(name: FunctionName, concurrency: number): number {
  const isQueued = Object.values(consumers).some((consumer) => consumer.name === name);
  if (!isQueued) return (concurrency / limits.lambdaScaling.value) * 10;
  return (Math.max(0, concurrency - limits.queuePollers.value) / limits.queueScaling.value) * 60;
}
