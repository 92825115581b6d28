// A device's disk: the SDK's journal file as a crash leaves it. What is flushed stays; of what was being written a part may
// be there, torn in the middle of a line; what waited for that is gone. How one opens the journal anew is the SDK's own.
import { OrderedMap } from '../../src/client/storage/ordered-map.ts';
import { decodeJournal, encodeLine, HEADER } from '../../src/client/storage/journal.ts';
import type { Change, KeyRange, Storage } from '../../src/client/storage/storage.ts';
import type { Random } from '../../local/faults/random.ts';

/** A disk takes its time, and a device may die in it. */
const MAX_FLUSH_MS = 8;

export interface DiskOptions {
  readonly wait: (ms: number) => Promise<void>;
  readonly random: Random;
  /** In the middle of a flush: the device may die here. */
  readonly onFlush: () => void;
  /** It is on the disk, whether or not anybody hears of it. */
  readonly onKept: (changes: readonly Change[]) => void;
}

interface Waiting {
  readonly changes: readonly Change[];
  readonly line: string;
  readonly resolve: () => void;
}

/** Anew for each who waits: one for all would hold whatever waits, and so every world of the process. */
const never = () => new Promise<never>(() => {});

export class TornDisk {
  private readonly options: DiskOptions;
  private content = Buffer.from(HEADER);
  /** Batches of it that were told of. */
  private told = 0;
  private process: JournalProcess | undefined;

  constructor(options: DiskOptions) {
    this.options = options;
  }

  /** For a process that begins: it reads what the one before has left. */
  open(): Storage {
    const journal = decodeJournal(this.content);
    if (!journal.ok || journal.damagedLines > 0) throw new Error('A crash alone damages no journal');
    this.content = this.content.subarray(0, journal.soundBytes);
    const map = new OrderedMap();
    const onKept: DiskOptions['onKept'] = (changes) => {
      this.told++;
      this.options.onKept(changes);
    };
    for (const { changes } of journal.batches) map.apply(changes);
    for (const { changes } of journal.batches.slice(this.told)) onKept(changes);
    const append = (bytes: Buffer) => (this.content = Buffer.concat([this.content, bytes]));
    return (this.process = new JournalProcess({ ...this.options, onKept }, map, append));
  }

  /** The process is gone, at once. */
  crash(): void {
    this.process?.die();
    this.process = undefined;
  }
}

class JournalProcess implements Storage {
  private readonly options: DiskOptions;
  private readonly map: OrderedMap;
  private readonly append: (bytes: Buffer) => void;
  private waiting: Waiting[] = [];
  private writing: Buffer | undefined;
  private isDead = false;

  constructor(options: DiskOptions, map: OrderedMap, append: (bytes: Buffer) => void) {
    this.options = options;
    this.map = map;
    this.append = append;
  }

  async list(range: KeyRange) {
    return this.isDead ? never() : structuredClone(this.map.list(range));
  }

  commit(changes: readonly Change[]): Promise<void> {
    if (this.isDead) return never();
    return new Promise((resolve) => {
      this.waiting.push({ changes: structuredClone(changes), line: encodeLine(changes), resolve });
      if (!this.writing) void this.flush();
    });
  }

  async close(): Promise<void> {}

  die(): void {
    const { random } = this.options;
    this.isDead = true;
    if (this.writing) this.append(this.writing.subarray(0, random.integer(0, this.writing.length)));
  }

  private async flush(): Promise<void> {
    const { wait, random, onFlush, onKept } = this.options;
    while (this.waiting.length > 0) {
      const group = this.waiting.splice(0);
      this.writing = Buffer.from(group.map(({ line }) => line).join(''));
      await wait(random.between(0, MAX_FLUSH_MS));
      if (!this.isDead) onFlush();
      // Dead, by that or meanwhile, it has left what it had written.
      if (this.isDead) return;
      this.append(this.writing);
      for (const { changes, resolve } of group) {
        this.map.apply(changes);
        onKept(changes);
        resolve();
      }
    }
    this.writing = undefined;
  }
}
