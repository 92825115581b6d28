// A device's disk: the SDK's journal file as a crash leaves it. What is flushed stays; of what was being written a part may
// be there, torn in the middle of a line; what waited for that is gone. How one opens the journal anew is the SDK's own.
import { OrderedMap } from '../../src/client/storage/ordered-map.ts';
import { decodeJournal, encodeLine, HEADER } from '../../src/client/storage/journal.ts';
import type { Change, KeyRange, Storage } from '../../src/client/storage/storage.ts';
import type { Random } from '../../local/faults/random.ts';

/** A disk takes its time, and a device may die in it. */
const MAX_FLUSH_MS = 8;
const MAX_READ_MS = 4;
/** So often all of it is there, and its process died before it could tell anybody. */
const WHOLE_RATE = 0.4;

export interface DiskOptions {
  readonly wait: (ms: number) => Promise<void>;
  readonly random: Random;
  /** What is read takes its time, too. */
  readonly slowReads?: boolean;
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
  /** In the pieces in which it was written. */
  private content: Buffer[] = [Buffer.from(HEADER)];
  /** Batches of it that were told of. */
  private told = 0;
  private process: JournalProcess | undefined;

  constructor(options: DiskOptions) {
    this.options = options;
  }

  /** Somebody has it, and neither closed it nor died. */
  get isOpen(): boolean {
    return this.process?.isOpen ?? false;
  }

  /** For a process that begins: it reads what the one before has left. `onFlush`: in the middle of one it may die. */
  open(onFlush: () => void = () => {}): MortalStorage {
    const content = Buffer.concat(this.content);
    const journal = decodeJournal(content);
    if (!journal.ok || journal.damagedLines > 0) throw new Error('A crash alone damages no journal');
    this.content = [content.subarray(0, journal.soundBytes)];
    const map = new OrderedMap();
    const onKept: DiskOptions['onKept'] = (changes) => {
      this.told++;
      this.options.onKept(changes);
    };
    for (const { changes } of journal.batches) map.apply(changes);
    for (const { changes } of journal.batches.slice(this.told)) onKept(changes);
    const append = (bytes: Buffer) => void this.content.push(bytes);
    return (this.process = new JournalProcess({ ...this.options, onFlush, onKept }, map, append));
  }
}

export interface MortalStorage extends Storage {
  /** The process that has it is gone, at once. */
  die(): void;
}

interface ProcessOptions extends DiskOptions {
  readonly onFlush: () => void;
}

class JournalProcess implements MortalStorage {
  isOpen = true;
  private readonly options: ProcessOptions;
  private readonly map: OrderedMap;
  private readonly append: (bytes: Buffer) => void;
  private waiting: Waiting[] = [];
  private writing: Buffer | undefined;
  private flushed = Promise.resolve();
  private isDead = false;

  constructor(options: ProcessOptions, map: OrderedMap, append: (bytes: Buffer) => void) {
    this.options = options;
    this.map = map;
    this.append = append;
  }

  async list(range: KeyRange) {
    const { slowReads, wait, random } = this.options;
    const entries = copyOf(this.map.list(range));
    if (slowReads) await wait(random.between(0, MAX_READ_MS));
    return this.isDead ? never() : entries;
  }

  commit(changes: readonly Change[]): Promise<void> {
    if (this.isDead) return never();
    return new Promise((resolve) => {
      this.waiting.push({ changes: copyOf(changes), line: encodeLine(changes), resolve });
      if (!this.writing) this.flushed = this.flush();
    });
  }

  async close(): Promise<void> {
    await this.flushed;
    this.isOpen = false;
  }

  die(): void {
    const { random } = this.options;
    if (this.isDead || !this.isOpen) return;
    this.isDead = true;
    this.isOpen = false;
    if (!this.writing) return;
    const written = random.next() < WHOLE_RATE ? this.writing.length : random.integer(0, this.writing.length);
    this.append(this.writing.subarray(0, written));
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

/** Of what a journal takes: quicker than `structuredClone`, which knows more. */
function copyOf<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copyOf) as T;
  const copy: Record<string, unknown> = {};
  for (const name in value) copy[name] = copyOf(value[name]);
  return copy as T;
}
