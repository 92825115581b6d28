// Brings the device up to date and keeps it so. One loop does both: pull until the head, then move over the pushes
// that came meanwhile and those that come; a gap between them and the position, and it pulls again.
import type { Acks } from './acks.ts';
import type { Request } from '../connection/connection.ts';
import type { ClientEvents } from '../client-events.ts';
import type { CancelTimer, Environment } from '../environment.ts';
import { ImError, toImError } from '../errors.ts';
import type { Emitter } from '../events.ts';
import { advance, type MailboxExtent } from './extents.ts';
import type { Stay, SyncPush, TakenEvent } from '../frames.ts';
import type { Arrival, Delivery } from '../store/gap-buffer.ts';
import type { Inbox, Intake } from './inbox.ts';
import { backoffMs, reconnectBackoff } from '../backoff.ts';
import type { listConversations, takeList } from './conversation-list.ts';
import { isForeign, type MailboxState } from './mailbox.ts';
import type { startOver } from './reset.ts';
import type { Store } from '../store/store.ts';
import { Waiters } from '../waiters.ts';

/** Pushes that are kept during a catch-up; of what is beyond, only the need to pull is. */
const MAX_BUFFERED_PUSHES = 500;

/** For a device that the mailbox does not tell of everything. */
export interface Recovery {
  readonly startOver: typeof startOver;
  readonly listConversations: typeof listConversations;
  readonly takeList: typeof takeList;
}

export interface SyncOptions {
  readonly store: Store;
  readonly inbox: Inbox;
  readonly acks: Acks;
  readonly request: Request;
  readonly environment: Environment;
  readonly events: Emitter<ClientEvents>;
  /** Rejects with ImError that is worth trying again. */
  readonly recovery: () => Promise<Recovery>;
  readonly onSyncing: () => void;
  /** At the head, for the first time since the connection opened or for another time after a gap. */
  readonly onSynced: () => void;
  /** Groups that the user came into or went from, and large ones that have something new. */
  readonly onStays: (stays: readonly Stay[]) => void;
  readonly onReset: () => void;
  readonly onError: (error: ImError) => void;
}

/** At work, it has pulled since that was last wanted, or `pull` says that it still has to. */
interface Work {
  readonly is: 'working';
  pull: boolean;
}

type State =
  | { readonly is: 'offline' }
  | { readonly is: 'idle' }
  | Work
  /** It failed while the connection lives. */
  | { readonly is: 'waiting'; readonly cancel: CancelTimer };

export class Sync {
  readonly #options: SyncOptions;
  /** What an older state began, stops. */
  #state: State = { is: 'offline' };
  #failures = 0;
  #extents: MailboxExtent[] = [];
  readonly #waiters = new Waiters();

  constructor(options: SyncOptions) {
    this.#options = options;
  }

  /** A connection is open. */
  start(): void {
    this.stop();
    this.#begin({ is: 'working', pull: true });
  }

  /** The connection is gone. */
  stop(): void {
    this.#leave({ is: 'offline' });
    this.#failures = 0;
    this.#extents = [];
  }

  takePush({ from, to, events }: SyncPush): void {
    const state = this.#state;
    if (state.is === 'offline') return;
    if (this.#extents.length >= MAX_BUFFERED_PUSHES) return this.#pull();
    this.#extents.push({ from, to, events });
    if (state.is === 'idle') this.#begin({ is: 'working', pull: false });
    else this.#resume();
  }

  /** The mailbox reaches up to there: if that is news, it was lost on the way. */
  noteHead({ head, mailbox }: MailboxState): void {
    const { store } = this.#options;
    if (head > (store.meta.position ?? 0) || isForeign(store, mailbox)) this.#pull();
  }

  /** Asks for what may have been missed; resolves when the head is reached. */
  refresh(): Promise<void> {
    const reached = this.#waiters.wait();
    this.#pull();
    return reached;
  }

  /** There will be no further connection. */
  end(error: ImError): void {
    this.stop();
    this.#waiters.settle(error);
  }

  #pull(): void {
    if (this.#state.is === 'working') this.#state.pull = true;
    else if (this.#state.is === 'idle') this.#begin({ is: 'working', pull: true });
    else this.#resume();
  }

  /** After a failure: whatever it was doing, the mailbox has it. */
  #resume(): void {
    if (this.#state.is === 'waiting') this.#begin({ is: 'working', pull: true });
  }

  #leave(next: State): void {
    if (this.#state.is === 'waiting') this.#state.cancel();
    this.#state = next;
  }

  #begin(work: Work): void {
    this.#leave(work);
    this.#work(work).catch((error: unknown) => {
      if (this.#state === work) this.#retryLater(toImError(error));
    });
  }

