// Registers this device for push notifications: what the app asked for is kept, and told until a server has answered it;
// one whose mailbox is another has not heard of it yet.
import { backoffMs, resendBackoff } from './backoff.ts';
import type { Request } from './connection/connection.ts';
import type { CancelTimer, Environment } from './environment.ts';
import { toImError, type ImError } from './errors.ts';
import { isToRegister } from './needs.ts';
import type { PushTarget } from './store/schema.ts';
import type { Store } from './store/store.ts';
import { takeTurns } from './sync/serial.ts';

export interface RegistrationOptions {
  readonly store: Store;
  readonly request: Request;
  readonly environment: Environment;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: ImError) => void;
}

export class Registration {
  readonly #options: RegistrationOptions;
  readonly #waiters = new Set<Waiter>();
  readonly #inTurn = takeTurns();
  #active = false;
  #failures = 0;
  #cancelTimer: CancelTimer | undefined;

  constructor(options: RegistrationOptions) {
    this.#options = options;
  }

  /** `null`: none. Resolves when the server has it, or something that was wanted since. Rejects with ImError. */
  want(target: PushTarget | null): Promise<void> {
    return new Promise((resolve, reject) => {
      const kept = this.#inTurn(async () => {
        await this.#options.store.keepPush({ target });
        this.#waiters.add({ resolve, reject });
      });
      kept.then(() => this.#tell(), reject);
    });
  }

  /** Synced to the head: the name of the mailbox is known. */
  resume(): void {
    this.#active = true;
    this.#tell();
  }

  pause(): void {
    this.#active = false;
    this.#failures = 0;
    this.#cancelTimer?.();
  }

  /** There will be no further connection: the next start tells what is kept. Resolves when what is wanted is kept. */
  end(error: ImError): Promise<void> {
    return this.#inTurn(async () => this.#settle(({ reject }) => reject(error)));
  }

  #tell(): void {
    void this.#inTurn(async () => {
      const { request, store } = this.#options;
      const { push } = store;
      const mailbox = store.meta.mailbox ?? '';
      if (!this.#active || !push || !isToRegister(store)) return;
      const { target } = push;
      try {
        await request('device', target ?? { remove: true });
      } catch (reason) {
        const error = toImError(reason);
        if (error.retryable) return this.#retryLater(error);
        await this.#keep(undefined);
        return this.#settle(({ reject }) => reject(error));
      }
      await this.#keep(target ? { target, toldTo: mailbox } : undefined);
      this.#failures = 0;
      this.#settle(({ resolve }) => resolve());
    });
  }

  /** If it cannot be stored, the next start tells it again. */
  async #keep(push: Store['push']): Promise<void> {
    await this.#options.store.keepPush(push).catch(() => {});
  }

  #retryLater({ retryAfterMs = 0 }: ImError): void {
    if (!this.#active) return;
    const { environment } = this.#options;
    const delayMs = backoffMs(resendBackoff, this.#failures++, environment.random());
    this.#cancelTimer?.();
    this.#cancelTimer = environment.setTimer(() => this.#tell(), Math.max(delayMs, retryAfterMs));
  }

  #settle(settle: (waiter: Waiter) => void): void {
    for (const waiter of this.#waiters) settle(waiter);
    this.#waiters.clear();
  }
}
