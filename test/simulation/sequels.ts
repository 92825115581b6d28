// Some stories go on after they were looked at: for a device that was away until the mailbox had ends, or with new tables.
import { createRandom } from '../../local/faults/random.ts';
import type { Device } from './device.ts';
import type { Stage } from './stage.ts';

export type Sequel = 'a month later' | 'set up anew';

/** Of each kind so many. */
const SEQUELS = 0.04;
/** Messages of each device. */
export const SEQUEL_SENDS = 2;
/** Before a month passes, at least: so many that whole pages of a mailbox go meanwhile. */
const SENDS_OF_A_MONTH = 6;
const LATEST_DEPARTURE_MS = 300;

export function sequelOf(seed: number): Sequel | undefined {
  const lot = createRandom(seed, 'sequel').next();
  if (lot < SEQUELS) return 'a month later';
  return lot > 1 - SEQUELS ? 'set up anew' : undefined;
}

/** Where the stage has no such thing, there is none. */
export const drawSequel = (stage: Stage, seed: number) => (stage.monthLater ? sequelOf(seed) : undefined);

export const sendsBefore = (sequel: Sequel | undefined, sends: number) =>
  sequel === 'a month later' ? Math.max(sends, SENDS_OF_A_MONTH) : sends;

/** In the midst of the storm, after some of what there is to see. */
export async function depart(stage: Stage, traveller: Device, seed: number): Promise<void> {
  await stage.wait(createRandom(seed, 'departure').between(0, LATEST_DEPARTURE_MS));
  traveller.crash();
}
