// Who types in a conversation, and that this user does. Nothing is stored of it: what is lost, time mends.
import type { ClientEvents } from '../client-events.ts';
import type { Request } from '../connection/connection.ts';
import type { CancelTimer, Environment } from '../environment.ts';
import type { Emitter } from '../events.ts';
import type { TypingPush } from '../extra-frames.ts';

/** At most one frame in so long, however often a key is pressed. */
const TELL_MS = 3_000;
/** Who does not tell it again in so long has stopped. */
const BELIEVED_MS = 6_000;

export interface TypingOptions {
  readonly userId: string;
  readonly request: Request;
  readonly environment: Environment;
  readonly events: Emitter<ClientEvents>;
}

export class Typing {
  readonly #options: TypingOptions;
  readonly #typists = new Map<string, Map<string, CancelTimer>>();
  /** Of each conversation, what this connection told last. */
  readonly #told = new Map<string, { readonly at: number; readonly stopped: boolean }>();

  constructor(options: TypingOptions) {
    this.#options = options;
  }

  /** Where that fails, nothing is lost but a hint. */
  tell(conversationId: string, stopped: boolean): void {
    const { environment, request } = this.#options;
    const last = this.#told.get(conversationId);
    const isNews = stopped ? last?.stopped === false : !last || environment.now() - last.at >= TELL_MS;
    if (!isNews) return;
    this.#told.set(conversationId, { at: stopped ? last!.at : environment.now(), stopped });
    request('typing', { conversationId, ...(stopped && { stopped }) }).catch(() => {});
  }

  takePush({ conversationId, from, stopped }: TypingPush): void {
    if (stopped) return this.end(conversationId, from);
    if (from === this.#options.userId) return;
    const typists = this.#typists.get(conversationId) ?? new Map<string, CancelTimer>();
    this.#typists.set(conversationId, typists);
    const isKnown = typists.has(from);
    typists.get(from)?.();
    const end = () => this.end(conversationId, from);
    typists.set(from, this.#options.environment.setTimer(end, BELIEVED_MS));
    if (!isKnown) this.#emit(conversationId, typists);
  }

  /** They stopped, or their message is there. */
  end(conversationId: string, userId: string): void {
    const typists = this.#typists.get(conversationId);
    const cancel = typists?.get(userId);
    if (!typists || !cancel) return;
    cancel();
    typists.delete(userId);
    if (typists.size === 0) this.#typists.delete(conversationId);
    this.#emit(conversationId, typists);
  }

  /** The connection is gone; whoever types is heard of again, or not. */
  pause(): void {
    this.#told.clear();
  }

  endAll(): void {
    for (const typists of this.#typists.values()) for (const cancel of typists.values()) cancel();
    this.#typists.clear();
  }

  #emit(conversationId: string, typists: ReadonlyMap<string, CancelTimer>): void {
    this.#options.events.emit('typing', { conversationId, users: [...typists.keys()] });
  }
}
