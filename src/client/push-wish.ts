// Where this device wants to be notified: kept at once, while what tells the server may have yet to be loaded.
import type { ImError } from './errors.ts';
import type { PushTarget } from './store/schema.ts';
import type { Store } from './store/store.ts';
import { takeTurns } from './sync/serial.ts';
import { Waiters } from './waiters.ts';

export class PushWish {
  /** What is kept, and what is told of it. */
  readonly inTurn = takeTurns();
  readonly waiters = new Waiters();

  /** `null`: nowhere. Resolves when the server has it, or something that was wanted since. Rejects with ImError. */
  async want(target: PushTarget | null, store: Store, onKept: () => void): Promise<void> {
    const { told } = await this.inTurn(async () => {
      await store.keepPush({ target });
      return { told: this.waiters.wait() };
    });
    onKept();
    await told;
  }

  /** There will be no further connection: the next start tells what is kept. Resolves when what is wanted is kept. */
  end(error: ImError): Promise<void> {
    return this.inTurn(async () => this.waiters.settle(error));
  }
}