  async #work(work: Work): Promise<void> {
    const isCurrent = () => this.#state === work;
    while (isCurrent()) {
      if (work.pull) {
        work.pull = false;
        this.#options.onSyncing();
        const before = this.#options.store.meta.position;
        await this.#pullAll(isCurrent);
        const gap = isCurrent() && (await this.#follow(isCurrent)) === 'gap';
        if (!isCurrent()) return;
        if (!gap) this.#options.onSynced();
        else if (this.#options.store.meta.position !== before) work.pull = true;
        else throw noProgress();
      } else if ((await this.#follow(isCurrent)) === 'gap') {
        work.pull = true;
      } else if (!work.pull && this.#extents.length === 0) {
        break;
      }
    }
    if (!isCurrent()) return;
    this.#state = { is: 'idle' };
    this.#failures = 0;
    this.#waiters.settle();
  }

  /** Page after page up to the head. Asking for the next page acknowledges the one before: it is stored by then. */
  async #pullAll(isCurrent: () => boolean): Promise<void> {
    const { acks, inbox, request, store } = this.#options;
    for (let more = true; more && isCurrent();) {
      const after = store.meta.position;
      const answer = await request('sync', after === null ? {} : { after });
      if (!isCurrent()) return;
      if (after !== null) acks.noteTold(after);
      const { mailbox } = answer;
      if ('reset' in answer || isForeign(store, mailbox)) {
        const { startOver } = await this.#options.recovery();
        if (!isCurrent()) return;
        const reason = await startOver(this.#options, answer);
        this.#options.onReset();
        this.#options.events.emit('reset', { reason, head: answer.head });
        acks.reset();
        continue;
      }
      const { events, next } = answer;
      const begin = next - events.length;
      // The first page ever says where this device begins; from 1 it misses nothing.
      const meta = {
        position: next,
        ...(mailbox !== undefined && { mailbox }),
        ...(after === null && { complete: begin === 0 }),
      };
      more = answer.more;
      if (more && next <= (after ?? -1)) throw noProgress();
      const recovery = after === null && begin > 0 ? await this.#options.recovery() : undefined;
      const listed = await recovery?.listConversations(request);
      if (!isCurrent()) return;
      const intake = intakeOf(events, 'catch-up');
      await inbox.take({ ...intake, meta });
      this.#tell(intake, events);
      if (listed) await recovery?.takeList(this.#options, listed);
      if (isCurrent()) acks.noteStored(events.length);
    }
  }

  /** Moves over what was pushed, as far as it joins up. */
  async #follow(isCurrent: () => boolean): Promise<'up to date' | 'gap'> {
    const { acks, inbox, store } = this.#options;
    const before = store.meta.position ?? 0;
    const { position, events, rest } = advance(before, this.#extents.splice(0));
    if (position > before) {
      const intake = intakeOf(events, 'live');
      await inbox.take({ ...intake, meta: { position } });
      this.#tell(intake, events);
      if (!isCurrent()) return 'up to date';
      acks.noteStored(events.length);
    }
    this.#extents.unshift(...rest);
    return rest.length > 0 ? 'gap' : 'up to date';
  }

  /** What is no message of a conversation, once it is stored that it came. */
  #tell({ stays }: { readonly stays: readonly Stay[] }, events: readonly TakenEvent[]): void {
    this.#options.onStays(stays);
    for (const { contact } of events) if (contact) this.#options.events.emit('contactChanged', contact);
  }

  /** The connection lives, but sync failed: again after a while. A lost connection begins anew by itself. */
  #retryLater(error: ImError): void {
    if (!error.retryable) this.#options.onError(error);
    // A listener may have stopped us.
    if (this.#state.is !== 'working') return;
    const { environment } = this.#options;
    const delayMs = error.retryAfterMs ?? backoffMs(reconnectBackoff, this.#failures++, environment.random());
    this.#state = { is: 'waiting', cancel: environment.setTimer(() => this.#resume(), delayMs) };
  }
}

/** There is more, and the mailbox does not give it. */
const noProgress = () => new ImError('unavailable', 'sync: there is no progress', { retryable: true });

function intakeOf(
  events: readonly TakenEvent[],
  delivery: Delivery,
): Intake & { readonly stays: readonly Stay[] } {
  return {
    arrivals: events.flatMap(({ slot }): Arrival[] => (slot ? [{ slot, delivery }] : [])),
    settings: events.flatMap(({ changed }) => changed ?? []),
    stays: events.flatMap(({ stay }) => stay ?? []),
    targets: events.flatMap(({ slot, target }) =>
      slot && target ? { message: target, controlSeq: slot.seq } : [],
    ),
  };
}
