// What a device is made of that may die at any moment: a disk, a network and a clock that all end with its life.
import { setTimeout as delay } from 'node:timers/promises';
import {
  standardEnvironment,
  type CancelTimer,
  type Environment,
  type WebSocketConstructor,
} from '../../src/client/environment.ts';
import type { Change, KeyRange, Storage, StoredEntry } from '../../src/client/storage/storage.ts';
import { NodeWebSocket } from '../../src/client/node.ts';
import type { Random } from '../../local/faults/random.ts';

export interface Life {
  over: boolean;
  /** What its storage does in the middle of a commit. */
  onCommit: () => void;
  readonly timers: Set<CancelTimer>;
  readonly sockets: Set<NodeWebSocket>;
}

/** A disk takes its time, and a device may die in it. */
const MAX_COMMIT_MS = 8;

const never = new Promise<never>(() => {});

/** A batch that is under way when the device dies is written or not, and nobody is told. */
export function mortalStorage(disk: Storage, life: Life, random: Random): Storage {
  return {
    list: (range: KeyRange): Promise<StoredEntry[]> => (life.over ? never : disk.list(range)),
    async commit(changes: readonly Change[]): Promise<void> {
      if (life.over) return never;
      await delay(random.between(0, MAX_COMMIT_MS));
      life.onCommit();
      if (life.over && random.next() < 0.5) return never;
      await disk.commit(changes);
      return life.over ? never : undefined;
    },
    close: async () => {},
  };
}

export function mortalSocket(life: Life): WebSocketConstructor {
  class MortalSocket extends NodeWebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols);
      if (life.over) this.terminate();
      life.sockets.add(this);
      this.on('close', () => life.sockets.delete(this));
    }
  }
  return MortalSocket;
}

export function mortalEnvironment(life: Life, random: Random, speed: number): Partial<Environment> {
  return {
    random: () => random.next(),
    setTimer(callback, delayMs) {
      const fire = () => {
        life.timers.delete(cancel);
        if (!life.over) callback();
      };
      const cancel = standardEnvironment.setTimer(fire, delayMs / speed);
      life.timers.add(cancel);
      return () => {
        life.timers.delete(cancel);
        cancel();
      };
    },
  };
}
