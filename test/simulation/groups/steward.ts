// Somebody who makes groups and changes them, by a plain client: each request is repeated, some several times at once, with
// the very same frame, until it is answered.
import type { Random } from '../../../local/faults/random.ts';
import { PlainConnection, type Frame } from '../plain-connection.ts';
import type { Stage } from '../stage.ts';
import { isRetryable, type ServerFrame } from './frames.ts';
import type { Asked } from './history.ts';

/** So long a client waits for an answer: ten seconds of its own, faster time. */
const PATIENCE_MS = 1_250;
const BACKOFF_MS = 60;

export interface StewardOptions {
  readonly stage: Stage;
  readonly userId: string;
  readonly random: Random;
}

interface Request extends Omit<Asked, 'answers'> {
  readonly answers: ServerFrame[];
}

export class Steward {
  readonly userId: string;
  private readonly options: StewardOptions;
  private readonly requests: Request[] = [];
  private connection: PlainConnection | undefined;
  private wasOpened = false;
  private isClosed = false;

  constructor(options: StewardOptions) {
    this.options = options;
    this.userId = options.userId;
  }

  get asked(): readonly Asked[] {
    return this.requests;
  }

  /** The first answer that is one; nothing, when it is closed before. */
  async ask(
    action: string,
    conversationId: string | undefined,
    fields: Readonly<Record<string, unknown>>,
  ): Promise<ServerFrame | undefined> {
    const { stage, random } = this.options;
    const request: Request = { by: this.userId, action, conversationId, fields, answers: [] };
    const id = `${action}/${this.requests.push(request)}`;
    const frame = { action, id, ...(conversationId !== undefined && { conversationId }), ...fields };
    for (let tries = 0; !this.isClosed && request.answers.length === 0; tries++) {
      if (tries > 0) await stage.wait(random.between(0, BACKOFF_MS * Math.min(tries, 8)));
      if (!(await this.connect())) continue;
      const copies = random.next() < 0.3 ? random.integer(2, 4) : 1;
      for (let copy = 1; copy < copies; copy++) this.connection?.send(frame);
      const answer = await this.connection?.ask(stage, frame, PATIENCE_MS);
      if (!answer || isRetryable(answer)) this.doubt(answer);
    }
    return request.answers[0];
  }

  cut(): void {
    this.connection?.cut();
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.cut();
  }

  /** Late answers to what was repeated are answers, too. */
  private hear(frame: Frame): void {
    const request = this.requests[Number(String(frame['id']).split('/')[1]) - 1];
    if (request && !isRetryable(frame)) request.answers.push(frame);
  }

  private doubt(answer: Frame | undefined): void {
    const isOver = (answer?.['error'] as { code: string } | undefined)?.code === 'unauthorized';
    if (isOver || this.options.random.next() < 0.5) this.cut();
  }

  private async connect(): Promise<boolean> {
    if (this.connection?.isOpen) return true;
    const { stage, userId } = this.options;
    this.connection = await PlainConnection.open(
      { stage, userId, deviceId: 'steward', platform: 'web', onFrame: (frame) => this.hear(frame) },
      this.wasOpened,
    );
    this.wasOpened ||= this.connection !== undefined;
    if (this.isClosed) this.cut();
    return this.connection !== undefined;
  }
}
