// What this user has read here is told until the server has it.
import { backoffMs, resendBackoff } from '../backoff.ts';
import type { Request } from '../connection/connection.ts';
import type { CancelTimer, Environment } from '../environment.ts';
import { toImError } from '../errors.ts';
import { isUntold } from '../needs.ts';
import type { Store } from '../store/store.ts';
import type { Inbox } from './inbox.ts';
import type { Reads } from './reads.ts';

const TELL_AFTER_MS = 1_000;

export interface TellingOptions {
  readonly store: Store;
  readonly inbox: Inbox;
  readonly reads: Reads;
  readonly request: Request;
  readonly environment: Environment;
}

export class Telling {
  readonly #options: TellingOptions;
  #active = false;
  #failures = 0;
  #cancelTimer: CancelTimer | undefined;

  constructor(options: TellingOptions) {
    this.#options = options;
  }

  /** Synced to the head: tells what a connection before this one did not, a second later. */
  resume(): void {
    this.#active = true;
    this.schedule();
  }

  pause(): void {
    this.#active = false;
    this.#failures = 0;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  /** There is something to tell. */
  schedule(delayMs: number = TELL_AFTER_MS): void {
    if (!this.#active) return;
    this.#cancelTimer ??= this.#options.environment.setTimer(() => {
      this.#cancelTimer = undefined;
      void this.#tell();
    }, delayMs);
  }

  async #tell(): Promise<void> {
    const { inbox, reads, request, store } = this.#options;
    const unsure: string[] = [];
    for (const record of store.conversations) {
      if (!this.#active) return;
      if (!isUntold(record)) continue;
      const { conversationId, readSeq } = record;
      try {
        const answer = await request('read', { conversationId, seq: readSeq });
        await inbox.note([{ conversationId, readSeq: answer.readSeq, isTold: true }]);
        if (answer.unread !== store.conversation(conversationId).unread) unsure.push(conversationId);
      } catch (error) {
        if (toImError(error).retryable) return this.#retryLater();
        // The user is not in this conversation any more.
        await inbox.note([{ conversationId, readSeq, isTold: true }]).catch(() => {});
      }
    }
    this.#failures = 0;
    await reads.ask(unsure);
  }

  #retryLater(): void {
    this.schedule(backoffMs(resendBackoff, this.#failures++, this.#options.environment.random()));
  }
}
