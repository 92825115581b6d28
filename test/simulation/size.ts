// How large a story is. Most are small: many small ones find more in the same time than few large ones do, and are read
// sooner; what takes a crowd is left to one in forty.
import { createRandom } from '../../local/faults/random.ts';
import type { Task } from './player.ts';

export interface Size {
  readonly users: number;
  /** Whose second device takes part: of so many users. */
  readonly second: number;
  /** Messages per device. */
  readonly sends: number;
  /** In so many stories there are groups whose members change. */
  readonly groups: number;
  /** Beside the devices' users there are at most so many in those groups, but for a few that are much larger. */
  readonly extras: number;
  /** In so many stories everybody reconnects once more when all is said: only then it is looked at what pushes alone tell of. */
  readonly reconnects: number;
}

/** Every second story is short: what is lost at its end, no later message repairs. */
export const wholeOf = (seed: number): Size => ({
  users: 3,
  second: 3,
  sends: seed % 2 === 0 ? 3 : 8,
  groups: 0.75,
  extras: 10,
  reconnects: 1,
});

const ONE_IN = 40;

function drawSize(seed: number): Size {
  if (seed % ONE_IN === 0) return wholeOf(seed / ONE_IN);
  const random = createRandom(seed, 'size');
  const users = random.next() < 0.8 ? 2 : 3;
  return {
    users,
    second: random.integer(users === 2 ? 1 : 0, 2),
    sends: random.integer(1, 3),
    groups: 0.15,
    extras: 4,
    reconnects: 0.3,
  };
}

export const sizeOf = (task: Pick<Task, 'sends' | 'whole'>, seed: number): Size => ({
  ...(task.whole ? wholeOf(seed) : drawSize(seed)),
  ...(task.sends !== undefined && { sends: task.sends }),
});
