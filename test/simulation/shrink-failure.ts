// Plays a seed that failed again, under less and less, and says how little it takes.
import type { Failure, Player, Task } from './player.ts';
import { sizeOf } from './size.ts';
import { ragingKinds } from './world/kinds.ts';
import { shrink, type Plan } from './world/shrink.ts';

/** How the command line says that nothing is to fail. */
export const NOTHING = 'nothing';

/** Undefined: it takes all that it has. */
export async function shrinkFailure(player: Player, task: Task, failure: Failure): Promise<Plan | undefined> {
  const { seed } = failure;
  const { mutation, whole } = task;
  const plan = { only: ragingKinds(seed), sends: sizeOf(task, seed).sends };
  return shrink(plan, async (smaller) => {
    const build = mutation !== undefined && { mutation };
    const one = { from: seed, to: seed, ...smaller, ...build, ...(whole && { whole }) };
    try {
      const played = await player.play(one);
      return played.failure !== undefined && isAlike(failure, played.failure);
    } catch {
      // It is the process that dies: of that nothing can be learned here.
      return false;
    }
  });
}

export const describe = ({ only, sends }: Plan): string =>
  `still fails ${only.length > 0 ? `with only: ${only.join(', ')}` : 'without faults'}; sends ${sends}`;

/** What `npm run simulate` is told to play that. */
export const argumentsFor = ({ only, sends }: Plan): string =>
  `--only ${only.join(',') || NOTHING} --sends ${sends}`;

/** Something else that goes wrong is another failure. */
function isAlike(failure: Failure, other: Failure): boolean {
  if (!failure.invariants || !other.invariants) return failure.invariants === other.invariants;
  return failure.invariants.some((invariant) => other.invariants!.includes(invariant));
}
