// The bulkhead around a provider, with a clock that the test moves.
import { describe, expect, it } from 'vitest';
import { NotificationRefused, withBulkhead } from '../../../src/runtime/providers/bulkhead.ts';
import { notification } from './notification.ts';

/** A provider that does as told, and counts. */
function startProvider({ concurrency = 10 } = {}) {
  const state = { calls: 0, underWay: 0, most: 0, now: 0, answer: 'take' as 'take' | 'fail' | 'refuse' };
  const provider = withBulkhead(
    {
      async send() {
        state.calls += 1;
        state.underWay += 1;
        state.most = Math.max(state.most, state.underWay);
        await new Promise((resolve) => setImmediate(resolve));
        state.underWay -= 1;
        if (state.answer === 'fail') throw new Error('no');
        if (state.answer === 'refuse') throw new NotificationRefused('not this one');
        return 'sent';
      },
    },
    { concurrency, failuresToOpen: 3, openMs: 1_000, now: () => state.now },
  );
  /** @returns how many of so many at once were taken. */
  const sendMany = async (count: number) => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: count }, () => provider.send(notification)),
    );
    return outcomes.filter(({ status }) => status === 'fulfilled').length;
  };
  return { state, sendMany };
}

describe('a provider in a bulkhead', () => {
  it('is not called for a while when it failed three times in a row; then one call tries it', async () => {
    const { state, sendMany } = startProvider({ concurrency: 1 });
    state.answer = 'fail';
    expect(await sendMany(9)).toBe(0);
    expect(state.calls).toBe(3);
    state.now = 999;
    expect(await sendMany(2)).toBe(0);
    expect(state.calls).toBe(3);
    state.now = 1_000;
    expect(await sendMany(5)).toBe(0);
    expect(state.calls).toBe(4);
    state.now = 2_000;
    state.answer = 'take';
    expect(await sendMany(1)).toBe(1);
    expect(await sendMany(4)).toBe(4);
  });

  it('is called on when a success came between failures', async () => {
    const { state, sendMany } = startProvider();
    for (const answer of ['fail', 'fail', 'take', 'fail', 'fail', 'take'] as const) {
      state.answer = answer;
      await sendMany(1);
    }
    expect(state.calls).toBe(6);
  });

  it('is called on however many single notifications it refuses', async () => {
    const { state, sendMany } = startProvider();
    state.answer = 'refuse';
    expect(await sendMany(9)).toBe(0);
    state.answer = 'take';
    expect(await sendMany(1)).toBe(1);
  });

  it('has only so many calls under way; the others wait', async () => {
    const { state, sendMany } = startProvider({ concurrency: 2 });
    expect(await sendMany(9)).toBe(9);
    expect(state.most).toBe(2);
  });
});
