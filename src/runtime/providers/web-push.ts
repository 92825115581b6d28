// Pushes to browsers (RFC 8030), identified by VAPID (RFC 8292). The push token is the PushSubscription's JSON.
import { createHash, createPrivateKey } from 'node:crypto';
import * as v from 'valibot';
import type { Notification, PushProvider } from '../../core/notifications/notification.ts';
import { failureOf } from './bulkhead.ts';
import { fitPreview } from './fit-preview.ts';
import { readJson } from './read-json.ts';
import { signToken } from './signed-token.ts';
import { encryptPush, MAX_TEXT_BYTES, type SubscriptionKeys } from './web-push-encryption.ts';

export interface WebPushOptions {
  /** JSON: `{"subject":"mailto:…","privateKey":<JWK of P-256>}`. */
  readonly secret: () => Promise<string>;
  readonly now: () => number;
  /** The only hosts that are called; `*.` stands for any number of labels. */
  readonly hosts?: readonly string[];
  readonly fetch?: typeof fetch;
}

/** Users choose the URL: without a list they would have the function call whatever it can reach. */
const HOSTS = [
  'fcm.googleapis.com',
  'updates.push.services.mozilla.com',
  '*.push.apple.com',
  '*.notify.windows.com',
];
const TIMEOUT_MS = 3_000;
/** How long a push service keeps what it cannot deliver. */
const KEPT_SECONDS = 24 * 60 * 60;
const TOKEN_SECONDS = 12 * 60 * 60;
const GONE: ReadonlySet<number> = new Set([404, 410]);
const TOPIC_CHARACTERS = 32;

const Base64Url = v.pipe(v.string(), v.regex(/^[\w-]+=*$/));
const Subscription = v.object({
  endpoint: v.pipe(v.string(), v.url()),
  keys: v.object({ p256dh: Base64Url, auth: Base64Url }),
});
const Credentials = v.object({
  subject: v.pipe(v.string(), v.regex(/^(mailto:|https:)/)),
  privateKey: v.object({
    kty: v.literal('EC'),
    crv: v.literal('P-256'),
    x: Base64Url,
    y: Base64Url,
    d: Base64Url,
  }),
});
type Credentials = v.InferOutput<typeof Credentials>;

export function createWebPush(options: WebPushOptions): PushProvider {
  const { secret, now, hosts = HOSTS, fetch: post = fetch } = options;
  return {
    async send(notification) {
      const subscription = readJson(Subscription, notification.pushToken);
      const url = subscription && new URL(subscription.endpoint);
      // No retry makes another subscription of it.
      if (!url || !isAllowed(url, hosts)) return 'gone';
      const keys = {
        p256dh: Buffer.from(subscription.keys.p256dh, 'base64url'),
        auth: Buffer.from(subscription.keys.auth, 'base64url'),
      };
      const body = encryptFor(keys, textOf(notification));
      if (!body) return 'gone';
      const credentials = readJson(Credentials, await secret());
      if (!credentials)
        throw new Error('The secret of web-push needs subject and privateKey, a JWK of P-256');
      const response = await post(url, {
        method: 'POST',
        headers: {
          authorization: authorize(url.origin, credentials, now()),
          'content-encoding': 'aes128gcm',
          'content-type': 'application/octet-stream',
          ttl: String(KEPT_SECONDS),
          topic: topicOf(notification.collapseId),
        },
        body: new Uint8Array(body),
        redirect: 'manual',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      await response.body?.cancel();
      if (response.ok) return 'sent';
      if (GONE.has(response.status)) return 'gone';
      throw failureOf('The push service', response.status);
    },
  };
}

/** Keys that are none are the user's doing, and must not count as a failure of the push service. */
function encryptFor(keys: SubscriptionKeys, text: string): Buffer | undefined {
  if (keys.p256dh.length !== 65 || keys.auth.length !== 16) return undefined;
  try {
    return encryptPush(text, keys);
  } catch {
    return undefined;
  }
}

function isAllowed(url: URL, hosts: readonly string[]): boolean {
  if (url.protocol !== 'https:' || url.port || url.username || url.password) return false;
  return hosts.some((host) =>
    host.startsWith('*.') ? url.hostname.endsWith(host.slice(1)) : url.hostname === host,
  );
}

function authorize(audience: string, credentials: Credentials, nowMs: number): string {
  const { subject, privateKey } = credentials;
  const token = signToken(
    { typ: 'JWT', alg: 'ES256' },
    { aud: audience, sub: subject, exp: Math.floor(nowMs / 1000) + TOKEN_SECONDS },
    createPrivateKey({ key: privateKey, format: 'jwk' }),
  );
  const point = [
    Buffer.from([4]),
    ...[privateKey.x, privateKey.y].map((text) => Buffer.from(text, 'base64url')),
  ];
  return `vapid t=${token}, k=${Buffer.concat(point).toString('base64url')}`;
}

function topicOf(collapseId: string): string {
  return createHash('sha256').update(collapseId).digest('base64url').slice(0, TOPIC_CHARACTERS);
}

function textOf(notification: Notification): string {
  const { from, fromName = from, title, preview } = notification;
  const { count, badge, conversationId, seq, notificationId } = notification;
  return fitPreview(preview, MAX_TEXT_BYTES, (shown) =>
    JSON.stringify({ title, fromName, preview: shown, count, badge, conversationId, seq, notificationId }),
  );
}
