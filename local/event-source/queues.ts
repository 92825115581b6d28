// The queues that on-failure destinations name: what lands there, kept with the data.
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { CloudModel } from '../model.ts';

export interface QueueMessage {
  readonly messageId: string;
  /** ms since the epoch. */
  readonly sentAt: number;
  readonly body: string;
}

export interface QueuesOptions {
  readonly model: CloudModel;
  readonly dataDirectory?: string | undefined;
}

export class Queues {
  private readonly names: ReadonlyMap<string, string>;
  private readonly file: string | undefined;
  private readonly byName: Map<string, QueueMessage[]>;
  private writing: Promise<void> = Promise.resolve();

  private constructor(names: ReadonlyMap<string, string>, file: string | undefined, kept: KeptQueues) {
    this.names = names;
    this.file = file;
    this.byName = new Map(Object.entries(kept));
  }

  static async open({ model, dataDirectory }: QueuesOptions): Promise<Queues> {
    const names = new Map(model.queues.map(({ arn, name }) => [arn, name]));
    if (dataDirectory === undefined) return new Queues(names, undefined, {});
    await mkdir(dataDirectory, { recursive: true, mode: 0o700 });
    const file = path.join(dataDirectory, 'queues.json');
    return new Queues(names, file, await readJson<KeptQueues>(file, {}));
  }

  /** Resolves when the message is kept. */
  async send(arn: string, body: string): Promise<void> {
    const name = this.names.get(arn);
    if (name === undefined) throw new Error(`No queue ${arn}`);
    const messages = this.byName.get(name) ?? [];
    messages.push({ messageId: randomUUID(), sentAt: Date.now(), body });
    this.byName.set(name, messages);
    await this.save();
  }

  /** Oldest first. `name` is QueueModel.name. */
  messages(name: string): readonly QueueMessage[] {
    return [...(this.byName.get(name) ?? [])];
  }

  /** By QueueModel.name; also of those that are empty. */
  contents(): Readonly<Record<string, readonly QueueMessage[]>> {
    return Object.fromEntries([...this.names.values()].map((name) => [name, this.messages(name)]));
  }

  async delete(name: string, messageId: string): Promise<void> {
    const left = this.messages(name).filter((message) => message.messageId !== messageId);
    this.byName.set(name, left);
    await this.save();
  }

  /** The message keeps its id and its place. */
  async replace(name: string, messageId: string, body: string): Promise<void> {
    const messages = this.messages(name).map((message) =>
      message.messageId === messageId ? { ...message, body } : message,
    );
    this.byName.set(name, messages);
    await this.save();
  }

  /** One write after the other: each holds all that was sent before it. */
  private save(): Promise<void> {
    const { file } = this;
    if (file === undefined) return Promise.resolve();
    this.writing = this.writing.then(() => writeJson(file, Object.fromEntries(this.byName)));
    return this.writing;
  }
}

type KeptQueues = Record<string, QueueMessage[]>;

export async function readJson<T>(file: string, missing: T): Promise<T> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return missing;
    throw new Error(`Cannot read ${file}`, { cause: error });
  }
}

/** A reader sees the old file or the new one, never a half. */
export async function writeJson(file: string, value: unknown): Promise<void> {
  await writeFile(`${file}.new`, JSON.stringify(value), { mode: 0o600 });
  await rename(`${file}.new`, file);
}
