// The stream of the message store, told to the operator's endpoint or event bus: from the first that was not taken, Lambda
// gives it again.
import type { DynamoDBBatchResponse, DynamoDBStreamEvent } from 'aws-lambda';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { tellStored, type Listener } from '../core/after-send.ts';
import type { Context } from '../core/context.ts';
import { keyOf, type SlotKey } from '../core/timeline.ts';
import { createContextWithoutConnections } from './context.ts';
import { optional, required } from './environment.ts';
import { createEventBus } from './event-bus.ts';
import { describeError } from './log.ts';
import { createSecrets } from './secrets.ts';
import { createStoredWebhook } from './stored-webhook.ts';

export function afterSendStream(
  ctx: Context = createContextWithoutConnections(),
  listener: Listener = createListener(ctx.now),
): (event: DynamoDBStreamEvent) => Promise<DynamoDBBatchResponse> {
  return async ({ Records: records }) => {
    const stored = records.map(({ dynamodb }) => ({
      key: unmarshall(dynamodb!.Keys as Record<string, AttributeValue>) as SlotKey,
      sequenceNumber: dynamodb!.SequenceNumber!,
    }));
    const keys = stored.map(({ key }) => key);
    const untold = await tellStored(ctx, listener, keys);
    if (!untold) return { batchItemFailures: [] };
    const [{ conversationId, seq }] = untold.keys as [SlotKey];
    const { length: count } = untold.keys;
    ctx.log.warn('afterSend failed', { conversationId, seq, count, ...describeError(untold.cause) });
    const missing = new Set(untold.keys.map(keyOf));
    // Of several Lambda goes by the first in the stream's order.
    const first = stored.find(({ key }) => missing.has(keyOf(key)))!;
    return { batchItemFailures: [{ itemIdentifier: first.sequenceNumber }] };
  };
}

function createListener(now: () => number): Listener {
  const bus = optional('AFTER_SEND_BUS');
  if (bus) return createEventBus(bus);
  const secrets = createSecrets();
  const arn = required('AFTER_SEND_SECRET_ARN');
  return createStoredWebhook({ url: required('AFTER_SEND_URL'), secret: () => secrets.read(arn), now });
}
