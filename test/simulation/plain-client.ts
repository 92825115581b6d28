// A client that is not the SDK, written from the protocol alone, and a trying one: it repeats a send late, several times at
// once and over sockets that hear nothing, pulls slowly, and acknowledges when it likes. It keeps what a client has to keep:
// one unanswered send in a conversation, always under its clientMsgId, and after a reconnect it syncs before it repeats.
import type { Random } from '../../local/faults/random.ts';
import type { SyncEvent } from '../../src/protocol/server-frames.ts';
import { isVoid } from '../../src/protocol/slots.ts';
import type { CursorSeen, PlainHistory, Sent } from './history.ts';
import type { Place, WantedReaction } from './people/lives.ts';
import { WishLog } from './people/wishes.ts';
import { PlainConnection, type Frame, type PlainConnectionOptions } from './plain-connection.ts';
import type { Stage } from './stage.ts';

export interface PlainClientOptions extends Omit<PlainConnectionOptions, 'onFrame'> {
  readonly random: Random;
}

/** Where it writes to; `to`: ways to name it. */
export interface Room {
  readonly conversationId: string;
  readonly to: readonly string[];
}

interface SendRecord {
  readonly frame: Frame;
  readonly conversationId: string;
  readonly text: string;
  readonly silent: boolean;
  isAnswered: boolean;
  /** Frames that left, and how many were answered with a refusal. */
  frames: number;
  refusals: number;
  /** Over which it left last, and how many frames of it have no answer there. */
  connection: PlainConnection | undefined;
  open: number;
  readonly seqs: Set<number>;
}

/** So long a client waits for an answer: ten seconds of its own, faster time. */
const PATIENCE_MS = 1_250;
const BACKOFF_MS = 60;

/** What kind of user has it, for a whole run. */
interface Manners {
  /** How often it repeats what has no answer yet, when it might. */
  readonly repeats: number;
  /** How often it stays on a socket that has not answered. */
  readonly stays: number;
  readonly acknowledges: number;
  readonly pageSize: number;
}

export class PlainClient {
  private readonly options: PlainClientOptions;
  private readonly stage: Stage;
  private readonly random: Random;
  private readonly manners: Manners;
  private readonly sends = new Map<string, SendRecord>();
  private readonly taken: SyncEvent[] = [];
  private readonly cursors: CursorSeen[] = [];
  readonly wishLog: WishLog;
  private connection: PlainConnection | undefined;
  private wasOpened = false;
  private isInSync = false;
  private isClosed = false;
  private requests = 0;
  private finishing: Promise<void> | undefined;

  constructor(options: PlainClientOptions) {
    this.options = options;
    this.stage = options.stage;
    this.wishLog = new WishLog(options.stage, options.userId, options.deviceId);
    const { random } = options;
    this.random = random;
    this.manners = {
      repeats: random.next() ** 2,
      stays: random.next(),
      acknowledges: random.next() < 0.3 ? 0 : random.next() * 0.5,
      pageSize: random.integer(1, 8),
    };
  }

  get name(): string {
    const { userId, deviceId } = this.options;
    return `${userId}/${deviceId}`;
  }

  get history(): PlainHistory {
    const { userId, deviceId } = this.options;
    return { userId, deviceId, taken: this.taken, cursors: this.cursors };
  }

  get sent(): Sent[] {
    const { userId, deviceId } = this.options;
    return [...this.sends].map(([clientMsgId, record]) => {
      const { conversationId, text, silent, frames, refusals, seqs } = record;
      const outcome = seqs.size > 0 ? 'sent' : refusals > 0 ? 'rejected' : 'unknown';
      const what = { userId, deviceId, conversationId, clientMsgId, text, silent };
      return { ...what, outcome, seqs: [...seqs], isRefusedForSure: refusals === frames && frames > 0 };
    });
  }

  /** Changes whenever this client gets anywhere. */
  get progress(): readonly [taken: number, unanswered: number] {
    return [this.taken.length, this.unanswered.length];
  }

  /** What was never answered. */
  get waiting(): string[] {
    return this.unanswered.map(({ frame }) => String(frame['clientMsgId']));
  }

  get isQuiet(): boolean {
    return this.unanswered.length === 0;
  }

