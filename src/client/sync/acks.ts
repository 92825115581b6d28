// Tells the server how far this device has come: coalesced, and only what other requests have not told already.
import type { CancelTimer, Environment } from '../environment.ts';
import type { Store } from '../store/store.ts';

const ACK_DELAY_MS = 10_000;
const ACK_AFTER_EVENTS = 32;

export interface AcksOptions {
  readonly environment: Environment;
  readonly store: Pick<Store, 'meta'>;
  readonly send: (cursor: number) => void;
}

export class Acks {
  readonly #options: AcksOptions;
  #told = 0;
  #untoldEvents = 0;
  #cancelTimer: CancelTimer | undefined;

  constructor(options: AcksOptions) {
    this.#options = options;
  }

  /** More is stored. */
  noteStored(events: number): void {
    if (this.cursorToTell() === undefined) return;
    this.#untoldEvents += events;
    if (this.#untoldEvents >= ACK_AFTER_EVENTS) this.flush();
    else this.#cancelTimer ??= this.#options.environment.setTimer(() => this.flush(), ACK_DELAY_MS);
  }

  /** Another request carried it (`sync` by its `after`, `ping` and `send` by their `cursor`). */
  noteTold(cursor: number): void {
    // An answer may come when the mailbox has begun anew: then its cursor says nothing.
    this.#told = Math.max(this.#told, Math.min(cursor, this.#options.store.meta.position ?? 0));
    if (this.cursorToTell() === undefined) this.stop();
  }

  cursorToTell(): number | undefined {
    const { position } = this.#options.store.meta;
    return position !== null && position > this.#told ? position : undefined;
  }

  /** The connection is gone: the next `sync` tells. */
  stop(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#untoldEvents = 0;
  }

  /** The mailbox begins anew. */
  reset(): void {
    this.stop();
    this.#told = 0;
  }

  /** Tells at once what is not told yet. */
  flush(): void {
    const cursor = this.cursorToTell();
    this.stop();
    if (cursor === undefined) return;
    this.#options.send(cursor);
    this.#told = cursor;
  }
}
