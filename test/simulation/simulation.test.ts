// I1–I6, I8 under the whole fault plan: a short run. The long one: npm run simulate -- --seeds 200
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { startCloud } from '../support/cloud.ts';
import type { ClientParts } from './device.ts';
import { loadClient } from './load-client.ts';
import { localStage, settleMsOf, simulationEnvironment } from './local-stage.ts';
import { report } from './report.ts';
import { simulate } from './simulation.ts';

const PATIENCE_MS = 180_000;

let cloud: Cloud;
let parts: ClientParts;
beforeAll(async () => {
  cloud = await startCloud({ environment: simulationEnvironment(settleMsOf(1)) });
  parts = await loadClient();
});
afterAll(() => cloud.close());

for (const seed of [1, 2, 3]) {
  test(`seed ${seed}: nothing lost, nothing twice, in order`, { timeout: PATIENCE_MS }, async () => {
    const outcome = await simulate({ stage: localStage(cloud, seed), parts, seed });
    expect(outcome.violations, report(outcome)).toEqual([]);
    // It did rage: a plan that injects nothing proves nothing.
    expect(outcome.history.sent.length).toBeGreaterThan(40);
  });
}
