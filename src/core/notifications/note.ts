// Notes to look at a device later. They stand in a queue and name the device alone: what is to be said is decided then.

export interface Note {
  /**
   * `away`: the device was not there, and its entry in the offline queue says what waits. `watch`: it looked connected, and
   * was pushed something that it has yet to acknowledge.
   */
  readonly kind: 'away' | 'watch';
  readonly userId: string;
  readonly deviceId: string;
  /** Of the newest entry in the mailbox that it is about. */
  readonly syncSeq: number;
}

/** Where notes go. */
export interface Notes {
  send(notes: readonly Note[], delayMs: number): Promise<void>;
}

/** Devices that are remembered at once; beyond it the one that was noted first is forgotten, and watched twice. */
const MAX_DEVICES = 10_000;

/**
 * Devices that this execution environment is having watched: another note before that one is due would say nothing new,
 * for whoever takes it looks at the mailbox as it is then.
 */
export class Watches {
  private readonly dueAt = new Map<string, number>();

  isWatched({ userId, deviceId }: Note, now: number): boolean {
    return (this.dueAt.get(keyOf(userId, deviceId)) ?? 0) > now;
  }

  /** Only what the queue has taken: a note that was lost watches nobody. */
  remember(notes: readonly Note[], dueAt: number): void {
    for (const { userId, deviceId } of notes) {
      const key = keyOf(userId, deviceId);
      this.dueAt.delete(key);
      this.dueAt.set(key, dueAt);
      if (this.dueAt.size > MAX_DEVICES) this.dueAt.delete(this.dueAt.keys().next().value!);
    }
  }
}

/** Neither id has a space in it. */
const keyOf = (userId: string, deviceId: string) => `${userId} ${deviceId}`;
