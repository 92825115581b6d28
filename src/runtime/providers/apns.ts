// Pushes to Apple's devices (APNs), identified by tokens that a key of the developer's signs.
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import * as v from 'valibot';
import type { Notification, PushProvider } from '../../core/notifications/notification.ts';
import { apnsCollapseId, apnsPayload } from './apns-payload.ts';
import { failureOf, NotificationRefused } from './bulkhead.ts';
import { createHttp2Client, type Http2Answer } from './http2-client.ts';
import { keepToken, type MadeToken } from './kept-token.ts';
import { readPrivateKey } from './private-key.ts';
import { readJson } from './read-json.ts';
import { signToken } from './signed-token.ts';

export interface ApnsOptions {
  /** JSON: `{"teamId","keyId","topic","privateKey":<the .p8 as PEM>,"sandbox"?:true}`. */
  readonly secret: () => Promise<string>;
  readonly now: () => number;
  /** Called in the place of Apple. */
  readonly origin?: string;
  /** Of one try. */
  readonly timeoutMs?: number;
}

type Outcome = { readonly delivery: 'sent' | 'gone' } | { readonly error: Error; readonly isFinal: boolean };

const PRODUCTION = 'https://api.push.apple.com';
const SANDBOX = 'https://api.sandbox.push.apple.com';
const TIMEOUT_MS = 3_000;
const MAX_ATTEMPTS = 2;
const MAX_BACK_OFF_MS = 400;
/** Apple refuses those of an hour, and senders that change theirs every few minutes. */
const TOKEN_MS = 50 * 60_000;
/** How long Apple keeps what it cannot deliver. */
const KEPT_SECONDS = 24 * 60 * 60;
const GONE_REASONS: ReadonlySet<string> = new Set(['BadDeviceToken', 'DeviceTokenNotForTopic']);
/** It stands in the path. Apple's have 32 bytes, and may grow. */
const DEVICE_TOKEN = /^([0-9a-f]{2}){32,100}$/i;

const Credentials = v.object({
  teamId: v.pipe(v.string(), v.nonEmpty()),
  keyId: v.pipe(v.string(), v.nonEmpty()),
  topic: v.pipe(v.string(), v.regex(/^[\w.-]+$/)),
  privateKey: v.string(),
  sandbox: v.optional(v.boolean(), false),
});
type Credentials = v.InferOutput<typeof Credentials>;
const Problem = v.object({ reason: v.pipe(v.string(), v.regex(/^\w+$/)) });

export function createApns({ secret, now, origin, timeoutMs = TIMEOUT_MS }: ApnsOptions): PushProvider {
  const client = createHttp2Client(timeoutMs);
  const token = keepToken((text) => makeToken(readCredentials(text), now()), now);

  const tryOnce = async (notification: Notification, body: string): Promise<Outcome> => {
    const text = await secret();
    const { topic, sandbox } = readCredentials(text);
    const providerToken = await token.get(text);
    let answer: Http2Answer;
    try {
      answer = await client.post({
        origin: origin ?? (sandbox ? SANDBOX : PRODUCTION),
        path: `/3/device/${notification.pushToken}`,
        headers: {
          authorization: `bearer ${providerToken}`,
          'apns-topic': topic,
          'apns-push-type': 'alert',
          'apns-priority': '10',
          'apns-expiration': String(Math.floor(now() / 1000) + KEPT_SECONDS),
          'apns-collapse-id': apnsCollapseId(notification),
          'apns-id': uuidOf(notification.notificationId),
        },
        body,
      });
    } catch (cause) {
      return { error: new Error('APNs did not answer', { cause }), isFinal: false };
    }
    const reason = readJson(Problem, answer.body)?.reason;
    if (reason !== 'ExpiredProviderToken') return outcomeOf(answer.status, reason);
    token.discard(providerToken);
    return { error: failureOf('APNs', answer.status, reason), isFinal: false };
  };
  return {
    async send(notification) {
      // No retry makes another token of it.
      if (!DEVICE_TOKEN.test(notification.pushToken)) return 'gone';
      const body = apnsPayload(notification);
      for (let attempt = 1; ; attempt += 1) {
        const outcome = await tryOnce(notification, body);
        if ('delivery' in outcome) return outcome.delivery;
        if (outcome.isFinal || attempt === MAX_ATTEMPTS) throw outcome.error;
        await delay(Math.random() * MAX_BACK_OFF_MS);
      }
    },
  };
}

function readCredentials(text: string): Credentials {
  const credentials = readJson(Credentials, text);
  if (!credentials) throw new Error('The secret of apns needs teamId, keyId, topic and privateKey');
  return credentials;
}

async function makeToken({ teamId, keyId, privateKey }: Credentials, nowMs: number): Promise<MadeToken> {
  const value = signToken(
    { alg: 'ES256', kid: keyId },
    { iss: teamId, iat: Math.floor(nowMs / 1000) },
    readPrivateKey(privateKey, 'apns'),
  );
  return { value, staleAt: nowMs + TOKEN_MS };
}

function outcomeOf(status: number, reason: string | undefined): Outcome {
  if (status === 200) return { delivery: 'sent' };
  if (status === 410) return { delivery: 'gone' };
  if (status === 400 && reason !== undefined && GONE_REASONS.has(reason)) return { delivery: 'gone' };
  const error = failureOf('APNs', status, reason);
  return { error, isFinal: error instanceof NotificationRefused };
}

/** A UUID of version 8, whose bits are ours to choose: the same for the same notification. */
function uuidOf(notificationId: string): string {
  const bytes = createHash('sha256').update(notificationId).digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
