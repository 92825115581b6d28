// How users present themselves: kept for a while, and asked for once by all who want to show somebody at a time.
import { isId } from '../../protocol/ids.ts';
import { peopleLimits } from '../../protocol/client-limits.ts';
import type { Profile } from '../../protocol/server-frames.ts';
import type { ClientEvents } from '../client-events.ts';
import type { Device } from '../device.ts';
import { notUserId, toImError } from '../errors.ts';
import { takeTurns } from '../sync/serial.ts';

/** Who was not shown for the longest time goes first. */
const MAX_KEPT = 5_000;
/** Older ones are shown, and asked for again. */
const FRESH_MS = 5 * 60_000;

interface Kept {
  readonly profile: Profile;
  readonly at: number;
}

/** Asked for within one tick, and so by one request. */
interface Batch {
  readonly users: string[];
  readonly answer: Promise<readonly Profile[]>;
}

export class Profiles {
  readonly #device: Device;
  readonly #kept = new Map<string, Kept>();
  readonly #underWay = new Map<string, Promise<Profile | undefined>>();
  /** Shown without a profile, for the server was out of reach. */
  readonly #missed = new Set<string>();
  readonly #inTurn = takeTurns();
  #batch: Batch | undefined;

  constructor(device: Device) {
    this.#device = device;
  }

  /** What is known now; what is not, or is old, is asked for. */
  get(userId: string): Profile | undefined {
    const kept = this.#use(userId);
    if (!kept || !this.#isFresh(kept)) {
      this.#fetch(userId).catch((error: unknown) => {
        if (toImError(error).retryable && this.#missed.size < MAX_KEPT) this.#missed.add(userId);
      });
    }
    return kept?.profile;
  }

  /** Each once, in the order asked. Rejects with ImError where one is neither kept nor to be had. */
  async all(userIds: readonly string[]): Promise<Profile[]> {
    const found = await Promise.all(
      [...new Set(userIds)].map(async (userId) => {
        const kept = this.#use(userId);
        if (kept && this.#isFresh(kept)) return kept.profile;
        const fetched = this.#fetch(userId);
        return kept ? fetched.catch(() => kept.profile) : fetched;
      }),
    );
    return found.filter((profile) => profile !== undefined);
  }

  hear<Name extends keyof ClientEvents>(name: Name, payload: ClientEvents[Name]): void {
    if (name === 'profilesChanged') {
      for (const profile of (payload as ClientEvents['profilesChanged']).users) this.#note(profile);
    } else if (name === 'synced') {
      const missed = [...this.#missed];
      this.#missed.clear();
      for (const userId of missed) this.get(userId);
    }
  }

  #use(userId: string): Kept | undefined {
    const kept = this.#kept.get(userId);
    if (kept) this.#keep(userId, kept);
    return kept;
  }

  #keep(userId: string, kept: Kept): void {
    this.#kept.delete(userId);
    this.#kept.set(userId, kept);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= MAX_KEPT) break;
      this.#kept.delete(oldest);
    }
  }

  #isFresh(kept: Kept): boolean {
    return this.#device.environment.now() - kept.at < FRESH_MS;
  }

  #fetch(userId: string): Promise<Profile | undefined> {
    if (!isId(userId)) return Promise.reject(notUserId(userId));
    const known = this.#underWay.get(userId);
    if (known) return known;
    if (!this.#batch || this.#batch.users.length >= peopleLimits.profiles) this.#batch = this.#collect();
    const { users, answer } = this.#batch;
    users.push(userId);
    const fetched = answer.then((found) => found.find((profile) => profile.userId === userId));
    this.#underWay.set(userId, fetched);
    return fetched;
  }

  #collect(): Batch {
    const users: string[] = [];
    const answer = this.#inTurn(async () => {
      if (this.#batch?.users === users) this.#batch = undefined;
      try {
        const found = await this.#device.ask('profiles', users);
        const news = found.filter((profile) => this.#note(profile));
        if (news.length > 0) this.#device.events.emit('profilesChanged', { users: news });
        return found;
      } finally {
        for (const userId of users) this.#underWay.delete(userId);
      }
    });
    return { users, answer };
  }

  /** An answer that was long under way does not come over a newer one. Says whether it is another than before. */
  #note(profile: Profile): boolean {
    const { userId, version } = profile;
    const kept = this.#kept.get(userId);
    const isOlder = kept && this.#isFresh(kept) && version <= kept.profile.version;
    this.#keep(userId, { profile: isOlder ? kept.profile : profile, at: this.#device.environment.now() });
    return !isOlder && version !== kept?.profile.version;
  }
}
