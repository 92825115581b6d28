// A smoke test of any deployment: the checks, and the table of what came of them.
import pc from 'picocolors';
import { checksOf } from './checks.ts';
import { runChecks, type Clock, type Outcome } from './run.ts';
import { World, type WorldOptions } from './world.ts';

export async function smoke(
  options: WorldOptions,
  clock: Clock,
  tell?: (outcome: Outcome) => void,
): Promise<Outcome[]> {
  const world = new World(options);
  try {
    return await runChecks(checksOf(world), clock, tell);
  } finally {
    await world.cleanUp();
  }
}

export const isWell = (outcomes: readonly Outcome[]) => outcomes.every(({ outcome }) => outcome === 'ok');

export function rowOf({ check, outcome, ms, why }: Outcome): string {
  const result = outcome === 'ok' ? pc.green('ok') : `${pc.red(outcome)}: ${why}`;
  return `${check.padEnd(72)}${(outcome === 'not tried' ? '–' : String(ms)).padStart(7)}  ${result}`;
}
