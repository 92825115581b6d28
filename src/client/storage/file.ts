// Storage in one file, for Node: a journal of batches, each written and flushed to the disk before it counts, and
// rewritten when most of it is history. Everything is in memory too: meant for a device's data, not for a server's.
import { mkdir, realpath } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { ImError } from '../errors.ts';
import { lockFile } from './file-lock.ts';
import { JournalFile } from './journal-file.ts';
import { encodeLine, HEADER } from './journal.ts';
import { LiveBytes } from './live-bytes.ts';
import { OrderedMap } from './ordered-map.ts';
import type { Change, KeyRange, Storage, StoredEntry } from './storage.ts';

export interface FileStorageOptions {
  /** The journal is rewritten when it has at least this size and what is superseded in it outweighs what is not. */
  readonly compactFromBytes?: number;
}

const COMPACT_FROM_BYTES = 1024 * 1024;
/** In a line of a rewritten journal: what one damaged byte costs. */
const ENTRIES_PER_LINE = 50;

interface Waiting {
  readonly changes: readonly Change[];
  readonly line: string;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class FileStorage implements Storage {
  /** Code `storage`: the file was damaged when it was opened, and what could not be read is missing. */
  damage: ImError | undefined;
  private readonly path: string;
  private readonly unlock: () => Promise<void>;
  private readonly file: JournalFile;
  private readonly map = new OrderedMap();
  private live = new LiveBytes();
  private readonly compactFromBytes: number;
  private compactAtBytes: number;
  private waiting: Waiting[] = [];
  private flushing: Promise<void> | undefined;
  private closing: Promise<void> | undefined;
  private closed = false;

  private constructor(
    path: string,
    unlock: () => Promise<void>,
    file: JournalFile,
    compactFromBytes: number,
  ) {
    this.path = path;
    this.unlock = unlock;
    this.file = file;
    this.compactFromBytes = compactFromBytes;
    this.compactAtBytes = compactFromBytes;
  }

  /**
   * One file per user and device. Rejects with ImError `storage`, retryable while another process, or this one, has it
   * open. A damaged file is repaired, and `damage` says so.
   */
  static async open(path: string, options: FileStorageOptions = {}): Promise<FileStorage> {
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      // The file itself: a link to it must not be a second name with a lock of its own.
      const file = await realpath(path).catch(() => resolve(path));
      return await FileStorage.openLocked(file, options, await lockFile(file));
    } catch (cause) {
      throw cause instanceof ImError ? cause : new ImError('storage', `${path} cannot be opened`, { cause });
    }
  }

  private static async openLocked(
    path: string,
    { compactFromBytes = COMPACT_FROM_BYTES }: FileStorageOptions,
    unlock: () => Promise<void>,
  ): Promise<FileStorage> {
    let file: JournalFile | undefined;
    try {
      const opened = await JournalFile.open(path);
      const { batches, damagedLines } = opened.journal;
      file = opened.file;
      const storage = new FileStorage(path, unlock, file, compactFromBytes);
      for (const { changes, sizeBytes } of batches) storage.take(changes, sizeBytes);
      if (damagedLines > 0) await storage.repair(damagedLines);
      else await file.settle();
      return storage;
    } catch (error) {
      await file?.close();
      await unlock();
      throw error;
    }
  }

  async list(range: KeyRange): Promise<StoredEntry[]> {
    return structuredClone(this.map.list(range));
  }

  commit(changes: readonly Change[]): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.closed) return reject(new ImError('storage', `${this.path} was closed`));
      const line = encodeLine(changes);
      this.waiting.push({ changes: structuredClone(changes), line, resolve, reject });
      this.flushing ??= this.flush();
    });
  }

  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  private async end(): Promise<void> {
    await this.flushing;
    this.closed = true;
    try {
      // What was removed is still in the journal; whoever removed everything wants none of it kept.
      if (this.map.size === 0 && this.file.sizeBytes > HEADER.length) await this.file.replace([]);
    } finally {
      await this.release();
    }
  }

  private async release(): Promise<void> {
    try {
      await this.file.close();
    } finally {
      await this.unlock();
    }
  }

  /** What comes during one write goes with the next: many batches, one flush to the disk. */
  private async flush(): Promise<void> {
    while (this.waiting.length > 0) await this.flushGroup(this.waiting.splice(0));
    // In the same turn as the look at what waits, so that no batch is left between.
    this.flushing = undefined;
  }

  private async flushGroup(group: readonly Waiting[]): Promise<void> {
    if (this.isMostlyHistory()) await this.compact();
    try {
      await this.file.append(group.map(({ line }) => line).join(''));
    } catch (error) {
      for (const { reject } of group) reject(error);
      return;
    }
    for (const { changes, line, resolve } of group) {
      this.take(changes, Buffer.byteLength(line));
      resolve();
    }
  }

  private take(changes: readonly Change[], sizeBytes: number): void {
    this.map.apply(changes);
    this.live.add(changes, sizeBytes);
  }

  private isMostlyHistory(): boolean {
    const { sizeBytes } = this.file;
    return sizeBytes >= this.compactAtBytes && sizeBytes > 2 * this.live.total;
  }

  /** Without room for both files the journal goes on as it is. */
  private async compact(): Promise<void> {
    const live = new LiveBytes();
    try {
      await this.file.replace(this.lines(live));
      this.live = live;
      this.compactAtBytes = this.compactFromBytes;
    } catch {
      this.compactAtBytes = this.file.sizeBytes + this.compactFromBytes;
    }
  }

  private async repair(damagedLines: number): Promise<void> {
    this.live = new LiveBytes();
    const kept = await this.file.repair(this.lines(this.live));
    const lost = damagedLines === 1 ? 'a batch is' : `${damagedLines} batches are`;
    this.damage = new ImError(
      'storage',
      `${this.path} was damaged: ${lost} missing; the damaged file is kept as ${kept}`,
    );
  }

  /** All that is held, and what each line of it weighs. */
  private *lines(live: LiveBytes): Iterable<string> {
    const entries = [...this.map.entries()];
    for (let start = 0; start < entries.length; start += ENTRIES_PER_LINE) {
      const part = entries.slice(start, start + ENTRIES_PER_LINE);
      const line = encodeLine(part);
      live.add(part, Buffer.byteLength(line));
      yield line;
    }
  }
}
