// The model against real engines: whatever is asked, both answer the same.
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { command } from './random-commands.ts';
import { startTwin, type Twin } from './twin.ts';

const LANES = [1, 2, 3, 4];
const RUNS_A_LANE = 64;
const COMMANDS_A_RUN = 80;

let twin: Twin;
beforeAll(async () => {
  twin = await startTwin();
});
afterAll(() => twin.close());

it('answers random commands as the engine does', { timeout: 600_000 }, async () => {
  const runs = fc.array(command, { minLength: COMMANDS_A_RUN, maxLength: COMMANDS_A_RUN, size: 'max' });
  // Each in partitions of its own, at the same time.
  const walk = (lane: number) => {
    let run = 0;
    const property = fc.asyncProperty(runs, async (drafts) => {
      const prefix = `${lane}.${run++}.`;
      for (const draft of drafts) await twin.send(draft(twin.names, prefix)).catch(ignoreRefusal);
    });
    return fc.assert(property, { seed: lane, numRuns: RUNS_A_LANE, endOnFailure: true });
  };
  await Promise.all(LANES.map(walk));
  await twin.compareTables();
  expect(twin.count()).toBeGreaterThanOrEqual(20_000);
});

/** What the engine refuses, the model has refused as well. */
function ignoreRefusal(error: unknown): void {
  if (!(error instanceof Error) || !error.name.endsWith('Exception')) throw error;
}
