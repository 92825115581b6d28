// Keeps a push service that is down or slow from delaying the others: it has so many calls under way at most, and when it
// failed often enough in a row it is left alone for a while.
import pLimit from 'p-limit';
import type { PushProvider } from '../../core/notifications/notification.ts';

export interface BulkheadOptions {
  /** Calls under way at most; those beyond wait. */
  readonly concurrency: number;
  /** Failures in a row after which the provider is left alone. */
  readonly failuresToOpen: number;
  /** For so long; then one call tries it. */
  readonly openMs: number;
  readonly now: () => number;
}

/** It did not take this one notification, which says nothing of others: users must not be able to have it left alone. */
export class NotificationRefused extends Error {}

/** What it comes to that a service took no notification: it refused this one, or has trouble of its own. */
export function failureOf(service: string, status: number, reason = ''): Error {
  const Problem = status < 500 && status !== 429 ? NotificationRefused : Error;
  return new Problem(`${service} answered ${status} ${reason}`.trim());
}

/** What a provider that is left alone refuses is tried again later, like everything that failed. */
export function withBulkhead(provider: PushProvider, options: BulkheadOptions): PushProvider {
  const { concurrency, failuresToOpen, openMs, now } = options;
  const limit = pLimit(concurrency);
  let failures = 0;
  let openUntil = 0;
  return {
    send: (notification) =>
      limit(async () => {
        if (now() < openUntil) throw new Error('The provider is left alone for a while: it failed too often');
        // Of all that wait for this moment, one tries.
        if (failures >= failuresToOpen) openUntil = now() + openMs;
        try {
          const delivery = await provider.send(notification);
          failures = 0;
          openUntil = 0;
          return delivery;
        } catch (error) {
          if (error instanceof NotificationRefused) throw error;
          failures += 1;
          if (failures >= failuresToOpen) openUntil = now() + openMs;
          throw error;
        }
      }),
  };
}
