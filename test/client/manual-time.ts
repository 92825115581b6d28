// Time that passes when a test says so.
import type { Environment } from '../../src/client/environment.ts';

interface Timer {
  readonly delayMs: number;
  readonly at: number;
  readonly callback: () => void;
}

export class ManualTime {
  private now = Date.now();
  private readonly timers = new Set<Timer>();
  private readonly watchers = new Set<() => void>();

  get environment(): Pick<Environment, 'now' | 'setTimer'> {
    return {
      now: () => this.now,
      setTimer: (callback, delayMs) => {
        const timer = { delayMs, at: this.now + delayMs, callback };
        this.timers.add(timer);
        for (const watcher of this.watchers) watcher();
        return () => void this.timers.delete(timer);
      },
    };
  }

  /** Of the timers that are set: milliseconds until each is due, ascending. */
  get pendingMs(): number[] {
    return [...this.timers].map(({ at }) => at - this.now).toSorted((a, b) => a - b);
  }

  /** Resolves when there is a timer of that delay. */
  async untilSet(delayMs: number): Promise<void> {
    while (!this.find(delayMs, delayMs)) {
      await new Promise<void>((resolve) => {
        const watcher = () => {
          this.watchers.delete(watcher);
          resolve();
        };
        this.watchers.add(watcher);
      });
    }
  }

  /** Fires the timer whose delay is in the range, as if all others had been served on the way. */
  fire(minDelayMs: number, maxDelayMs = minDelayMs): void {
    const timer = this.find(minDelayMs, maxDelayMs);
    if (!timer) throw new Error(`No timer of ${minDelayMs} to ${maxDelayMs} ms is set`);
    this.timers.delete(timer);
    timer.callback();
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

  private find(minDelayMs: number, maxDelayMs: number): Timer | undefined {
    return [...this.timers].find(({ delayMs }) => delayMs >= minDelayMs && delayMs <= maxDelayMs);
  }

  private next(end: number): Timer | undefined {
    const due = [...this.timers].filter(({ at }) => at <= end);
    return due.toSorted((a, b) => a.at - b.at)[0];
  }
}
