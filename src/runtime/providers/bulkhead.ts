// Keeps a push service that is down or slow from delaying the others.
import type { Notification, PushProvider } from '../../core/notifications/notification.ts';

export interface BulkheadOptions {
  /** Calls under way at most; those beyond are refused. */
  readonly concurrency: number;
  /** Failures in a row after which the provider is left alone. */
  readonly failuresToOpen: number;
  /** For so long; then one call tries it. */
  readonly openMs: number;
  readonly now: () => number;
}

/** Refuses with an Error instead of waiting: what is refused is tried again later, like everything that failed. */
export function withBulkhead(provider: PushProvider, options: BulkheadOptions): PushProvider {
  const { concurrency, failuresToOpen, openMs, now } = options;
  let underWay = 0;
  let failures = 0;
  let openUntil = 0;

  const refusal = (): string | undefined => {
    if (now() < openUntil) return 'The provider is left alone for a while: it failed too often';
    if (failures >= failuresToOpen && underWay > 0) return 'The provider is being tried: it failed too often';
    if (underWay >= concurrency) return 'The provider has too many calls under way';
    return undefined;
  };
  const call = async (notification: Notification) => {
    try {
      const delivery = await provider.send(notification);
      failures = 0;
      openUntil = 0;
      return delivery;
    } catch (error) {
      failures += 1;
      if (failures >= failuresToOpen) openUntil = now() + openMs;
      throw error;
    }
  };
  return {
    async send(notification) {
      const reason = refusal();
      if (reason) throw new Error(reason);
      underWay += 1;
      try {
        return await call(notification);
      } finally {
        underWay -= 1;
      }
    },
  };
}
