// Queues of the local cloud, as redriving sees them.
import type { CloudModel, QueueModel } from '../model.ts';
import type { QueueMessage, Queues } from '../sqs/queues.ts';
import type { DeadLetterParts } from './dead-letters.ts';
import type { FailureQueue } from './redrive.ts';

export type LocalQueues = Pick<Queues, 'messages' | 'delete' | 'replace' | 'send'>;

export interface LocalMessage extends QueueMessage {
  readonly queueName: string;
}

/** The destinations of what streams' mappings give up. */
export function failureQueue(model: CloudModel, queues: LocalQueues): FailureQueue<LocalMessage> {
  const destinations = destinationsOf(model);
  return queueOf(
    model.queues.filter(({ arn }) => destinations.has(arn)),
    queues,
  );
}

/** The queues that others give up to. */
export function deadLetterQueues(model: CloudModel, queues: LocalQueues): DeadLetterParts<LocalMessage>[] {
  const destinations = destinationsOf(model);
  return model.queues.flatMap((queue) => {
    const sourceArns = model.queues
      .filter(({ redrive }) => redrive?.deadLetterArn === queue.arn)
      .map(({ arn }) => arn);
    if (sourceArns.length === 0 || destinations.has(queue.arn)) return [];
    return {
      queue: queueOf([queue], queues),
      sourceArns,
      send: async (arn, body) => void (await queues.send(arn, body, { senderId: 'redrive' })),
    };
  });
}

function destinationsOf({ eventSources }: CloudModel): ReadonlySet<string | undefined> {
  return new Set(eventSources.map(({ onFailureArn }) => onFailureArn));
}

function queueOf(models: readonly QueueModel[], queues: LocalQueues): FailureQueue<LocalMessage> {
  return {
    async *messages() {
      for (const { name: queueName } of models) {
        for (const message of queues.messages(queueName)) yield { ...message, queueName };
      }
    },
    remove: ({ queueName, messageId }) => queues.delete(queueName, messageId),
    replace: ({ queueName, messageId }, body) => queues.replace(queueName, messageId, body),
    // Nobody else reads these queues: what is looked at is not hidden.
    release: () => Promise.resolve(),
  };
}
