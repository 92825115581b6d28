// New messages from the stream of the message store, and which of them could not be delivered.
import type { Context as Invocation, DynamoDBBatchResponse, DynamoDBStreamEvent } from 'aws-lambda';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { Context } from '../core/context.ts';
import { fanOut } from '../core/fan-out.ts';
import { traceAttribute } from '../core/tables.ts';
import { NOBODY, toSlot } from '../core/timeline.ts';
import type { Message } from '../protocol/messages.ts';
import { isVoid } from '../protocol/slots.ts';
import { createContext } from './context.ts';
import { countDeliveries } from './delivery-counts.ts';
import { describeError } from './log.ts';
import { emit } from './metrics.ts';
import { createNotes } from './notes.ts';
import { createObjectStore } from './object-store.ts';
import { createTasks } from './tasks.ts';

/** What a message is found by: the request that stored it, where one did. */
interface Trace {
  readonly requestId: string | undefined;
  readonly conversationId: string;
  readonly seq: number;
}

export function messageStream(
  ctx: Context = createContext({
    tasks: createTasks(),
    notes: createNotes(),
    objects: createObjectStore(),
  }),
): (
  event: DynamoDBStreamEvent,
  invocation: Pick<Invocation, 'awsRequestId'>,
) => Promise<DynamoDBBatchResponse> {
  return async (event, { awsRequestId }) => {
    const sequenceNumbers = new Map<Message, string>();
    const traces: Trace[] = [];
    for (const { dynamodb } of event.Records) {
      const item = unmarshall(dynamodb!.NewImage as Record<string, AttributeValue>);
      // As it was put: nobody had reacted to it.
      const slot = toSlot(item, NOBODY);
      if (isVoid(slot)) continue;
      sequenceNumbers.set(slot, dynamodb!.SequenceNumber!);
      const { conversationId, seq } = slot;
      traces.push({ requestId: item[traceAttribute] as string | undefined, conversationId, seq });
    }
    const { counted, counts } = countDeliveries(ctx);
    const { failures, recipients } = await fanOut(counted, [...sequenceNumbers.keys()]);
    for (const { message, cause } of failures) {
      const { conversationId, seq } = message;
      ctx.log.error('delivery failed', { conversationId, seq, ...describeError(cause) });
    }
    const failed = new Set(failures.map(({ message }) => sequenceNumbers.get(message)!));
    // As many messages as a batch holds (lib/fan-out.ts).
    ctx.log.info('fanned out', {
      invocation: awsRequestId,
      messages: traces,
      recipients,
      ...counts,
      undelivered: failed.size,
    });
    const now = ctx.now();
    emit(now, {
      BatchSize: event.Records.length,
      Messages: sequenceNumbers.size - failed.size,
      // Since they were numbered: a record of the stream knows its own time to the second alone.
      StoredToPushedMs: [...sequenceNumbers]
        .filter(([, sequenceNumber]) => !failed.has(sequenceNumber))
        .map(([{ serverTime }]) => Math.max(0, now - serverTime)),
    });
    return { batchItemFailures: [...failed].map((itemIdentifier) => ({ itemIdentifier })) };
  };
}
