// A device that may die at any moment: its storage stays, everything else of it is gone.
import type { ImError } from '../../src/client/errors.ts';
import type { ImClient } from '../../src/client/im-client.ts';
import type { ClientOptions } from '../../src/client/options.ts';
import type { OutgoingMessage, SendState } from '../../src/client/outbox/outgoing.ts';
import type { Role } from '../../src/client/tabs/tab.ts';
import type { SharedClient } from '../../src/client/tabs/shared-client.ts';
import type { Platform } from '../../src/protocol/ids.ts';
import type { Random } from '../../local/faults/random.ts';
import type { Changed, DeviceHistory, Listed, Marked, Sent, Shown, Told } from './history.ts';
import type { Machine } from './machine.ts';
import { mortalEnvironment, mortalSockets, type Life } from './mortal.ts';
import type { Place, WantedReaction } from './people/lives.ts';
import { WishLog } from './people/wishes.ts';
import { PlainConnection } from './plain-connection.ts';
import { asShown, messagesOf, Screen, toldBy } from './screen.ts';
import { SentLog } from './sent-log.ts';
import type { Stage } from './stage.ts';

export interface ClientParts {
  readonly ImClient: typeof ImClient;
  readonly SharedClient: typeof SharedClient;
  readonly ImError: typeof ImError;
}

export interface DeviceOptions {
  readonly parts: ClientParts;
  readonly stage: Stage;
  readonly userId: string;
  readonly deviceId: string;
  readonly platform: Platform;
  readonly random: Random;
  readonly machine: Machine;
  /** Which of the machine's tabs this is, where it has several. */
  readonly tab?: number;
}

const LOOK_PAGE = 100;
/** In the story's time. */
const SOON_MS = 2_000;
/** One that is slow. */
const HANDSHAKE_MS = 30;
const LOOK_PAUSE_MS = 4;
const UNASKED_MS = 600;
/** Between two taps, at most: at once, or when nothing seems to have come of the first. */
const TAP_GAPS_MS = [20, 600] as const;
/** So long one waits for an answer. */
const ANSWER_MS = 1_000;

const newLife = (): Life => ({
  over: false,
  onCommit: () => {},
  ends: new Set(),
  timers: new Set(),
  sockets: new Set(),
});

export class Device {
  readonly wishLog: WishLog;
  private readonly options: DeviceOptions;
  private readonly screen = new Screen();
  private readonly told: Told[] = [];
  private readonly changes: Changed[] = [];
  private readonly marked: Marked[] = [];
  private kept: readonly Shown[] = [];
  private listed: readonly Listed[] = [];
  private readonly sends = new SentLog();
  /** How to shut what is open. */
  private readonly opened = new Map<string, () => void>();
  private life = newLife();
  private client: ImClient | SharedClient | undefined;
  private token: string | undefined;
  /** Its user wants the connection in this tab. */
  private waitsToHold = false;

  constructor(options: DeviceOptions) {
    this.options = options;
    this.wishLog = new WishLog(options.stage, options.userId, options.deviceId);
  }

  /** No other has it. */
  get name(): string {
    const { userId, deviceId, tab } = this.options;
    return `${userId}/${deviceId}${tab === undefined ? '' : ` tab ${tab}`}`;
  }

  get isTab(): boolean {
    return this.options.tab !== undefined;
  }

  get history(): DeviceHistory {
    const { userId, deviceId } = this.options;
    const { told, changes, marked, kept, listed } = this;
    const { shown } = this.screen;
    // Of its machine, which one of its tabs tells of.
    const journal = (this.options.tab ?? 1) === 1 ? this.options.machine.journal.steps : [];
    return { userId, deviceId, shown, told, changes, marked, kept, listed, journal };
  }

  get sent(): Sent[] {
    const { userId, deviceId } = this.options;
    return this.sends.sentBy(userId, deviceId);
  }

  /** Changes whenever this device gets anywhere. */
  get progress(): readonly [shown: number, unsent: number] {
    return [this.screen.shown.length, this.unsent.length];
  }

  /** What its outbox holds that is not answered. */
  get waiting(): string[] {
    return this.unsent.map(({ clientMsgId }) => clientMsgId);
  }

  get isQuiet(): boolean {
    return this.client !== undefined && this.unsent.length === 0;
  }

  /** What was refused stays in the outbox until its user takes it out. */
  private get unsent(): readonly OutgoingMessage[] {
    return this.client?.outbox().filter(({ state }) => state !== 'rejected') ?? [];
  }

  /** Starts the app: what its storage holds is drawn first, then come the events. */
  async start(): Promise<void> {
    const life = newLife();
    this.life = life;
    this.screen.begin();
    const client = await this.open(life);
    this.client = client;
    await this.screen.drawAll(client, this.isTab);
    // It goes on trying by itself; what ends it is our doing.
    void this.connect();
  }

