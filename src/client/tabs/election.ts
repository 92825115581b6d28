// Which tab holds the connection: the one with the lock. The browser passes it on when its page is gone, however it went.
import type { Locks } from './platform.ts';

export interface ElectionOptions {
  readonly locks: Locks;
  readonly name: string;
  readonly tabId: string;
  /** This tab has the lock until it resolves, or until another tab took it away (`taken`). Does not reject. */
  readonly lead: (taken: AbortSignal) => Promise<void>;
  /** Before this tab stands for it (again). */
  readonly rest: () => Promise<void>;
}

export class Election {
  readonly #options: ElectionOptions;
  #stopped = false;
  #seizing = false;
  #queueing = new AbortController();
  #endLife = () => {};

  constructor(options: ElectionOptions) {
    this.#options = options;
    const { locks, tabId } = options;
    const life = new Promise<void>((resolve) => (this.#endLife = resolve));
    void locks.request(this.#lockOf(tabId), {}, () => life);
    void this.#run();
  }

  /** Takes the lock from the tab that has it. */
  seize(): void {
    this.#seizing = true;
    this.#queueing.abort();
  }

  stop(): void {
    this.#stopped = true;
    this.#queueing.abort();
    this.#endLife();
  }

  /** Resolves when that tab is gone, or the signal says that nobody wants to know any more. */
  async gone(tabId: string, signal: AbortSignal): Promise<void> {
    await this.#options.locks.request(this.#lockOf(tabId), { signal }, async () => {}).catch(() => {});
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      // One turn after the other is the point.
      // oxlint-disable-next-line no-await-in-loop
      await this.#takeTurn();
    }
  }

  async #takeTurn(): Promise<void> {
    const { locks, name, lead, rest } = this.#options;
    await rest();
    if (this.#stopped) return;
    const taken = new AbortController();
    this.#queueing = new AbortController();
    const options = this.#seizing ? { steal: true } : { signal: this.#queueing.signal };
    this.#seizing = false;
    let led = Promise.resolve();
    try {
      await locks.request(name, options, () => (led = lead(taken.signal)));
    } catch {
      // Stolen, or called off to do something else.
    }
    taken.abort();
    await led;
  }

  readonly #lockOf = (tabId: string): string => `${this.#options.name}/${tabId}`;
}
