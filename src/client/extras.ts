// What not every app needs, and none at its start: loaded with the first need of it, and from then on paused and resumed with
// the connection as the rest is.
import type { ClientEvents } from './client-events.ts';
import type { Request } from './connection/connection.ts';
import type { Environment } from './environment.ts';
import type { ImError } from './errors.ts';
import type { Emitter } from './events.ts';
import { extraAnswers, extraPush } from './extra-frames.ts';
import { completeShown, extraOperations } from './extra-operations.ts';
import { learnAnswers, type ExtraPush } from './frames.ts';
import { attempt } from './reader.ts';
import { Typing } from './people/typing.ts';
import { Watching } from './people/watching.ts';
import type { PushWish } from './push-wish.ts';
import { Registration } from './registration.ts';
import type { Store } from './store/store.ts';
import { listConversations, takeList } from './sync/conversation-list.ts';
import { HoleRepair } from './sync/hole-repair.ts';
import type { Inbox } from './sync/inbox.ts';
import { Looking } from './sync/looking.ts';
import type { Reads } from './sync/reads.ts';
import { startOver } from './sync/reset.ts';
import { Telling } from './sync/telling.ts';
import { withoutRefused } from './sync/trial.ts';

export interface ExtrasOptions {
  readonly store: Store;
  readonly wish: PushWish;
  readonly inbox: Inbox;
  readonly reads: Reads;
  readonly request: Request;
  readonly environment: Environment;
  readonly events: Emitter<ClientEvents>;
  readonly onError: (error: ImError) => void;
}

export class Extras {
  readonly operations = extraOperations;
  readonly recovery = { startOver, listConversations, takeList };
  readonly completeShown = completeShown;
  readonly withoutRefused = withoutRefused;
  readonly holes: HoleRepair;
  readonly looking: Looking;
  readonly registration: Registration;
  readonly telling: Telling;
  readonly typing: Typing;
  readonly watching: Watching;
  readonly #events: Emitter<ClientEvents>;

  constructor(options: ExtrasOptions) {
    this.#events = options.events;
    learnAnswers(extraAnswers);
    this.holes = new HoleRepair(options);
    this.looking = new Looking({ ...options, holes: this.holes });
    this.registration = new Registration(options);
    this.telling = new Telling(options);
    this.typing = new Typing({ ...options, userId: options.store.meta.userId });
    this.watching = new Watching(options);
  }

  /** Synced to the head. */
  resume(): void {
    this.holes.resume();
    this.looking.resume();
    this.telling.resume();
    this.watching.resume();
    this.registration.resume();
  }

  pause(): void {
    this.holes.pause();
    this.looking.pause();
    this.registration.pause();
    this.telling.pause();
    this.typing.pause();
    this.watching.pause();
  }

  /** What cannot be read is passed over. */
  takePush(unread: ExtraPush): void {
    const push = attempt(extraPush, unread);
    switch (push?.push) {
      case 'group':
        return void this.looking.takePush(push);
      case 'typing':
        return this.typing.takePush(push);
      case 'presence':
        return this.watching.takePush(push);
      case 'ephemeral':
        return this.#events.emit('ephemeral', { message: push.message });
      case undefined:
    }
  }

  endAll(): void {
    this.looking.endAll();
    this.typing.endAll();
    this.watching.endAll();
  }
}
