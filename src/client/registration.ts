// Registers this device for push notifications: what the app asked for is kept, and told until a server has answered it;
// one whose mailbox is another has not heard of it yet.
import { backoffMs, resendBackoff } from './backoff.ts';
import type { Request } from './connection/connection.ts';
import type { CancelTimer, Environment } from './environment.ts';
import { toImError, type ImError } from './errors.ts';
import { isToRegister } from './needs.ts';
import type { PushWish } from './push-wish.ts';
import type { Store } from './store/store.ts';

export interface RegistrationOptions {
  readonly store: Store;
  readonly wish: PushWish;
  readonly request: Request;
  readonly environment: Environment;
}

export class Registration {
  readonly #options: RegistrationOptions;
  #active = false;
  #failures = 0;
  #cancelTimer: CancelTimer | undefined;

  constructor(options: RegistrationOptions) {
    this.#options = options;
  }

  /** Synced to the head: the name of the mailbox is known. */
  resume(): void {
    this.#active = true;
    this.tell();
  }

  pause(): void {
    this.#active = false;
    this.#failures = 0;
    this.#cancelTimer?.();
  }

  tell(): void {
    void this.#options.wish.inTurn(async () => {
      const { request, store, wish } = this.#options;
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
        return wish.waiters.settle(error);
      }
      await this.#keep(target ? { target, toldTo: mailbox } : undefined);
      this.#failures = 0;
      wish.waiters.settle();
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
    this.#cancelTimer = environment.setTimer(() => this.tell(), Math.max(delayMs, retryAfterMs));
  }
}
