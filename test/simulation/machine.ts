// What outlives the app on a device: its disk, what is seen there, and the browser where the app is open in several tabs.
import type { Random } from '../../local/faults/random.ts';
import { Journal } from './journal.ts';
import type { Stage } from './stage.ts';
import { Browser } from './tabs/browser.ts';
import { TornDisk } from './torn-disk.ts';

export interface Machine {
  readonly disk: TornDisk;
  readonly journal: Journal;
  readonly browser?: Browser;
}

export function newMachine(stage: Stage, deviceId: string, random: Random): Machine {
  const journal = new Journal(deviceId);
  return { journal, disk: newDisk(stage, journal, random, false) };
}

export function newTabbedMachine(stage: Stage, deviceId: string, random: Random): Machine {
  const journal = new Journal(deviceId);
  const browser = new Browser({ wait: (ms) => stage.wait(ms), random });
  return { journal, browser, disk: newDisk(stage, journal, random, true) };
}

function newDisk(stage: Stage, journal: Journal, random: Random, slowReads: boolean): TornDisk {
  const wait = (ms: number) => stage.wait(ms);
  return new TornDisk({ wait, random, slowReads, onKept: (changes) => journal.keep(changes) });
}
