// Tells an event bus what was stored, an event for each message. EventBridge's own client would be 20 KB and more.
import type { Listener } from '../core/after-send.ts';
import { hookLimits } from '../protocol/limits.ts';
import { required } from './environment.ts';
import { createSignedPost } from './signed-post.ts';

/** What one request of PutEvents may hold. */
const MAX_ENTRIES = 10;
/** Of 256 KB: what stands around a message is short, and escaping is not counted. */
const MAX_BYTES = 250_000;

export const EVENT_SOURCE = 'serverless-im';
export const EVENT_TYPE = 'message';

interface PutEventsAnswer {
  readonly FailedEntryCount?: number;
  readonly Entries?: readonly { readonly ErrorCode?: string; readonly ErrorMessage?: string }[];
}

/** `bus`: its name, or its ARN, which says where it is. */
export function createEventBus(bus: string): Listener {
  const region = bus.startsWith('arn:') ? bus.split(':')[3]! : required('AWS_REGION');
  const post = createSignedPost({
    service: 'events',
    region,
    url: `https://events.${region}.amazonaws.com`,
    endpointVariable: 'AWS_ENDPOINT_URL_EVENTBRIDGE',
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'AWSEvents.PutEvents' },
    timeoutMs: hookLimits.afterSendMs,
  });
  return {
    most: { messages: MAX_ENTRIES, bytes: MAX_BYTES },
    async tell(messages) {
      const entries = messages.map((message) => ({
        EventBusName: bus,
        Source: EVENT_SOURCE,
        DetailType: EVENT_TYPE,
        Time: Math.floor(message.serverTime / 1_000),
        Detail: JSON.stringify(message),
      }));
      const { status, body } = await post(JSON.stringify({ Entries: entries }));
      if (status !== 200) throw new Error(`EventBridge refused: ${status} ${body.slice(0, 500)}`);
      const { FailedEntryCount: failed = 0, Entries: results = [] } = JSON.parse(body) as PutEventsAnswer;
      if (failed === 0) return;
      const first = results.find(({ ErrorCode }) => ErrorCode !== undefined);
      // All come again, for those after it are to come after it.
      throw new Error(`EventBridge did not take ${failed} of ${entries.length}: ${JSON.stringify(first)}`);
    },
  };
}
