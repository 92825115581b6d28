// Users as an app shows them: what knows them is loaded with the first who is asked for.
import type { Profile } from '../../protocol/server-frames.ts';
import type { ClientEvents } from '../client-events.ts';
import { checkOpen, type Device } from '../device.ts';
import { loaded } from '../loading.ts';
import type { Known } from './known.ts';

export class People {
  readonly #device: Device;
  #known: Known | undefined;
  #loading: Promise<Known> | undefined;
  /** Before anybody was known. */
  readonly #shown = new Set<string>();

  constructor(device: Device) {
    this.#device = device;
    // Before the app hears it, which may ask at once.
    device.events.onAny((name, payload) => this.#hear(name, payload));
  }

  /** Rejects with ImError: `connection_lost` (it is not to be had now), `closed`. */
  async load(): Promise<Known> {
    checkOpen(this.#device);
    this.#loading ??= loaded(import('./known.ts')).then(
      (part) => (this.#known = new part.Known(this.#device)),
      (error: unknown) => {
        this.#loading = undefined;
        throw error;
      },
    );
    return this.#loading;
  }

  profile(userId: string): Profile | undefined {
    if (this.#known) return this.#known.profiles.get(userId);
    this.#shown.add(userId);
    void this.#learn();
    return undefined;
  }

  aliasOf(userId: string): string | undefined {
    return this.#known?.contacts.aliasOf(userId);
  }

  #hear<Name extends keyof ClientEvents>(name: Name, payload: ClientEvents[Name]): void {
    if (this.#known) this.#known.hear(name, payload);
    else if (name === 'synced' && this.#shown.size > 0) void this.#learn();
  }

  /** Those who were shown, in one go. */
  async #learn(): Promise<void> {
    try {
      const { profiles } = await this.load();
      for (const userId of this.#shown) profiles.get(userId);
      this.#shown.clear();
    } catch {
      // With the next who is shown, or the next sync.
    }
  }
}
