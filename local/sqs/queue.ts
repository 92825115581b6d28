// One standard queue: what can be received, what is delayed, and what is hidden while somebody works on it.
import { randomUUID } from 'node:crypto';
import type { QueueModel } from '../model.ts';

export interface QueueMessage {
  readonly messageId: string;
  /** ms since the epoch. */
  readonly sentAt: number;
  readonly body: string;
  /** Of a dead letter: ARN of the queue that gave it up. */
  readonly sourceArn?: string;
}

/** As it is kept with the data; what earlier versions did not keep may be missing. */
export interface KeptMessage extends QueueMessage {
  readonly senderId?: string;
  readonly visibleAt?: number;
  readonly receiveCount?: number;
  readonly firstReceivedAt?: number;
}

export interface ReceivedMessage extends QueueMessage {
  /** Good until the message is received again. */
  readonly receiptHandle: string;
  readonly senderId: string;
  readonly receiveCount: number;
  readonly firstReceivedAt: number;
  /** From then on it can be received again. */
  readonly visibleAt: number;
}

export type QueueCount = 'sent' | 'received' | 'deleted' | 'deadLettered';

export interface QueueOptions {
  readonly model: QueueModel;
  readonly now: () => number;
  /** It was received often enough: it goes elsewhere. */
  readonly deadLetter: (message: KeptMessage) => void;
  /** Something happened to one message, so many are there now. */
  readonly changed: (waiting: number, what?: QueueCount) => void;
}

interface Message {
  readonly messageId: string;
  readonly sentAt: number;
  body: string;
  readonly senderId: string;
  readonly sourceArn?: string;
  visibleAt: number;
  receiveCount: number;
  firstReceivedAt: number;
  receiptHandle: string;
}

const neverReceived = { receiveCount: 0, firstReceivedAt: 0, receiptHandle: '' };

export class Queue {
  readonly model: QueueModel;
  private readonly options: QueueOptions;
  /** In the order in which they came, or came back. */
  private readonly visible = new Map<string, Message>();
  private readonly hidden = new Map<string, Message>();
  private readonly listeners = new Set<() => void>();
  private earliest = Infinity;

  constructor(options: QueueOptions) {
    this.options = options;
    this.model = options.model;
  }

  /** Visible, delayed and hidden ones. */
  get size(): number {
    return this.visible.size + this.hidden.size;
  }

  /** Those that are visible, or were received and come back: all but what is delayed. */
  get due(): number {
    this.reveal();
    const comingBack = [...this.hidden.values()].filter(({ receiveCount }) => receiveCount > 0);
    return this.visible.size + comingBack.length;
  }

  send(body: string, senderId: string, delayMs = this.model.delayMs): QueueMessage {
    const sentAt = this.options.now();
    const message = { messageId: randomUUID(), sentAt, body, senderId, visibleAt: sentAt + delayMs };
    this.place({ ...message, ...neverReceived });
    this.changed('sent');
    return message;
  }

  /** One that is there already: of an earlier run, or a dead letter, which keeps its id and its age. */
  takeIn(kept: KeptMessage): void {
    this.place({ senderId: '', visibleAt: kept.sentAt, ...neverReceived, ...kept });
    this.changed();
  }

  /** The next message, hidden from now on; as on AWS those that came too often leave the queue here. */
  receive(): ReceivedMessage | undefined {
    this.reveal();
    for (const message of this.visible.values()) {
      this.visible.delete(message.messageId);
      if (this.hasExpired(message)) {
        this.changed();
        continue;
      }
      const { redrive } = this.model;
      if (redrive && message.receiveCount >= redrive.maxReceiveCount) {
        const { messageId, sentAt, body, senderId } = message;
        this.options.deadLetter({ messageId, sentAt, body, senderId, sourceArn: this.model.arn });
        this.changed('deadLettered');
        continue;
      }
      const now = this.options.now();
      message.receiveCount += 1;
      if (message.firstReceivedAt === 0) message.firstReceivedAt = now;
      message.receiptHandle = randomUUID();
      message.visibleAt = now + this.model.visibilityTimeoutMs;
      this.place(message);
      this.changed('received');
      return { ...message };
    }
    return undefined;
  }

  /** Nothing happens where it was received again meanwhile: the newest handle counts. */
  delete({ messageId, receiptHandle }: Pick<ReceivedMessage, 'messageId' | 'receiptHandle'>): void {
    const message = this.hidden.get(messageId) ?? this.visible.get(messageId);
    if (message?.receiptHandle === receiptHandle) this.remove(messageId);
  }

  remove(messageId: string): void {
    if (this.hidden.delete(messageId) || this.visible.delete(messageId)) this.changed('deleted');
  }

  /** The message keeps its id and its place. */
  replace(messageId: string, body: string): void {
    const message = this.hidden.get(messageId) ?? this.visible.get(messageId);
    if (message) message.body = body;
    this.changed();
  }

  /** When there will be something to receive, as far as is known now; in the past if there is something already. */
  nextVisibleAt(): number {
    this.reveal();
    return this.visible.size > 0 ? -Infinity : this.earliest;
  }

  /** Oldest first. */
  messages(): readonly KeptMessage[] {
    const all = [...this.visible.values(), ...this.hidden.values()];
    return all
      .filter((message) => !this.hasExpired(message))
      .map(keptForm)
      .toSorted((left, right) => left.sentAt - right.sentAt);
  }

  counts(): { readonly visible: number; readonly delayed: number; readonly inFlight: number } {
    this.reveal();
    const inFlight = [...this.hidden.values()].filter(({ receiptHandle }) => receiptHandle !== '').length;
    return { visible: this.visible.size, delayed: this.hidden.size - inFlight, inFlight };
  }

  /** @returns what ends the listening. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private place(message: Message): void {
    if (message.visibleAt <= this.options.now()) {
      this.visible.set(message.messageId, message);
      return;
    }
    this.hidden.set(message.messageId, message);
    this.earliest = Math.min(this.earliest, message.visibleAt);
  }

  /** Those whose delay, or whose receiver's time, is over. */
  private reveal(): void {
    const now = this.options.now();
    if (now < this.earliest) return;
    this.earliest = Infinity;
    for (const message of this.hidden.values()) {
      if (message.visibleAt > now) {
        this.earliest = Math.min(this.earliest, message.visibleAt);
        continue;
      }
      this.hidden.delete(message.messageId);
      this.visible.set(message.messageId, message);
    }
  }

  private hasExpired({ sentAt }: QueueMessage): boolean {
    return this.options.now() - sentAt >= this.model.retentionMs;
  }

  private changed(what?: QueueCount): void {
    this.options.changed(this.size, what);
    for (const listener of this.listeners) listener();
  }
}

/** Receipts are for this run. */
function keptForm({ messageId, sentAt, body, ...rest }: Message): KeptMessage {
  const { receiptHandle: _receipt, ...kept } = rest;
  return { messageId, sentAt, body, ...kept };
}
