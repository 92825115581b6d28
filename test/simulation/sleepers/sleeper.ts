// A registered device that is away more than it is there: it pulls, acknowledges or not, and goes; in the end for good.
import type { Random } from '../../../local/faults/random.ts';
import { PlainConnection, type Frame } from '../plain-connection.ts';
import type { Stage } from '../stage.ts';
import type { Acknowledged, SleeperHistory } from './history.ts';

/** So long it waits for an answer: ten seconds of its own, faster time. */
const PATIENCE_MS = 1_250;
/** How long it is there, or away, at most. */
const STAY_MS = 500;
const DEVICE_ID = 'sleeper';
const MAX_TRIES = 10;

export interface SleeperOptions {
  readonly stage: Stage;
  readonly userId: string;
  readonly random: Random;
}

export class Sleeper {
  private readonly options: SleeperOptions;
  private readonly acknowledged: Acknowledged[] = [];
  private connection: PlainConnection | undefined;
  private requests = 0;
  /** Everything up to there is on its disk. */
  private taken = 0;
  /** Heard of; what it hears of over a connection that lost something, it does not acknowledge. */
  private heard = 0;
  /** It acknowledges what it hears next, and says nothing more. */
  private dozes = false;

  constructor(options: SleeperOptions) {
    this.options = options;
  }

  get history(): SleeperHistory {
    const { userId } = this.options;
    return { userId, deviceId: DEVICE_ID, acknowledged: this.acknowledged };
  }

  /** Before the storm. */
  async register(): Promise<void> {
    for (let tries = 1; tries <= MAX_TRIES; tries++) {
      const answer =
        (await this.connect(false)) &&
        (await this.ask('device', { pushToken: `token of ${this.options.userId}` }));
      this.leave();
      if (answer && answer['ok']) return;
    }
    throw new Error(`${this.options.userId} cannot register`);
  }

  /** Comes and goes. */
  async live(times: number): Promise<void> {
    const { stage, random } = this.options;
    for (let n = 1; n <= times; n++) {
      await stage.wait(random.between(0, STAY_MS));
      if (!(await this.connect(random.next() < 0.5))) continue;
      if (random.next() < 0.6) await this.pull();
      await stage.wait(random.between(0, STAY_MS));
      // Half of the time what was pushed meanwhile is acknowledged; who notes that may die over it.
      if (random.next() < 0.5) {
        const strikes = random.next() < 0.6;
        if (strikes) stage.strike?.('ping', { kind: 'death', writes: random.integer(0, 1) });
        await this.acknowledge(this.heard);
        if (strikes) return this.leave();
      }
      // In some of the others it stays, and hears all of it, but says nothing more.
      if (random.next() < 0.7) this.leave();
    }
    if (random.next() < 0.5) await this.dozeOff();
  }

  /** It is there, and takes all that there is. */
  private async dozeOff(): Promise<void> {
    if (!(await this.connect(false))) return;
    await this.pull();
    this.dozes = true;
  }

  leave(): void {
    this.connection?.cut();
    this.connection = undefined;
  }

  private async connect(resumes: boolean): Promise<boolean> {
    if (this.connection?.isOpen) return true;
    const { stage, userId } = this.options;
    this.heard = this.taken;
    const place = { stage, userId, deviceId: DEVICE_ID, platform: 'android' };
    this.connection = await PlainConnection.open({ ...place, onFrame: (frame) => this.hear(frame) }, resumes);
    return this.connection !== undefined;
  }

  private hear(frame: Frame): void {
    const { from, to } = frame as { from?: number; to?: number };
    if (frame['push'] !== 'sync' || from === undefined || to === undefined) return;
    if (from <= this.heard + 1) this.heard = Math.max(this.heard, to);
    if (!this.dozes) return;
    this.dozes = false;
    void this.acknowledge(this.heard);
  }

  /** Asking for the next page acknowledges the one before. */
  private async pull(): Promise<void> {
    for (;;) {
      const after = this.taken;
      const askedAt = this.options.stage.now();
      const page = await this.ask('sync', { after, limit: this.options.random.integer(1, 20) });
      this.note(after, askedAt, page);
      if (!page?.['ok']) return;
      this.taken = page['next'] as number;
      this.heard = Math.max(this.heard, this.taken);
      if (!page['more']) return;
    }
  }

  private async acknowledge(cursor: number): Promise<void> {
    if (cursor === 0) return;
    const askedAt = this.options.stage.now();
    this.taken = Math.max(this.taken, cursor);
    this.note(cursor, askedAt, await this.ask('ping', { cursor }));
  }

  private note(cursor: number, askedAt: number, answer: Frame | undefined): void {
    const doneAt = answer?.['ok'] ? { doneAt: this.options.stage.now() } : {};
    this.acknowledged.push({ cursor, askedAt, ...doneAt });
  }

  private async ask(action: string, fields: Frame): Promise<Frame | undefined> {
    const frame = { action, id: `${action}/${++this.requests}`, ...fields };
    return this.connection?.ask(this.options.stage, frame, PATIENCE_MS);
  }
}
