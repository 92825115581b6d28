// Whose coming and going the app wants to know: watched over each connection anew, as long as somebody wants it.
import { peopleLimits } from '../../protocol/client-limits.ts';
import { backoffMs, resendBackoff } from '../backoff.ts';
import type { ClientEvents } from '../client-events.ts';
import type { Request } from '../connection/connection.ts';
import type { CancelTimer, Environment } from '../environment.ts';
import { toImError, type ImError } from '../errors.ts';
import type { Emitter } from '../events.ts';
import type { PresencePush } from '../extra-frames.ts';
import { portions } from '../sync/portions.ts';
import { takeTurns } from '../sync/serial.ts';

/** Who goes may be back in a moment, over another connection. */
const DOUBT_MS = 10_000;

export interface WatchingOptions {
  readonly request: Request;
  readonly environment: Environment;
  readonly events: Emitter<ClientEvents>;
  readonly onError: (error: ImError) => void;
}

type Presence = ClientEvents['presence'];

interface Watch {
  readonly users: readonly string[];
  readonly end: () => void;
}

export class Watching {
  readonly #options: WatchingOptions;
  readonly #watches = new Map<string, Watch>();
  /** `cancel`: of the timer after which they are believed to be gone. */
  readonly #seen = new Map<string, { readonly shown: Presence; readonly cancel?: CancelTimer }>();
  /** On the present connection; absent: there is none, or it is not synced. */
  #watched: Set<string> | undefined;
  /** By a push, which knows more than an answer that is on its way. */
  readonly #heard = new Set<string>();
  #failures = 0;
  #cancelTimer: CancelTimer | undefined;
  readonly #inTurn = takeTurns();

  constructor(options: WatchingOptions) {
    this.#options = options;
  }

  /** Resolves when it has ended. */
  begin(watchId: string, users: readonly string[]): Promise<void> {
    const ended = new Promise<void>((end) => this.#watches.set(watchId, { users, end }));
    // Who is watched already is told once more, for who wants to know now.
    for (const userId of new Set(users)) {
      const known = this.#seen.get(userId);
      if (known) this.#options.events.emit('presence', known.shown);
    }
    this.#reconcile();
    return ended;
  }

  end(watchId: string): void {
    this.#watches.get(watchId)?.end();
    this.#watches.delete(watchId);
    this.#reconcile();
  }

  endAll(): void {
    for (const { end } of this.#watches.values()) end();
    this.#watches.clear();
    this.#forget(new Set());
  }

  /** Synced to the head, on a connection that watches nobody yet, or again. */
  resume(): void {
    if (this.#watched) return;
    this.#watched = new Set();
    this.#reconcile();
  }

  pause(): void {
    this.#watched = undefined;
    this.#failures = 0;
    this.#cancelTimer?.();
  }

  takePush({ userId, online, since }: PresencePush): void {
    this.#heard.add(userId);
    if (this.#wanted().has(userId)) this.#note({ userId, online, since });
  }

  #wanted(): Set<string> {
    return new Set([...this.#watches.values()].flatMap(({ users }) => users));
  }

  #forget(wanted: ReadonlySet<string>): void {
    for (const [userId, { cancel }] of this.#seen) {
      if (wanted.has(userId)) continue;
      cancel?.();
      this.#seen.delete(userId);
    }
  }

  /** One change after the other, so that none overtakes another. */
  #reconcile(): void {
    void this.#inTurn(async () => {
      const watched = this.#watched;
      this.#forget(this.#wanted());
      if (!watched) return;
      try {
        await this.#settle(watched);
        this.#failures = 0;
      } catch (reason) {
        const error = toImError(reason);
        if (this.#watched !== watched) return;
        if (error.retryable) this.#retryLater(error);
        else this.#options.onError(error);
      }
    });
  }

  async #settle(watched: Set<string>): Promise<void> {
    const { request } = this.#options;
    const wanted = this.#wanted();
    const ended = [...watched].filter((userId) => !wanted.has(userId));
    for (const userId of ended) watched.delete(userId);
    for (const users of portions(ended, peopleLimits.presence)) await request('unwatchPresence', { users });
    const added = [...wanted].filter((userId) => !watched.has(userId));
    for (const users of portions(added, peopleLimits.presence)) {
      this.#heard.clear();
      const answer = await request('watchPresence', { users });
      for (const userId of users) watched.add(userId);
      for (const { userId, online, lastSeen } of answer.users) {
        if (!this.#heard.has(userId)) {
          this.#note({ userId, online, ...(lastSeen !== undefined && { since: lastSeen }) });
        }
      }
    }
  }

  #retryLater({ retryAfterMs = 0 }: ImError): void {
    const { environment } = this.#options;
    const delayMs = backoffMs(resendBackoff, this.#failures++, environment.random());
    this.#cancelTimer?.();
    this.#cancelTimer = environment.setTimer(() => this.#reconcile(), Math.max(delayMs, retryAfterMs));
  }

  #note(now: Presence): void {
    const { userId, online } = now;
    const before = this.#seen.get(userId);
    before?.cancel?.();
    if (online || !before?.shown.online) return this.#show(now);
    const cancel = this.#options.environment.setTimer(() => this.#show(now), DOUBT_MS);
    this.#seen.set(userId, { shown: before.shown, cancel });
  }

  #show(now: Presence): void {
    const before = this.#seen.get(now.userId);
    this.#seen.set(now.userId, { shown: now });
    if (before?.shown.online !== now.online) this.#options.events.emit('presence', now);
  }
}
