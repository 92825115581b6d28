// The scenario of `npm run bench:slow-readers`, for a second; filling sockets takes longer than a test may.
import { expect, it } from 'vitest';
import { measurePushes } from '../../bench/unrelated-pairs.ts';
import { startCloud } from '../support/cloud.ts';

it.each(['none', 'reads'] as const)('times the pushes of the pairs: crowd %s', async (crowd) => {
  const cloud = await startCloud();
  try {
    const { pushes, missed, p50Ms, p99Ms } = await measurePushes(cloud, crowd, { seconds: 1, rate: 5 });
    expect(pushes + missed).toBeGreaterThanOrEqual(8);
    expect(p50Ms).toBeGreaterThan(0);
    expect(p99Ms).toBeGreaterThanOrEqual(p50Ms);
  } finally {
    await cloud.close();
  }
});
