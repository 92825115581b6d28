// The account's concurrency: how many events all functions together may be busy with; what is above it is throttled.

export interface Concurrency {
  /** False: all of it is in use. */
  take(): boolean;
  giveBack(): void;
}

export function createConcurrency(limit: number): Concurrency {
  let used = 0;
  return {
    take() {
      if (used >= limit) return false;
      used += 1;
      return true;
    },
    giveBack() {
      used -= 1;
    },
  };
}