  /** A moment of its life: it sends somewhere, or again what it sent there last, and looks what is new. */
  async act(room: Room, text: string): Promise<void> {
    if (!(await this.connect())) return;
    if (this.random.next() < 0.4) await this.pull();
    if (this.random.next() < this.manners.acknowledges) this.acknowledge();
    const pending = this.unanswered.find((one) => one.conversationId === room.conversationId);
    if (!pending) {
      if (this.isStretching(room)) this.cut();
      return (await this.connect()) ? this.transmit(this.compose(room, text)) : undefined;
    }
    if (this.random.next() < this.manners.repeats && (await this.catchUp())) await this.transmit(pending);
  }

  /** What it took, but for control messages. */
  get messages(): readonly Place[] {
    return this.taken.flatMap((event) =>
      event.kind === 'message' && !isVoid(event.message) && event.message.type !== 'control'
        ? [event.message]
        : [],
    );
  }

  /** What comes of it, it need not hear, unless it regrets that. */
  async react({ to, emoji, remove, regrets }: WantedReaction, random: Random): Promise<void> {
    const { conversationId, seq } = to;
    const reaction = (isOver: boolean) => ({
      action: 'react',
      conversationId,
      seq,
      emoji,
      ...(isOver && { remove: true }),
    });
    const answer = await this.tell(reaction(remove), random);
    if (regrets && answer) await this.tell(reaction(!remove), random);
  }

  block(userId: string, on: boolean, random: Random): void {
    void this.tell({ action: on ? 'block' : 'unblock', userId }, random);
  }

  /** The same frame, at times several times at once; the first answer, if one comes. */
  private async tell(frame: Frame, random: Random): Promise<Frame | undefined> {
    const named = { ...frame, id: `tell/${++this.requests}` };
    for (let copies = random.next() < 0.5 ? random.integer(2, 5) : 1; copies > 1; copies--) {
      this.connection?.send(named);
    }
    return this.connection?.ask(this.stage, named, PATIENCE_MS);
  }

  cut(): void {
    this.connection?.cut();
  }

  /** Takes all there is, and has every send answered; one such run at a time. */
  async sync(): Promise<void> {
    this.finishing ??= this.finish().finally(() => (this.finishing = undefined));
    await this.finishing;
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.cut();
    await this.finishing;
  }

  private async finish(): Promise<void> {
    for (let tries = 0; !this.isClosed; tries++) {
      if (tries > 0) await this.stage.wait(this.random.between(0, BACKOFF_MS * Math.min(tries, 8)));
      if (!(await this.connect())) continue;
      if (!(await this.catchUp())) {
        // However patient it is with a socket that is silent: in the end it has to hear.
        this.cut();
        continue;
      }
      await Promise.all(this.unanswered.map((record) => this.transmit(record)));
      if (this.isQuiet && (await this.pullToHead())) return;
    }
  }

  private get unanswered(): SendRecord[] {
    return [...this.sends.values()].filter(({ isAnswered }) => !isAnswered);
  }

  /** Copies of all but its three latest sends are known to the server no more: over this connection none may be under way. */
  private isStretching({ conversationId }: Room): boolean {
    const there = [...this.sends.values()].filter((one) => one.conversationId === conversationId);
    return there.slice(0, -2).some(({ connection, open }) => connection === this.connection && open > 0);
  }

  private compose({ conversationId, to: names }: Room, text: string): SendRecord {
    const { random } = this;
    const clientMsgId = `${this.options.deviceId}-plain-${this.sends.size + 1}`;
    const silent = random.next() < 0.15;
    const to = names[random.integer(0, names.length - 1)]!;
    const frame = {
      action: 'send',
      to,
      clientMsgId,
      type: 'text',
      body: { text },
      ...(silent && { silent }),
    };
    const record: SendRecord = {
      frame,
      conversationId,
      text,
      silent,
      isAnswered: false,
      frames: 0,
      refusals: 0,
      connection: undefined,
      open: 0,
      seqs: new Set(),
    };
    this.sends.set(clientMsgId, record);
    return record;
  }

