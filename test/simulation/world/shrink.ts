// The smallest storm that still fails: fewer messages, then without all faults, without each group, without each kind.
import { groupOf } from './kinds.ts';

export interface Plan {
  /** Kinds of faults that it has. */
  readonly only: readonly string[];
  /** Messages per device. */
  readonly sends: number;
}

const MAX_RUNS = 40;

/** Undefined: none that was tried. */
export async function shrink(
  plan: Plan,
  fails: (smaller: Plan) => Promise<boolean>,
  maxRuns = MAX_RUNS,
): Promise<Plan | undefined> {
  let smallest = plan;
  let runs = 0;
  const tryOut = async (smaller: Plan): Promise<boolean> => {
    if (runs++ >= maxRuns || !(await fails(smaller))) return false;
    smallest = smaller;
    return true;
  };
  for (let sends = 1; sends < plan.sends; sends++) if (await tryOut({ ...plan, sends })) break;
  for (const some of portions(plan.only)) {
    const only = smallest.only.filter((kind) => !some.includes(kind));
    if (only.length < smallest.only.length) await tryOut({ ...smallest, only });
  }
  return smallest === plan ? undefined : smallest;
}

/** Large ones first: what falls with them is not tried one by one. */
function portions(kinds: readonly string[]): (readonly string[])[] {
  const groups = [...new Set(kinds.map(groupOf))].map((group) =>
    kinds.filter((kind) => groupOf(kind) === group),
  );
  return [kinds, ...groups.filter(({ length }) => length > 1), ...kinds.map((kind) => [kind])];
}
