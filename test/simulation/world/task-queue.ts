// The queue of what is done for large groups: each note is carried out late, some twice, and again until it succeeds.
import type { Random } from '../../../local/faults/random.ts';
import type { Task, Tasks } from '../../../src/core/groups/task.ts';
import type { WorldFaults } from './faults.ts';
import type { Ended } from './functions.ts';
import type { Scheduler } from './scheduler.ts';
import type { Life } from './store.ts';

/** Deliveries of one note; in the world the last of them is no dead letter, for its faults end. */
const MAX_TRIES = 20;
const RETRY_MS = 2_000;
/** What sending to the queue takes. */
const SEND_MS = 10;

export interface TaskQueueOptions {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly faults: () => WorldFaults;
  readonly carryOut: (task: Task) => Promise<Ended<void>>;
}

export class TaskQueue {
  private readonly options: TaskQueueOptions;
  private waiting = 0;

  constructor(options: TaskQueueOptions) {
    this.options = options;
  }

  get isQuiet(): boolean {
    return this.waiting === 0;
  }

  /** For what an invocation sends, while it lives. */
  tasksFor(life: Life): Tasks {
    const { scheduler } = this.options;
    return {
      send: async (tasks, delayMs = 0) => {
        await scheduler.wait(SEND_MS);
        if (life.over) return;
        for (const task of tasks) this.add(task, delayMs);
      },
    };
  }

  private add(task: Task, delayMs: number): void {
    const { scheduler, random, faults } = this.options;
    this.waiting++;
    scheduler.after(delayMs + random.between(...faults().stream.delayMs), () => void this.process(task));
  }

  private async process(task: Task): Promise<void> {
    const { scheduler, random, faults, carryOut } = this.options;
    for (let tries = 1; tries <= MAX_TRIES; tries++) {
      const ended = await carryOut(task);
      const twice = random.next() < faults().stream.duplicate;
      if (ended.outcome === 'answered' && !twice) break;
      await scheduler.wait(random.between(0, RETRY_MS));
    }
    this.waiting--;
  }
}
