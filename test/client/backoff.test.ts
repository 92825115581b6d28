// Waiting times: within their bounds, growing, and spread over all of them.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { backoffMs, reconnectBackoff } from '../../src/client/backoff.ts';

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test('a reconnect waits 0.25 to 25 s, whatever the attempt', () => {
  fc.assert(
    fc.property(fc.nat(10_000), random, (attempt, chance) => {
      const delayMs = backoffMs(reconnectBackoff, attempt, chance);
      expect(delayMs).toBeGreaterThanOrEqual(250);
      expect(delayMs).toBeLessThanOrEqual(25_000);
    }),
  );
});

test('the jitter is full: the same chance waits longer each time, and no chance waits long', () => {
  fc.assert(
    fc.property(fc.nat(30), random, (attempt, chance) => {
      const [now, later] = [attempt, attempt + 1].map((n) => backoffMs(reconnectBackoff, n, chance));
      expect(later).toBeGreaterThanOrEqual(now!);
      expect(backoffMs(reconnectBackoff, attempt, 0)).toBe(250);
    }),
  );
  expect([0, 1, 2, 6, 20].map((attempt) => backoffMs(reconnectBackoff, attempt, 0.999_999_9))).toEqual([
    500, 1000, 2000, 25_000, 25_000,
  ]);
});
