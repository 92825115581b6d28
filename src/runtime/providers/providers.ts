// The push services that a deployment is configured for.
import type { PushProvider, PushProviders } from '../../core/notifications/notification.ts';
import { optional, required } from '../environment.ts';
import type { Secrets } from '../secrets.ts';
import { withBulkhead } from './bulkhead.ts';
import { createApns } from './apns.ts';
import { createFcm } from './fcm.ts';
import { createSns } from './sns.ts';
import { createWebPush } from './web-push.ts';
import { createWebhook } from './webhook.ts';

export interface ProvidersOptions {
  readonly secrets: Secrets;
  readonly now: () => number;
}

/** What needs a secret and nothing else, with the variable that names the secret. */
const SERVICES = [
  { name: 'web-push', variable: 'PUSH_WEB_PUSH_SECRET_ARN', create: createWebPush },
  { name: 'apns', variable: 'PUSH_APNS_SECRET_ARN', create: createApns },
  { name: 'fcm', variable: 'PUSH_FCM_SECRET_ARN', create: createFcm },
] as const;

/** One that is down costs the calls under way when it fails, then one in half a minute. */
const BULKHEAD = { concurrency: 32, failuresToOpen: 5, openMs: 30_000 };

/** On a laptop without a push service: whatever a device registered with, what it would be told stands in the journal. */
const journalAlone: PushProviders = { get: () => ({ send: async () => 'sent' }) };

/** @throws Error when one is configured by half: the deployment is wrong, so the function does not start. */
export function createProviders({ secrets, now }: ProvidersOptions): PushProviders {
  const providers = new Map<string, PushProvider>();
  const add = (name: string, provider: PushProvider) =>
    providers.set(name, withBulkhead(provider, { ...BULKHEAD, now }));
  const url = optional('PUSH_WEBHOOK_URL');
  if (url) {
    const arn = required('PUSH_WEBHOOK_SECRET_ARN');
    add('webhook', createWebhook({ url, secret: () => secrets.read(arn), now }));
  }
  for (const { name, variable, create } of SERVICES) {
    const arn = optional(variable);
    if (arn) add(name, create({ secret: () => secrets.read(arn), now }));
  }
  const applications = optional('PUSH_SNS');
  if (applications) add('sns', createSns({ applications }));
  if (providers.size === 0 && optional('NOTIFICATION_JOURNAL_URL')) return journalAlone;
  // A backend that is told of notifications knows the services of its devices better than we do.
  return { get: (name) => providers.get(name) ?? providers.get('webhook') };
}
