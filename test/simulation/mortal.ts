// What a device is made of that may die at any moment: a network and a clock that end with its life.
import type { CancelTimer, Environment, WebSocketConstructor } from '../../src/client/environment.ts';
import type { Random } from '../../local/faults/random.ts';
import type { Frame, Journal } from './journal.ts';
import type { WishLog } from './people/wishes.ts';
import type { Stage, StageSocket } from './stage.ts';

export interface Life {
  over: boolean;
  /** What its disk does in the middle of a commit. */
  onCommit: () => void;
  /** What else is gone with it. */
  readonly ends: Set<() => void>;
  readonly timers: Set<CancelTimer>;
  readonly sockets: Set<StageSocket>;
}

/** What is seen at a device's sockets. */
export interface Witnesses {
  readonly journal: Journal;
  readonly wishLog: WishLog;
  readonly tab?: number | undefined;
}

export function mortalSockets(
  stage: Stage,
  life: Life,
  { journal, wishLog, tab }: Witnesses,
): WebSocketConstructor {
  const Socket = stage.sockets((socket) => {
    if (life.over) socket.forsake();
    else life.sockets.add(socket);
  });
  return class extends Socket {
    private readonly seen: ReturnType<Journal['connection']>;
    private readonly wishes = wishLog.connection();

    constructor(url: string, protocols: string[]) {
      super(url, protocols);
      this.seen = journal.connection(url, tab);
      this.addEventListener('message', ({ data }) => {
        if (life.over) return;
        const frame = JSON.parse(String(data)) as Frame;
        this.seen.hear(frame);
        this.wishes.hear(frame);
      });
    }

    override send(data: string): void {
      if (!life.over) {
        const frame = JSON.parse(data) as Frame;
        this.seen.leave(frame);
        this.wishes.leave(frame);
      }
      super.send(data);
    }
  };
}

export function mortalEnvironment(stage: Stage, life: Life, random: Random): Partial<Environment> {
  const environment = stage.environment(random);
  return {
    ...environment,
    random: () => random.next(),
    setTimer(callback, delayMs) {
      const fire = () => {
        life.timers.delete(cancel);
        if (!life.over) callback();
      };
      const cancel = environment.setTimer(fire, delayMs);
      life.timers.add(cancel);
      return () => {
        life.timers.delete(cancel);
        cancel();
      };
    },
  };
}
