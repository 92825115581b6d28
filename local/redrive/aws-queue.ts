// A queue of failures or dead letters in SQS.
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { DeadLetter } from './dead-letters.ts';
import type { FailureQueue } from './redrive.ts';

export interface AwsMessage extends DeadLetter {
  readonly receiptHandle: string;
}

/** A run that takes longer meets messages again that it has kept; nothing is lost by that. */
const hiddenSeconds = 3_600;
/** Long polling asks all of the queue's servers: an answer without messages means that none is left. */
const waitSeconds = 2;
const messagesPerRequest = 10;
const maximumMessages = 10_000;

export async function openQueue(client: SQSClient, queueArn: string): Promise<FailureQueue<AwsMessage>> {
  const { QueueUrl } = await client.send(new GetQueueUrlCommand({ QueueName: queueArn.split(':').at(-1) }));
  /** Those that this run has put there itself. */
  const own = new Set<string | undefined>();
  const release = async ({ receiptHandle: ReceiptHandle }: Pick<AwsMessage, 'receiptHandle'>) => {
    const input = { QueueUrl, ReceiptHandle, VisibilityTimeout: 0 };
    await client.send(new ChangeMessageVisibilityCommand(input));
  };
  const remove = async ({ receiptHandle: ReceiptHandle }: AwsMessage) => {
    await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
  };
  return {
    async *messages() {
      const seen = new Set<string>();
      const mine: string[] = [];
      while (seen.size < maximumMessages) {
        const received = await receive(client, QueueUrl);
        if (received.length === 0) break;
        for (const message of received) {
          const known = seen.has(message.messageId);
          seen.add(message.messageId);
          if (own.has(message.messageId)) mine.push(message.receiptHandle);
          else if (!known) yield message;
        }
      }
      for (const receiptHandle of mine) await release({ receiptHandle });
    },
    remove,
    async replace(message, body) {
      const { MessageId } = await client.send(new SendMessageCommand({ QueueUrl, MessageBody: body }));
      own.add(MessageId);
      await remove(message);
    },
    release,
  };
}

async function receive(client: SQSClient, QueueUrl: string | undefined): Promise<AwsMessage[]> {
  const { Messages = [] } = await client.send(
    new ReceiveMessageCommand({
      QueueUrl,
      MaxNumberOfMessages: messagesPerRequest,
      WaitTimeSeconds: waitSeconds,
      VisibilityTimeout: hiddenSeconds,
      MessageSystemAttributeNames: ['DeadLetterQueueSourceArn'],
    }),
  );
  return Messages.map(({ MessageId, Body, ReceiptHandle, Attributes }) => ({
    messageId: MessageId!,
    body: Body ?? '',
    receiptHandle: ReceiptHandle!,
    sourceArn: Attributes?.DeadLetterQueueSourceArn,
  }));
}
