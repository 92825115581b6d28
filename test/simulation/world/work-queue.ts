// A queue of notes of work, as SQS is: each note is given out at least once, late, in any order and some
// twice, also at the same time; and again after a while, until it is carried out.
import type { Random } from '../../../local/faults/random.ts';
import type { WorldFaults } from './faults.ts';
import type { Ended } from './functions.ts';
import type { Scheduler } from './scheduler.ts';
import type { Life } from './store.ts';

/** Of one note; in the world the last of them is no dead letter, for its faults end. */
const MAX_TRIES = 20;
const RETRY_MS = 2_000;
/** What sending to the queue takes. */
const SEND_MS = 10;

export interface WorkQueueOptions<Work> {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly faults: () => WorldFaults;
  readonly carryOut: (work: Work) => Promise<Ended<void>>;
}

export class WorkQueue<Work> {
  private readonly options: WorkQueueOptions<Work>;
  private waiting = 0;

  constructor(options: WorkQueueOptions<Work>) {
    this.options = options;
  }

  get isQuiet(): boolean {
    return this.waiting === 0;
  }

  /** For what an invocation sends, while it lives. */
  senderFor(life: Life): { send(works: readonly Work[], delayMs?: number): Promise<void> } {
    const { scheduler } = this.options;
    return {
      send: async (works, delayMs = 0) => {
        await scheduler.wait(SEND_MS);
        if (life.over) return;
        const isHeard = this.take(works, delayMs);
        await scheduler.wait(SEND_MS);
        if (!isHeard) throw new Error('The queue did not take all of it');
      },
    };
  }

  /** Whether the sender hears that all of them were taken. */
  private take(works: readonly Work[], delayMs: number): boolean {
    const { random, faults } = this.options;
    const { error, lostResponse } = faults().tasks;
    const taken = works.filter(() => random.next() >= error);
    for (const work of taken) this.add(work, delayMs);
    return taken.length === works.length && random.next() >= lostResponse;
  }

  private add(work: Work, delayMs: number): void {
    const { random, faults } = this.options;
    const copies = random.next() < faults().tasks.duplicate ? 2 : 1;
    for (let copy = 1; copy <= copies; copy++) this.giveOut(work, delayMs);
  }

  private giveOut(work: Work, delayMs: number): void {
    const { scheduler, random, faults } = this.options;
    this.waiting++;
    scheduler.after(delayMs + random.between(...faults().tasks.delayMs), () => void this.process(work));
  }

  private async process(work: Work): Promise<void> {
    const { scheduler, random, faults, carryOut } = this.options;
    for (let tries = 1; tries <= MAX_TRIES; tries++) {
      const ended = await carryOut(work);
      // It was carried out, and the queue never heard of it.
      const again = random.next() < faults().tasks.duplicate;
      if (ended.outcome === 'answered' && !again) break;
      await scheduler.wait(random.between(0, RETRY_MS));
    }
    this.waiting--;
  }
}
