// Tells an endpoint of the operator's what was stored: signed POSTs, one after the other. Lambda is who tries again.
import { createHash } from 'node:crypto';
import type { Listener } from '../core/after-send.ts';
import { keyOf, type SlotKey } from '../core/timeline.ts';
import { hookLimits } from '../protocol/limits.ts';
import { signBody } from './sign-body.ts';

export interface StoredWebhookOptions {
  readonly url: string;
  readonly secret: () => Promise<string>;
  readonly now: () => number;
  readonly timeoutMs?: number;
}

export function createStoredWebhook(options: StoredWebhookOptions): Listener {
  const { url, secret, now, timeoutMs = hookLimits.afterSendMs } = options;
  return {
    most: { messages: hookLimits.afterSendMessages, bytes: hookLimits.afterSendBytes },
    async tell(messages) {
      const body = JSON.stringify({ messages });
      const signature = signBody(await secret(), body, Math.floor(now() / 1_000));
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-im-signature': signature,
          'x-im-delivery': deliveryId(messages),
        },
        body,
        redirect: 'manual',
        signal: AbortSignal.timeout(timeoutMs),
      });
      // Unread answers would keep their connections.
      await response.body?.cancel();
      if (!response.ok) throw new Error(`the endpoint answered ${response.status}`);
    },
  };
}

/** The same when the same messages are told again. */
function deliveryId(messages: readonly SlotKey[]): string {
  const ends = [messages[0]!, messages.at(-1)!].map(keyOf);
  return createHash('sha256').update(ends.join(' ')).digest('base64url').slice(0, 22);
}
