// Plays a seed that failed again, under less and less, and says how little it takes.
import { sendsOf, type Failure, type Player, type Task } from './player.ts';
import { ragingKinds } from './world/kinds.ts';
import { shrink, type Plan } from './world/shrink.ts';

/** How the command line says that nothing is to fail. */
export const NOTHING = 'nothing';

/** Undefined: it takes all that it has. */
export async function shrinkFailure(player: Player, task: Task, failure: Failure): Promise<Plan | undefined> {
  const { seed } = failure;
  const { mutation } = task;
  const plan = { only: ragingKinds(seed), sends: sendsOf(task, seed) };
  return shrink(plan, async (smaller) => {
    const one = { from: seed, to: seed, ...smaller, ...(mutation !== undefined && { mutation }) };
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
