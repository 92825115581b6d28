// How long to wait before trying again: exponential with jitter, so that a million clients do not come back at once.

export interface Backoff {
  readonly minMs: number;
  readonly maxMs: number;
}

export const reconnectBackoff: Backoff = { minMs: 250, maxMs: 25_000 };
export const resendBackoff: Backoff = { minMs: 250, maxMs: 25_000 };
export const repairBackoff: Backoff = { minMs: 300, maxMs: 10_000 };

/**
 * Full jitter: anywhere between `minMs` and a ceiling that doubles with each attempt up to `maxMs`.
 * `attempt` counts failures so far, from 0; `random` is from [0, 1).
 */
export function backoffMs({ minMs, maxMs }: Backoff, attempt: number, random: number): number {
  const ceilingMs = Math.min(maxMs, minMs * 2 ** (attempt + 1));
  return Math.round(minMs + random * (ceilingMs - minMs));
}
