// The journal on the disk: what was appended is there, and what failed to be is not, whatever the disk does next.
import { constants } from 'node:fs';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ImError } from '../errors.ts';
import { linkAnew } from './file-lock.ts';
import { decodeJournal, HEADER, type Journal } from './journal.ts';

interface Replacement {
  readonly handle: FileHandle;
  readonly sizeBytes: number;
}

/** Messages are nobody else's business. */
const OWNER_ONLY = 0o600;

export class JournalFile {
  private readonly path: string;
  private handle: FileHandle | undefined;
  private soundBytes: number;
  /** What follows the sound bytes, and which file has the name after a power cut, is not certain. */
  private doubtful = true;

  private constructor(path: string, handle: FileHandle, soundBytes: number) {
    this.path = path;
    this.handle = handle;
    this.soundBytes = soundBytes;
  }

  /** Changes nothing in it yet: `settle` or `repair` does. */
  static async open(path: string): Promise<{ readonly file: JournalFile; readonly journal: Journal }> {
    await rm(temporary(path), { force: true });
    const handle = await open(path, 'a+', OWNER_ONLY);
    try {
      const journal = decodeJournal(await handle.readFile());
      if (!journal.ok) throw new ImError('storage', `${path} ${journal.problem}`);
      // Another user's file, or a file system without modes, stays as it is.
      await handle.chmod(OWNER_ONLY).catch(() => {});
      return { file: new JournalFile(path, handle, journal.soundBytes), journal };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  get sizeBytes(): number {
    return this.soundBytes;
  }

  /** Cuts off what is not sound, and is sure of the rest. */
  async settle(): Promise<void> {
    this.handle ??= await open(this.path, constants.O_WRONLY | constants.O_APPEND);
    await this.handle.truncate(this.soundBytes);
    if (this.soundBytes === 0) await this.handle.appendFile(HEADER);
    await this.handle.sync();
    await syncDirectory(this.path);
    this.soundBytes ||= HEADER.length;
    this.doubtful = false;
  }

  /** Resolves when it is durable; rejects with nothing of it there. */
  async append(lines: string): Promise<void> {
    const bytes = Buffer.from(lines);
    try {
      if (this.doubtful) await this.settle();
      await this.handle!.appendFile(bytes);
      await this.handle!.datasync();
      this.soundBytes += bytes.length;
    } catch (cause) {
      this.doubtful = true;
      // If not now, then before the next line.
      await this.settle().catch(() => {});
      throw new ImError('storage', `${this.path} cannot be written`, { cause });
    }
  }

  /** Written beside the journal, then put in its place by one rename: a crash leaves the one or the other, whole. */
  async replace(lines: Iterable<string>): Promise<void> {
    await this.takeOver(await this.prepare(lines));
  }

  /** Puts the lines in the place of the damaged file, which stays beside it; returns its name there. */
  async repair(lines: Iterable<string>): Promise<string> {
    const replacement = await this.prepare(lines);
    const kept = await this.keepBeside();
    await this.takeOver(replacement);
    return kept;
  }

  async close(): Promise<void> {
    const { handle } = this;
    this.handle = undefined;
    this.doubtful = true;
    await handle?.close();
  }

  private async prepare(lines: Iterable<string>): Promise<Replacement> {
    const name = temporary(this.path);
    await rm(name, { force: true });
    const handle = await open(name, 'ax', OWNER_ONLY);
    let sizeBytes = HEADER.length;
    try {
      await handle.appendFile(HEADER);
      for (const line of lines) {
        const bytes = Buffer.from(line);
        await handle.appendFile(bytes);
        sizeBytes += bytes.length;
      }
      await handle.sync();
      return { handle, sizeBytes };
    } catch (error) {
      await handle.close();
      await rm(name, { force: true });
      throw error;
    }
  }

  private async takeOver({ handle, sizeBytes }: Replacement): Promise<void> {
    try {
      // Windows replaces no file that is open.
      await this.close();
      await rename(temporary(this.path), this.path);
    } catch (error) {
      await handle.close();
      throw error;
    }
    this.handle = handle;
    this.soundBytes = sizeBytes;
    await this.settle();
  }

  private async keepBeside(): Promise<string> {
    for (let n = 1; ; n++) {
      const name = `${this.path}.damaged-${n}`;
      if (await linkAnew(this.path, name)) return name;
    }
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