  private async open(life: Life): Promise<ImClient | SharedClient> {
    const { parts, stage, userId, deviceId, platform, random, machine, tab } = this.options;
    const { disk, journal } = machine;
    const store = () => {
      const storage = disk.open(() => life.onCommit());
      life.ends.add(() => storage.die());
      return storage;
    };
    const options: Omit<ClientOptions, 'storage'> = {
      url: stage.url,
      token: async () => (this.token = await stage.issueToken(userId)),
      deviceId,
      platform,
      webSocket: mortalSockets(stage, life, { journal, wishLog: this.wishLog, tab }),
      environment: mortalEnvironment(stage, life, random),
      on: {
        message: ({ message }) => this.life === life && this.screen.hear(message),
        conversationChanged: ({ conversationId }) => {
          if (this.life === life && this.client) void this.screen.drawLate(this.client, conversationId);
        },
        sendState: ({ message, state }) => this.note(message, state),
        ...(tab !== undefined && { kicked: () => journal.learn(tab) }),
      },
    };
    if (!machine.browser) return parts.ImClient.open({ ...options, storage: store() });
    const page = machine.browser.openPage();
    life.ends.add(() => page.end());
    const storage = async () => {
      if (!disk.isOpen) return store();
      throw new parts.ImError('storage', 'It is open in another tab', { retryable: true });
    };
    // Who opens a tab asks for a connection, and waits for it: where there is none, it comes with the tab.
    this.waitsToHold = true;
    const onRole = (role: Role) => role === 'holder' && this.waitsToHold && journal.ask();
    const client = await parts.SharedClient.open({ ...options, name: userId, storage, onRole }, page);
    this.waitsToHold = false;
    return client;
  }

  /** Until it is connected and in sync, or has waited for so long: what happens offline meets few faults. */
  async online(patienceMs: number): Promise<void> {
    const given = patienceMs === Infinity ? [] : [this.options.stage.wait(patienceMs)];
    await Promise.race([this.connect(), ...given]);
  }

  /** Its user opens the app: that alone brings back a device that another one took the place of. */
  private async connect(): Promise<void> {
    this.options.machine.journal.ask();
    await this.client?.start().catch(() => {});
  }

  /** Its user goes on in this tab. */
  takeOver(): void {
    const { client } = this;
    if (!client || !('takeOver' in client)) return;
    this.options.machine.journal.ask();
    this.waitsToHold = true;
    client
      .takeOver()
      .catch(() => {})
      .finally(() => (this.waitsToHold = false));
  }

  send(to: string, conversationId: string, text: string, silent: boolean): void {
    if (!this.client) return;
    const message = this.client.send(to, text, { silent });
    this.sends.add(message, { conversationId, text, silent });
  }

  /** Takes one of its own messages back, or gives it another text. */
  change(kind: Changed['kind'], random: Random): void {
    const { places } = this.sends;
    const one = places[random.integer(0, places.length - 1)];
    if (!one || !this.client) return;
    const { userId, stage } = this.options;
    const text = `edit ${this.changes.length} by ${userId}`;
    const index = this.changes.push({ ...one, by: userId, kind, ...(kind === 'edit' && { text }) }) - 1;
    const conversation = this.client.conversation(one.conversationId);
    const done = kind === 'recall' ? conversation.recall(one.seq) : conversation.edit(one.seq, text);
    const note = () => (this.changes[index] = { ...this.changes[index]!, doneAt: stage.now() });
    done.then(note, () => {});
  }

  get messages(): readonly Place[] {
    return this.screen.shown;
  }

  async react({ to, emoji, remove, taps, regrets }: WantedReaction, random: Random): Promise<void> {
    const { conversationId, seq } = to;
    const conversation = this.client?.conversation(conversationId);
    if (!conversation) return;
    const { stage } = this.options;
    const tap = (on: boolean) =>
      (on ? conversation.react(seq, emoji) : conversation.unreact(seq, emoji)).catch(() => {});
    const answers = [tap(!remove)];
    if (taps > 1) {
      await stage.wait(random.between(0, TAP_GAPS_MS[random.integer(0, 1)]!));
      answers.push(tap(!remove));
    }
    // Who died meanwhile has no answer.
    await Promise.race([Promise.all(answers), stage.wait(ANSWER_MS)]);
    if (regrets) void tap(remove);
  }

  block(userId: string, on: boolean): void {
    (on ? this.client?.block(userId) : this.client?.unblock(userId))?.catch(() => {});
  }

  /** Reads all that was shown of a conversation. */
  read(conversationId: string): void {
    const { client } = this;
    const seq = this.screen.shown.findLast((message) => message.conversationId === conversationId)?.seq;
    if (!client || seq === undefined) return;
    const index = this.marked.push({ conversationId, seq, isKept: false }) - 1;
    const note = () => (this.marked[index] = { conversationId, seq, isKept: true });
    client
      .conversation(conversationId)
      .markRead(seq)
      .then(note, () => {});
  }

