// Hands notifications to a service of the operator's: a signed POST to a URL.
import { setTimeout as delay } from 'node:timers/promises';
import type { Notification, PushProvider } from '../../core/notifications/notification.ts';
import { signBody } from '../sign-body.ts';
import { NotificationRefused } from './bulkhead.ts';

export interface WebhookOptions {
  readonly url: string;
  readonly secret: () => Promise<string>;
  readonly now: () => number;
  /** Of one try. */
  readonly timeoutMs?: number;
}

type Delivery = 'sent' | 'gone';
type Outcome = { readonly delivery: Delivery } | { readonly error: Error; readonly isFinal: boolean };

/** With a try's timeout this keeps a call under eight seconds. */
const MAX_ATTEMPTS = 3;
const TIMEOUT_MS = 2_300;
const BACK_OFF = { baseMs: 100, maxMs: 400 };
const MAX_ANSWER_BYTES = 4_096;
const GONE = 410;
/** Refusals that may be none the next time. */
const TRANSIENT_REFUSALS: ReadonlySet<number> = new Set([408, 429]);

export function createWebhook(options: WebhookOptions): PushProvider {
  const { url, secret, now, timeoutMs = TIMEOUT_MS } = options;
  return {
    async send(notification) {
      const body = JSON.stringify(payloadOf(notification));
      for (let attempt = 1; ; attempt += 1) {
        const signature = signBody(await secret(), body, Math.floor(now() / 1000));
        const outcome = await tryOnce(url, body, signature, timeoutMs);
        if ('delivery' in outcome) return outcome.delivery;
        if (outcome.isFinal || attempt === MAX_ATTEMPTS) throw outcome.error;
        await delay(Math.random() * Math.min(BACK_OFF.maxMs, BACK_OFF.baseMs * 2 ** attempt));
      }
    },
  };
}

/** Field by field: what a notification gains does not leave the house unasked. */
function payloadOf(notification: Notification): Notification {
  const { userId, deviceId, platform, pushToken, conversationId, seq } = notification;
  const { from, fromName, title, preview, count, badge, collapseId, notificationId } = notification;
  return {
    userId,
    deviceId,
    platform,
    pushToken,
    conversationId,
    seq,
    from,
    ...(fromName !== undefined && { fromName }),
    title,
    preview,
    count,
    ...(badge !== undefined && { badge }),
    collapseId,
    notificationId,
  };
}

async function tryOnce(url: string, body: string, signature: string, timeoutMs: number): Promise<Outcome> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-im-signature': signature },
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    return await outcomeOf(response);
  } catch (cause) {
    return { error: new Error('The webhook did not answer', { cause }), isFinal: false };
  }
}

async function outcomeOf(response: Response): Promise<Outcome> {
  const { status } = response;
  if (response.ok) return { delivery: saysGone(await readStart(response)) ? 'gone' : 'sent' };
  // Unread answers would keep their connections.
  await response.body?.cancel();
  if (status === GONE) return { delivery: 'gone' };
  const isFinal = status < 500 && !TRANSIENT_REFUSALS.has(status);
  const Problem = isFinal ? NotificationRefused : Error;
  return { error: new Problem(`The webhook answered ${status}`), isFinal };
}

async function readStart(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    sizeBytes += chunk.byteLength;
    if (sizeBytes > MAX_ANSWER_BYTES) break;
  }
  return Buffer.concat(chunks).subarray(0, MAX_ANSWER_BYTES).toString();
}

function saysGone(text: string): boolean {
  try {
    const answer = JSON.parse(text) as { gone?: unknown } | null;
    return answer?.gone === true;
  } catch {
    return false;
  }
}
