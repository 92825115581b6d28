// Time that passes when a test says so.
import type { Environment } from '../../src/client/environment.ts';

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

export class ManualTime {
  private now = Date.now();
  private readonly timers = new Set<Timer>();

  get environment(): Pick<Environment, 'now' | 'setTimer'> {
    return {
      now: () => this.now,
      setTimer: (callback, delayMs) => {
        const timer = { at: this.now + delayMs, callback };
        this.timers.add(timer);
        return () => void this.timers.delete(timer);
      },
    };
  }

  /** Of the timers that are set: milliseconds until each is due, ascending. */
  get pendingMs(): number[] {
    return [...this.timers].map(({ at }) => at - this.now).sort((a, b) => a - b);
  }

  /** Fires what falls due, in order; what a timer sets in turn counts too. */
  advance(durationMs: number): void {
    const end = this.now + durationMs;
    for (let next = this.next(end); next; next = this.next(end)) {
      this.timers.delete(next);
      this.now = Math.max(this.now, next.at);
      next.callback();
    }
    this.now = end;
  }

  private next(end: number): Timer | undefined {
    const due = [...this.timers].filter(({ at }) => at <= end);
    return due.sort((a, b) => a.at - b.at)[0];
  }
}
