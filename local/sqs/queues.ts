// The queues of the template, and what is in them: kept with the data, if there is a place for it.
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { readJson, writeJson } from '../json-files.ts';
import type { Metering } from '../metering.ts';
import type { CloudModel } from '../model.ts';
import { Queue, type KeptMessage, type QueueMessage } from './queue.ts';

export type { QueueMessage };

export interface QueuesOptions {
  readonly model: CloudModel;
  readonly dataDirectory?: string | undefined;
  readonly metering?: Pick<Metering, 'recordQueue' | 'recordWaiting'>;
  readonly clock?: () => number;
}

export interface SendOptions {
  /** Who sent it, as receivers are told. */
  readonly senderId: string;
  /** Absent: the queue's own delay. */
  readonly delayMs?: number | undefined;
}

type KeptQueues = Record<string, readonly KeptMessage[]>;

/** Lambda sends to a destination with a session of its own. */
const fromLambda: SendOptions = { senderId: 'event-source-mapping' };

export class Queues {
  private readonly byArn: ReadonlyMap<string, Queue>;
  private readonly file: string | undefined;
  private writing: Promise<void> = Promise.resolve();
  private next: Promise<void> | undefined;

  private constructor({ model, metering, clock = Date.now }: QueuesOptions, file: string | undefined) {
    this.file = file;
    this.byArn = new Map(
      model.queues.map((queueModel) => {
        const queue = new Queue({
          model: queueModel,
          now: clock,
          deadLetter: (message) => this.byArn.get(queueModel.redrive!.deadLetterArn)?.takeIn(message),
          changed: (waiting, what) => {
            metering?.recordWaiting(queueModel.name, waiting);
            if (what) metering?.recordQueue(queueModel.name, what);
            // Who waits for it is told; for others the next write may succeed, and a message that comes again is no loss.
            this.save().catch(() => undefined);
          },
        });
        return [queueModel.arn, queue];
      }),
    );
    for (const { name } of model.queues) metering?.recordWaiting(name, 0);
  }

  static async open(options: QueuesOptions): Promise<Queues> {
    const { dataDirectory } = options;
    if (dataDirectory === undefined) return new Queues(options, undefined);
    await mkdir(dataDirectory, { recursive: true, mode: 0o700 });
    const file = path.join(dataDirectory, 'queues.json');
    const queues = new Queues(options, file);
    for (const [name, messages] of Object.entries(await readJson<KeptQueues>(file, {}))) {
      const queue = queues.named(name);
      for (const message of messages) queue?.takeIn(message);
    }
    return queues;
  }

  find(arn: string): Queue | undefined {
    return this.byArn.get(arn);
  }

  /** Resolves when the message is kept. */
  async send(
    arn: string,
    body: string,
    { senderId, delayMs }: SendOptions = fromLambda,
  ): Promise<QueueMessage> {
    const queue = this.byArn.get(arn);
    if (queue === undefined) throw new Error(`No queue ${arn}`);
    const message = queue.send(body, senderId, delayMs);
    await this.save();
    return message;
  }

  /** Oldest first. `name` is QueueModel.name. */
  messages(name: string): readonly QueueMessage[] {
    const messages = this.named(name)?.messages() ?? [];
    return messages.map(({ messageId, sentAt, body, sourceArn }) => ({
      messageId,
      sentAt,
      body,
      ...(sourceArn !== undefined && { sourceArn }),
    }));
  }

  /** By QueueModel.name; also of those that are empty. */
  contents(): Readonly<Record<string, readonly QueueMessage[]>> {
    const names = [...this.byArn.values()].map(({ model }) => model.name);
    return Object.fromEntries(names.map((name) => [name, this.messages(name)]));
  }

  async delete(name: string, messageId: string): Promise<void> {
    this.named(name)?.remove(messageId);
    await this.save();
  }

  /** The message keeps its id and its place. */
  async replace(name: string, messageId: string, body: string): Promise<void> {
    this.named(name)?.replace(messageId, body);
    await this.save();
  }

  /** Resolves when all that has happened is kept. */
  flush(): Promise<void> {
    return this.next ?? this.writing;
  }

  private named(name: string): Queue | undefined {
    return [...this.byArn.values()].find(({ model }) => model.name === name);
  }

  /** One write after the other, each of all that is there by then: who asks meanwhile waits for the next. */
  private save(): Promise<void> {
    const { file } = this;
    if (file === undefined) return Promise.resolve();
    this.next ??= this.writing = this.writing
      .catch(() => undefined)
      .then(() => {
        this.next = undefined;
        return writeJson(file, this.kept());
      });
    return this.next;
  }

  private kept(): KeptQueues {
    return Object.fromEntries([...this.byArn.values()].map((queue) => [queue.model.name, queue.messages()]));
  }
}
