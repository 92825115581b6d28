// The scenario of `npm run bench:growth`, with few messages.
import { expect, it } from 'vitest';
import { measureStretches, type Stretch } from '../../bench/growing-conversation.ts';
import { scan, startCloud } from '../support/cloud.ts';

it('sends in stretches, and times the requests that each of them took', async () => {
  const cloud = await startCloud();
  try {
    const stretches: Stretch[] = [];
    let requests = 0;
    for await (const stretch of measureStretches(cloud, { messages: 5, every: 2 })) {
      const { read, write, stream } = stretch.timings;
      // A message is written without being read; only who begins a conversation looks whether the other is there.
      expect(read.requests).toBe(stretches.length === 0 ? 1 : 0);
      for (const timing of [write, stream]) expect(timing.meanMs).toBeGreaterThan(0);
      expect(stretch.cpuMsPerMessage).toBeGreaterThan(0);
      stretches.push(stretch);
      requests += read.requests + write.requests;
    }
    expect(stretches.map(({ messages }) => messages)).toEqual([2, 4, 5]);
    expect(await scan(cloud, 'Messages')).toHaveLength(5);
    // Those of connecting and leaving are in the meters only.
    const metered = cloud.metrics().dynamodb.byFunction;
    expect(requests).toBe((metered['send']?.requests ?? 0) + (metered['fan-out']?.requests ?? 0));
  } finally {
    await cloud.close();
  }
});
