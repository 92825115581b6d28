// The bulkhead around a provider, with a clock that the test moves.
import { describe, expect, it } from 'vitest';
import type { PushProvider } from '../../../src/core/notifications/notification.ts';
import { withBulkhead } from '../../../src/runtime/providers/bulkhead.ts';
import { notification } from './notification.ts';

/** A provider whose calls end when and how the test says. */
function startProvider({ concurrency = 10 } = {}) {
  const calls: Call[] = [];
  const provider: PushProvider = {
    send: () =>
      new Promise((resolve, reject) => {
        calls.push({ take: () => resolve('sent'), fail: () => reject(new Error('no')) });
      }),
  };
  let now = 0;
  const bulkhead = withBulkhead(provider, { concurrency, failuresToOpen: 3, openMs: 1_000, now: () => now });
  const send = () => bulkhead.send(notification);
  const fail = async () => {
    const sending = send();
    calls.at(-1)!.fail();
    await expect(sending).rejects.toThrow('no');
  };
  const take = async () => {
    const sending = send();
    calls.at(-1)!.take();
    expect(await sending).toBe('sent');
  };
  const pass = (ms: number) => {
    now += ms;
  };
  return { calls, send, fail, take, pass };
}

interface Call {
  readonly take: () => void;
  readonly fail: () => void;
}

describe('a provider in a bulkhead', () => {
  it('is not called for a while when it failed three times in a row', async () => {
    const { calls, send, fail, pass } = startProvider();
    for (let failure = 0; failure < 3; failure += 1) await fail();
    await expect(send()).rejects.toThrow(/left alone/);
    pass(999);
    await expect(send()).rejects.toThrow(/left alone/);
    expect(calls).toHaveLength(3);
  });

  it('is called on when a success came between failures', async () => {
    const { calls, fail, take } = startProvider();
    await fail();
    await fail();
    await take();
    await fail();
    await fail();
    await take();
    expect(calls).toHaveLength(6);
  });

  it('gets one call as a trial, and all of them when that one succeeds', async () => {
    const { calls, send, fail, take, pass } = startProvider();
    for (let failure = 0; failure < 3; failure += 1) await fail();
    pass(1_000);
    const trial = send();
    await expect(send()).rejects.toThrow(/being tried/);
    expect(calls).toHaveLength(4);
    calls[3]!.take();
    expect(await trial).toBe('sent');
    const both = [send(), send()];
    for (const { take: takeCall } of calls) takeCall();
    expect(await Promise.all(both)).toEqual(['sent', 'sent']);
    await take();
  });

  it('is left alone again when the trial fails', async () => {
    const { send, fail, pass } = startProvider();
    for (let failure = 0; failure < 3; failure += 1) await fail();
    pass(1_000);
    await fail();
    await expect(send()).rejects.toThrow(/left alone/);
  });

  it('has only so many calls under way', async () => {
    const { calls, send } = startProvider({ concurrency: 2 });
    const first = send();
    const second = send();
    await expect(send()).rejects.toThrow(/too many calls/);
    calls[0]!.take();
    await first;
    const third = send();
    for (const { take } of calls) take();
    expect(await Promise.all([second, third])).toEqual(['sent', 'sent']);
  });
});
