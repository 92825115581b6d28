// Time and order of a simulated world: nothing happens but what stands here, one after the other, and what happens at the
// same moment happens in an order that is drawn. So the same seed is the same history.
import type { Random } from '../../../local/faults/random.ts';

interface Entry {
  readonly at: number;
  /** Orders what happens at the same moment. */
  readonly lot: number;
  readonly run: () => void;
  cancelled: boolean;
}

export class Scheduler {
  /** Milliseconds since the epoch. */
  now: number;
  /** Entries that have been run. */
  turns = 0;
  private readonly random: Random;
  private readonly heap: Entry[] = [];

  constructor(random: Random, now: number) {
    this.random = random;
    this.now = now;
  }

  /** Runs something after that long; returns how to prevent it. */
  after(delayMs: number, run: () => void): () => void {
    const entry: Entry = {
      at: this.now + Math.max(0, delayMs),
      lot: this.random.next(),
      run,
      cancelled: false,
    };
    this.push(entry);
    return () => {
      entry.cancelled = true;
    };
  }

  wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.after(delayMs, resolve));
  }

  /** Lets time pass until that is settled. `maxTurns`: a world that gets nowhere is broken. */
  async until<T>(awaited: Promise<T>, maxTurns: number): Promise<T> {
    const story = { isOver: false };
    void over(awaited, story);
    await drain();
    const end = this.turns + maxTurns;
    while (!story.isOver) {
      const entry = this.pop();
      if (!entry) throw new Error('The world stands still, and somebody waits');
      if (this.turns >= end) throw new Error(`The world got nowhere in ${maxTurns} turns`);
      this.now = Math.max(this.now, entry.at);
      if (entry.cancelled) continue;
      this.turns++;
      entry.run();
      await drain();
    }
    return awaited;
  }

  private push(entry: Entry): void {
    const { heap } = this;
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(heap[index]!, heap[parent]!)) return;
      [heap[index], heap[parent]] = [heap[parent]!, heap[index]!];
      index = parent;
    }
  }

  private pop(): Entry | undefined {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (!first || !last || heap.length === 0) return first;
    heap[0] = last;
    for (let index = 0; ;) {
      const left = 2 * index + 1;
      const right = left + 1;
      let least = index;
      if (left < heap.length && isBefore(heap[left]!, heap[least]!)) least = left;
      if (right < heap.length && isBefore(heap[right]!, heap[least]!)) least = right;
      if (least === index) return first;
      [heap[index], heap[least]] = [heap[least]!, heap[index]!];
      index = least;
    }
  }
}

const isBefore = (left: Entry, right: Entry) =>
  left.at < right.at || (left.at === right.at && left.lot < right.lot);

async function over(awaited: Promise<unknown>, story: { isOver: boolean }): Promise<void> {
  try {
    await awaited;
  } catch {
    // Whoever waits for it hears of it.
  }
  story.isOver = true;
}

/** Until every promise that can go on has gone on: a tick comes after them, and without a turn of the event loop. */
const drain = () => new Promise<void>((resolve) => process.nextTick(resolve));
