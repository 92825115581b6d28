// How far each event source has come in each shard: what is before a checkpoint is done and is not read again.
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { readJson, writeJson } from '../json-files.ts';

/** By shard id: the sequence number up to which everything is done. */
export type Positions = Readonly<Record<string, string>>;

/** Kept in the data directory if there is one; otherwise the stream is as short-lived as we are. */
export class Checkpoints {
  private readonly file: string | undefined;
  private readonly positions: Record<string, Record<string, string>>;
  private writing: Promise<void> = Promise.resolve();
  private scheduled = false;

  private constructor(file: string | undefined, positions: Record<string, Record<string, string>>) {
    this.file = file;
    this.positions = positions;
  }

  static async open(dataDirectory: string | undefined): Promise<Checkpoints> {
    if (dataDirectory === undefined) return new Checkpoints(undefined, {});
    await mkdir(dataDirectory, { recursive: true, mode: 0o700 });
    const file = path.join(dataDirectory, 'checkpoints.json');
    return new Checkpoints(file, await readJson(file, {}));
  }

  of(eventSourceId: string): Positions {
    return { ...this.positions[eventSourceId] };
  }

  /** Written soon; what is lost with a crash is delivered again. */
  set(eventSourceId: string, shardId: string, sequenceNumber: string): void {
    (this.positions[eventSourceId] ??= {})[shardId] = sequenceNumber;
    const { file } = this;
    if (file === undefined || this.scheduled) return;
    this.scheduled = true;
    this.writing = this.writing.then(() => {
      this.scheduled = false;
      return writeJson(file, this.positions);
    });
  }

  /** Resolves when all that was set is written. */
  flush(): Promise<void> {
    return this.writing;
  }
}

/** What of a shard is under way; the checkpoint follows the oldest record that is not done. */
export class ShardProgress {
  private lastRead: string | undefined;
  /** Sequence number of each record under way, in order, to that of the record before it. */
  private readonly underWay = new Map<string, string | undefined>();

  constructor(start: string | undefined) {
    this.lastRead = start;
  }

  begin(sequenceNumber: string): void {
    this.underWay.set(sequenceNumber, this.lastRead);
    this.lastRead = sequenceNumber;
  }

  /** A record that needs no work. */
  skip(sequenceNumber: string): void {
    this.lastRead = sequenceNumber;
  }

  done(sequenceNumber: string): void {
    this.underWay.delete(sequenceNumber);
  }

  checkpoint(): string | undefined {
    const oldest = this.underWay.values().next();
    return oldest.done === true ? this.lastRead : oldest.value;
  }
}
