// Storage in one file, for Node: a journal of batches, each written and flushed to the disk before it counts, and
// rewritten when most of it is history. Everything is in memory too: meant for a device's data, not for a server's.
import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ImError } from '../errors.ts';
import { decodeJournal, encodeLine, HEADER } from './journal.ts';
import { OrderedMap } from './ordered-map.ts';
import type { Change, KeyRange, Storage, StoredEntry } from './storage.ts';

export interface FileStorageOptions {
  /** The journal is rewritten when it has at least this size and is twice as long as after the last time. */
  readonly compactFromBytes?: number;
}

const COMPACT_FROM_BYTES = 1024 * 1024;
const ENTRIES_PER_LINE = 500;

interface Waiting {
  readonly changes: readonly Change[];
  readonly line: string;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class FileStorage implements Storage {
  private readonly path: string;
  private readonly map: OrderedMap;
  private handle: FileHandle;
  private sizeBytes: number;
  private compactAtBytes: number;
  private readonly compactFromBytes: number;
  private waiting: Waiting[] = [];
  private flushing: Promise<void> | undefined;
  private broken: ImError | undefined;
  private closed = false;

  private constructor(
    path: string,
    handle: FileHandle,
    map: OrderedMap,
    sizeBytes: number,
    compactFromBytes: number,
  ) {
    this.path = path;
    this.handle = handle;
    this.map = map;
    this.sizeBytes = sizeBytes;
    this.compactFromBytes = compactFromBytes;
    this.compactAtBytes = compactFromBytes;
  }

  /** One file per user and device, and one process at a time. Rejects with ImError `storage` if it is damaged. */
  static async open(path: string, options: FileStorageOptions = {}): Promise<FileStorage> {
    await mkdir(dirname(path), { recursive: true });
    await rm(temporary(path), { force: true });
    const handle = await open(path, 'a+');
    try {
      const journal = decodeJournal(await handle.readFile());
      if (!journal.ok) throw new ImError('storage', `${path} ${journal.problem}`);
      const map = new OrderedMap();
      for (const batch of journal.batches) map.apply(batch);
      let { soundBytes } = journal;
      await handle.truncate(soundBytes);
      if (soundBytes === 0) {
        await handle.appendFile(HEADER);
        soundBytes = HEADER.length;
      }
      await handle.sync();
      await syncDirectory(path);
      return new FileStorage(path, handle, map, soundBytes, options.compactFromBytes ?? COMPACT_FROM_BYTES);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async list(range: KeyRange): Promise<StoredEntry[]> {
    return structuredClone(this.map.list(range));
  }

  commit(changes: readonly Change[]): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.broken) return reject(this.broken);
      const line = encodeLine(changes);
      this.waiting.push({ changes: structuredClone(changes), line, resolve, reject });
      this.flushing ??= this.flush();
    });
  }

  async close(): Promise<void> {
    await this.flushing;
    if (this.closed) return;
    this.closed = true;
    this.broken ??= new ImError('storage', `${this.path} was closed`);
    await this.handle.close();
  }

  /** What comes during one write goes with the next: many batches, one flush to the disk. */
  private async flush(): Promise<void> {
    while (this.waiting.length > 0) await this.flushGroup(this.waiting.splice(0));
    // In the same turn as the look at what waits, so that no batch is left between.
    this.flushing = undefined;
  }

  private async flushGroup(group: readonly Waiting[]): Promise<void> {
    try {
      if (this.broken) throw this.broken;
      await this.append(group.map(({ line }) => line).join(''));
    } catch (cause) {
      // How much of it is on the disk, nobody knows: nothing may be written after it.
      this.broken ??= new ImError('storage', `${this.path} cannot be written`, { cause });
      for (const { reject } of group) reject(this.broken);
      return;
    }
    for (const { changes, resolve } of group) {
      this.map.apply(changes);
      resolve();
    }
  }

  private async append(lines: string): Promise<void> {
    if (this.sizeBytes >= this.compactAtBytes) await this.compact();
    const bytes = Buffer.from(lines);
    await this.handle.appendFile(bytes);
    await this.handle.datasync();
    this.sizeBytes += bytes.length;
  }

  /** Written beside the journal, then put in its place by one rename: a crash leaves the one or the other, whole. */
  private async compact(): Promise<void> {
    const replacement = await open(temporary(this.path), 'w');
    let sizeBytes = HEADER.length;
    try {
      await replacement.appendFile(HEADER);
      const entries = [...this.map.entries()];
      for (let start = 0; start < entries.length; start += ENTRIES_PER_LINE) {
        const line = Buffer.from(encodeLine(entries.slice(start, start + ENTRIES_PER_LINE)));
        await replacement.appendFile(line);
        sizeBytes += line.length;
      }
      await replacement.sync();
    } finally {
      await replacement.close();
    }
    await this.handle.close();
    await rename(temporary(this.path), this.path);
    await syncDirectory(this.path);
    this.handle = await open(this.path, 'a');
    this.sizeBytes = sizeBytes;
    this.compactAtBytes = Math.max(this.compactFromBytes, 2 * sizeBytes);
  }
}

const temporary = (path: string) => `${path}.new`;

/** So that the file's name, too, survives a power cut. Windows has no such thing, and does not need it. */
async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const directory = await open(dirname(path), 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
