// One seed of the world, with what it found put into words. Bundled with all that it plays (bundle.ts).
import { ImError } from '../../../src/client/errors.ts';
import { ImClient } from '../../../src/client/im-client.ts';
import { SharedClient } from '../../../src/client/tabs/shared-client.ts';
import type { Failure } from '../player.ts';
import { failureOf } from '../report.ts';
import type { Size } from '../size.ts';
import { runWorld } from './run.ts';
import { server } from './server.ts';

const parts = { ImClient, SharedClient, ImError };

export async function play(seed: number, size: Size, only?: readonly string[]): Promise<Failure | undefined> {
  try {
    const outcome = await runWorld({ seed, parts, server, size, only });
    return outcome.violations.length > 0 ? failureOf(outcome) : undefined;
  } catch (error) {
    return { seed, report: `Seed ${seed}:\n  ${String(error)}` };
  }
}