  /** Once, or the same frame several times at once; waits for an answer, or goes on to something else. */
  private async transmit(record: SendRecord): Promise<void> {
    const { random, connection } = this;
    if (!connection) return;
    const copies = random.next() < 0.25 ? random.integer(2, 5) : 1;
    const cursor = random.next() < this.manners.acknowledges && { cursor: this.taken.length };
    const frame = { ...record.frame, ...cursor, id: this.nameFor(record) };
    record.frames += copies;
    record.open = (record.connection === connection ? record.open : 0) + copies;
    record.connection = connection;
    for (let copy = 1; copy < copies; copy++) connection.send(frame);
    const patienceMs = random.next() < 0.3 ? random.between(0, 50) : PATIENCE_MS;
    await connection.ask(this.stage, frame, patienceMs);
    if (!record.isAnswered && patienceMs === PATIENCE_MS) this.doubt();
  }

  private nameFor(record: SendRecord): string {
    return `${String(record.frame['clientMsgId'])}/${++this.requests}`;
  }

  /** No answer in time: another client would be sure that the socket is dead. */
  private doubt(): void {
    if (this.random.next() >= this.manners.stays) this.cut();
  }

  private async connect(): Promise<boolean> {
    if (this.connection?.isOpen) return true;
    if (this.isClosed) return false;
    this.isInSync = false;
    const wishes = this.wishLog.connection();
    const onFrame = (frame: Frame) => {
      wishes.hear(frame);
      this.hear(frame);
    };
    const onSent = (frame: Frame) => wishes.leave(frame);
    const options = { ...this.options, onFrame, onSent };
    this.connection = await PlainConnection.open(options, this.wasOpened);
    this.wasOpened ||= this.connection !== undefined;
    if (this.isClosed) this.cut();
    return this.connection !== undefined;
  }

  /** Whatever comes, and whenever: an answer to the first of many tries is one too. */
  private hear(frame: Frame): void {
    if (frame['push'] === 'sync') return this.takePush(frame);
    const [clientMsgId = ''] = String(frame['id']).split('/');
    const record = this.sends.get(clientMsgId);
    if (!record) return;
    record.open--;
    const error = frame['error'] as { code: string; retryable: boolean } | undefined;
    // Its token is over, and the server closes: the next connection has a new one.
    if (error?.retryable || error?.code === 'unauthorized') return;
    record.isAnswered = true;
    if (error) record.refusals++;
    else record.seqs.add(frame['seq'] as number);
  }

  /** As far as it joins up: what this device made is left out of its pushes, and has to be pulled. */
  private takePush({ events = [] }: Frame): void {
    if (!this.isInSync) return;
    for (const event of events as SyncEvent[]) {
      if (event.syncSeq === this.taken.length + 1) this.taken.push(event);
    }
  }

  /** A page: the numbers that its entries should have are known without them. */
  private take(from: number, events: readonly SyncEvent[]): void {
    events.forEach((event, index) => {
      // A push may have brought it meanwhile.
      if (from + index === this.taken.length + 1) this.taken.push(event);
    });
  }

  private async catchUp(): Promise<boolean> {
    if (!this.isInSync) this.isInSync = await this.pullToHead();
    return this.isInSync;
  }

  private async pullToHead(): Promise<boolean> {
    for (;;) {
      const page = await this.pull();
      if (!page) return false;
      if (!page['more']) return true;
    }
  }

  /** A page, from where it is, or from where the server thinks that it is. */
  private async pull(): Promise<Frame | undefined> {
    const { random, connection, manners } = this;
    const had = this.taken.length;
    const named = random.next() < 0.8 || had === 0;
    const limit = random.integer(1, manners.pageSize);
    const frame = { action: 'sync', id: `sync/${++this.requests}`, limit, ...(named && { after: had }) };
    const page = await connection?.ask(this.stage, frame, PATIENCE_MS);
    if (!page) this.doubt();
    if (!page?.['ok']) return undefined;
    const events = page['events'] as SyncEvent[];
    const begin = (page['next'] as number) - events.length;
    if (!named) this.cursors.push({ cursor: begin, taken: had });
    this.take(begin + 1, events);
    return page;
  }

  /** The newest position or, for the server to take no notice of, an older one. */
  private acknowledge(): void {
    const { random, taken, connection } = this;
    const cursor = random.next() < 0.8 ? taken.length : random.integer(0, taken.length);
    const action = random.next() < 0.7 ? 'ack' : 'ping';
    connection?.send({ action, cursor, ...(action === 'ping' && { id: `ping/${++this.requests}` }) });
  }
}