  /** Looks at all that it has. */
  async takeStock(): Promise<void> {
    const { client } = this;
    if (!client) return;
    // It may have died between noting a refusal and telling of it.
    for (const { clientMsgId, state } of client.outbox()) {
      if (state === 'rejected') this.sends.noteRejected(clientMsgId);
    }
    const conversations = await client.conversations();
    const lists = await Promise.all(
      conversations.map(({ conversationId }) => messagesOf(client, conversationId)),
    );
    this.kept = lists.flat().map((message) => ({
      ...asShown(message),
      ...(message.reactions && { reactions: message.reactions }),
    }));
    this.listed = conversations.map(({ conversationId, unread, peerReadSeq }) => ({
      conversationId,
      unread,
      peerReadSeq,
    }));
  }

  /** Opens a chat: reads its newest page from the server, and so meets messages that are on their way. */
  look(conversationId: string): void {
    const askedAt = this.options.stage.now();
    this.client
      ?.conversation(conversationId)
      .history({ limit: LOOK_PAGE })
      .then(
        (page) => this.told.push(...toldBy(conversationId, page, askedAt)),
        () => {},
      );
  }

  private async lookOften(conversationId: string): Promise<void> {
    for (let ms = 0; ms < 2 * HANDSHAKE_MS; ms += LOOK_PAUSE_MS) {
      this.look(conversationId);
      await this.options.stage.wait(LOOK_PAUSE_MS);
    }
  }

  /** Shows a conversation from now on, or no more: of a large group, messages come live meanwhile. */
  openOrShut(conversationId: string): void {
    const shut = this.opened.get(conversationId);
    this.opened.delete(conversationId);
    if (shut) return shut();
    const end = this.client?.conversation(conversationId).open();
    if (end) this.opened.set(conversationId, end);
  }

  /** The process is gone in the middle of whatever it did. */
  crash(): void {
    if (this.life.over) return;
    this.life.over = true;
    for (const end of this.life.ends) end();
    for (const cancel of this.life.timers) cancel();
    for (const socket of this.life.sockets) socket.forsake();
    this.opened.clear();
    this.client = undefined;
  }

  /** The process is gone while it writes: in the n-th commit from now on, or at last after that long. */
  async crashInCommit(n: number, latestMs: number): Promise<void> {
    const { life } = this;
    let left = n;
    const crashed = new Promise<void>((resolve) => {
      life.onCommit = () => {
        if (--left > 0) return;
        this.crash();
        resolve();
      };
    });
    await Promise.race([crashed, this.options.stage.wait(latestMs)]);
    life.onCommit = () => {};
    if (!life.over) this.crash();
  }

  /** The network is gone, and the client sees it. */
  cut(): void {
    for (const socket of this.life.sockets) socket.terminate();
  }

  /** How long its token is good yet, if that is not long. */
  get untilTokenEnds(): number | undefined {
    const left = this.token && this.options.stage.untilEnd?.(this.token);
    return left && left > 0 && left < SOON_MS ? left : undefined;
  }

  /** Another device of this platform takes over, or a copy of this one in another process; it does not stay. */
  async yield(conversationId: string): Promise<void> {
    const { random, stage, deviceId } = this.options;
    const left = this.untilTokenEnds;
    if (left !== undefined) {
      // Told to stay away just when it is told that its token is over.
      await stage.wait(Math.max(0, left - random.between(0, HANDSHAKE_MS)));
      void this.lookOften(conversationId);
    }
    const taker = random.next() < 0.3 ? deviceId : 'newcomer';
    const options = { ...this.options, deviceId: taker, onFrame: () => {} };
    const newcomer = await PlainConnection.open(options, false);
    await stage.wait(random.between(0, 100));
    newcomer?.cut();
    // Nobody asks for it for a while: it should not come back by itself.
    if (left !== undefined) await stage.wait(random.between(0, UNASKED_MS));
  }

  /** Of all that was, nothing counts any more; what is on its disk is still there. */
  beginAnew(past: ReadonlySet<string>): void {
    this.screen.beginAnew(past);
    for (const list of [this.told, this.changes, this.marked, this.wishLog.wishes]) list.length = 0;
    this.sends.clear();
  }

  async sync(): Promise<void> {
    if (this.client?.state === 'kicked') void this.connect();
    // Kicked in the middle of it, it is asked again.
    await this.client?.sync().catch(() => {});
  }

  async close(): Promise<void> {
    await this.client?.close();
    this.crash();
  }

  private note(message: OutgoingMessage, state: SendState): void {
    // An app would ask its user.
    if (state === 'failed') message.retry().catch(() => {});
    this.sends.note(message, state);
  }
}
