// New messages from the stream, to mailboxes and connected devices.
import type { DynamoDBBatchResponse, DynamoDBStreamEvent } from 'aws-lambda';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { fanOut } from '../src/core/fan-out.ts';
import { toSlot } from '../src/core/timeline.ts';
import type { Message } from '../src/protocol/messages.ts';
import { isVoid } from '../src/protocol/slots.ts';
import { createContext } from '../src/runtime/context.ts';
import { describeError, log } from '../src/runtime/log.ts';

const ctx = createContext();

export async function handler(event: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> {
  const sequenceNumbers = new Map<Message, string>();
  for (const { dynamodb } of event.Records) {
    const slot = toSlot(unmarshall(dynamodb!.NewImage as Record<string, AttributeValue>));
    if (!isVoid(slot)) sequenceNumbers.set(slot, dynamodb!.SequenceNumber!);
  }
  const failures = await fanOut(ctx, [...sequenceNumbers.keys()]);
  for (const { message, cause } of failures) {
    const { conversationId, seq } = message;
    log.error('delivery failed', { conversationId, seq, ...describeError(cause) });
  }
  const failed = new Set(failures.map(({ message }) => sequenceNumbers.get(message)!));
  return { batchItemFailures: [...failed].map((itemIdentifier) => ({ itemIdentifier })) };
}
