// What a device is made of that may die at any moment: a disk, a network and a clock that all end with its life.
import type { CancelTimer, Environment, WebSocketConstructor } from '../../src/client/environment.ts';
import type { Change, KeyRange, Storage, StoredEntry } from '../../src/client/storage/storage.ts';
import type { Random } from '../../local/faults/random.ts';
import type { Journal } from './journal.ts';
import type { WishLog } from './people/wishes.ts';
import type { Stage, StageSocket } from './stage.ts';

export interface Life {
  over: boolean;
  /** What its storage does in the middle of a commit. */
  onCommit: () => void;
  readonly timers: Set<CancelTimer>;
  readonly sockets: Set<StageSocket>;
}

/** A disk takes its time, and a device may die in it. */
const MAX_COMMIT_MS = 8;

/** Anew for each who waits: one for all would hold whatever waits, and so every world of the process. */
const never = () => new Promise<never>(() => {});

/** What outlives it, and what was seen of it. */
export interface Disk {
  readonly disk: Storage;
  readonly journal: Journal;
}

/** A batch that is under way when the device dies is written or not, and nobody is told. */
export function mortalStorage(stage: Stage, { disk, journal }: Disk, life: Life, random: Random): Storage {
  return {
    list: (range: KeyRange): Promise<StoredEntry[]> => (life.over ? never() : disk.list(range)),
    async commit(changes: readonly Change[]): Promise<void> {
      if (life.over) return never();
      await stage.wait(random.between(0, MAX_COMMIT_MS));
      life.onCommit();
      if (life.over && random.next() < 0.5) return never();
      await disk.commit(changes);
      journal.keep(changes);
      return life.over ? never() : undefined;
    },
    close: async () => {},
  };
}

/** What is seen at a device's sockets. */
export interface Witnesses {
  readonly journal: Journal;
  readonly wishLog: WishLog;
}

export function mortalSockets(
  stage: Stage,
  life: Life,
  { journal, wishLog }: Witnesses,
): WebSocketConstructor {
  const Socket = stage.sockets((socket) => {
    if (life.over) socket.forsake();
    else life.sockets.add(socket);
  });
  return class extends Socket {
    private readonly seen = journal.connection();
    private readonly wishes = wishLog.connection();

    constructor(url: string, protocols: string[]) {
      super(url, protocols);
      this.addEventListener('message', ({ data }) => {
        if (life.over) return;
        this.seen.hear(data);
        this.wishes.hear(JSON.parse(String(data)) as Record<string, unknown>);
      });
    }

    override send(data: string): void {
      if (!life.over) {
        this.seen.leave(data);
        this.wishes.leave(JSON.parse(data) as Record<string, unknown>);
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
