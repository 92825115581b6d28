// The scenario of `npm run bench:groups`, with small groups.
import { expect, it } from 'vitest';
import { drawCurves } from '../../bench/group-chart.ts';
import { meterGroupMessages } from '../../bench/group-messages.ts';
import { startCloud } from '../support/cloud.ts';

it('counts what a message takes in both modes, for members who connect and for those who are only there', async () => {
  const members = 30;
  const scenario = { members, alone: 3, burst: 4, online: 0.5, looking: 0.2 };
  const clouds = {
    write: await startCloud(),
    read: await startCloud({ environment: { IM_SETTINGS: '{"writeFanoutLimit":1,"headsIntervalMs":1000}' } }),
  };
  try {
    const written = await meterGroupMessages(clouds.write, { ...scenario, mode: 'write' });
    expect(written.alone.writeUnits).toBeGreaterThanOrEqual(3 + members);
    expect(written.alone.writeUnits).toBeLessThanOrEqual(3 + 1.25 * members);
    expect(written.burst.writeUnits).toBeLessThanOrEqual(written.alone.writeUnits);
    // Of 29 others, half are online: ten of them by sockets, and the others would get as much.
    expect(written.alone.frames).toBe(15);
    const pushed = await meterGroupMessages(clouds.read, { ...scenario, mode: 'read' });
    // One more plans when the others hear of it.
    expect(pushed.alone.writeUnits).toBeLessThanOrEqual(4);
    expect(pushed.alone.frames).toBe(6);
  } finally {
    await Promise.all(Object.values(clouds).map((cloud) => cloud.close()));
  }
}, 60_000);

it('draws what it counted', () => {
  const svg = drawCurves([
    {
      name: 'alone',
      color: '#000000',
      dashed: false,
      points: [
        [3, 5],
        [500, 300],
      ],
    },
  ]);
  expect(svg).toMatch(/^<svg /);
  expect(svg).toContain('alone');
});
