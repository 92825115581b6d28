// Those who wait for the same.
import type { ImError } from './errors.ts';

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: ImError) => void;
}

export class Waiters {
  #all: Waiter[] = [];

  wait(): Promise<void> {
    return new Promise((resolve, reject) => void this.#all.push({ resolve, reject }));
  }

  /** With an error, in vain. */
  settle(error?: ImError): void {
    for (const { resolve, reject } of this.#all.splice(0)) {
      if (error) reject(error);
      else resolve();
    }
  }
}
