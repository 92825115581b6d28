// The device in the tab that holds it: tells all tabs what happens, and does what they ask.
import type { Message } from '../../protocol/messages.ts';
import type { ClientEvents } from '../client-events.ts';
import { ImError, toldToStayAway, toImError } from '../errors.ts';
import { Emitter } from '../events.ts';
import type { HistoryQuery } from '../history.ts';
import { LocalDevice } from '../local-device.ts';
import type { OperationName, Takes } from '../operations.ts';
import type { ClientOptions } from '../options.ts';
import type { ClientState } from '../session.ts';
import type { OutgoingMessage } from '../outbox/outgoing.ts';
import type { Storage } from '../storage/storage.ts';
import { holderKey } from '../store/schema.ts';
import {
  packError,
  packOutgoing,
  packPayload,
  type ActionName,
  type Call,
  type HolderActions,
  type Joined,
  type PackedEvent,
  type Positions,
  type Report,
  type Result,
} from './wire.ts';

const PAGE_SIZE = 100;
/** More than a holder lives to see: what it numbers comes after all that those before it did. */
const KICKS = 1_000_000;

export class Host {
  /** Above those of all holders before it. */
  readonly id: number;
  /** Resolves when it stepped down: the tab to keep the place for, if there is one. */
  readonly ended: Promise<string | undefined>;
  /** The device was told to stay away before this tab held it, and nobody has asked for it since. */
  isKicked = false;
  readonly #device: LocalDevice;
  readonly #publish: (report: Report) => void;
  #leaving = false;
  #lastKick = 0;
  /** What it told while it was opened. */
  #early: readonly PackedEvent[] = [];
  #end: (heir: string | undefined) => void = () => {};

  /** `heard`: of the holders before it, as far as its tab knows. Rejects with ImError as `LocalDevice.open` does. */
  static async open(
    options: ClientOptions,
    heard: { readonly holder: number; readonly lastKick: number },
    publish: (report: Report) => void,
  ): Promise<Host> {
    const id = await takeNumber(options.storage, heard.holder);
    const early: PackedEvent[] = [];
    let tell = (event: PackedEvent): void => void early.push(event);
    const events = new Emitter<ClientEvents>();
    events.onAny((name, payload) => tell({ name, payload: packPayload(name, payload) }));
    const host = new Host(id, await LocalDevice.open(options, events), publish);
    tell = (event) => host.#tell(event);
    host.#early = early;
    host.#lastKick = heard.lastKick;
    return host;
  }

  private constructor(id: number, device: LocalDevice, publish: (report: Report) => void) {
    this.id = id;
    this.#device = device;
    this.#publish = publish;
    this.ended = new Promise((resolve) => (this.#end = resolve));
  }

  /** From now on tabs may ask. */
  announce(): void {
    for (const event of [{ name: 'hello' } as const, ...this.#early]) this.#tell(event);
    this.#early = [];
  }

  #tell(event: PackedEvent): void {
    if (event.name === 'kicked') this.#lastKick = Math.max(this.#lastKick + 1, this.id * KICKS);
    if (this.#leaving) return;
    const { id: holder, state } = this;
    const { totalUnread } = this.#device;
    this.#publish({ kind: 'report', holder, state, lastKick: this.#lastKick, totalUnread, event });
  }

  get state(): ClientState {
    return this.isKicked ? 'kicked' : this.#device.state;
  }

  /** `isHeir`: nobody asks for it; where another device took over meanwhile it stays away. */
  start(isHeir: boolean): void {
    this.isKicked = false;
    // What goes wrong is told by events.
    this.#device.ask('start', ...(isHeir ? [true as const] : [])).catch(() => {});
  }

  async leave(): Promise<void> {
    this.#leaving = true;
    await this.#device.close().finally(() => this.#end(undefined));
  }

  /** Nothing when this tab steps down meanwhile: the caller asks the next holder. */
  async answer({ action, takes, lastKick, first = this.id }: Call): Promise<Result | undefined> {
    if (this.#leaving) return undefined;
    // Asked by a tab that did not know yet that another device took over: to take the place back is its user's to say.
    if (action === 'start' && this.state === 'kicked' && lastKick < this.#lastKick)
      return { error: packError(toldToStayAway()) };
    if (action === 'start') this.isKicked = false;
    // Since an earlier holder was asked, another device may have taken over, and nobody here knows.
    const isInherited = action === 'start' && first < this.id;
    try {
      const value = await this.#perform(action, isInherited ? [true] : takes);
      return this.#leaving && action !== 'yieldTo' && action !== 'clear' ? undefined : { value };
    } catch (error) {
      return this.#leaving && action !== 'clear' ? undefined : { error: packError(toImError(error)) };
    }
  }

  #perform(action: ActionName, takes: readonly unknown[]): Promise<unknown> {
    if (!(action in this.#actions)) {
      return this.#device.ask(action as OperationName, ...(takes as Takes<OperationName>));
    }
    const own = this.#actions[action as keyof HolderActions] as (
      ...takes: readonly unknown[]
    ) => Promise<unknown>;
    return own(...takes);
  }

  readonly #actions: HolderActions = {
    join: (positions) => this.#join(positions),
    // Asked for once more: an earlier holder may have stored it.
    send: (draft) => (this.#waiting(draft.clientMsgId) ?? this.#device.add(draft)).stored,
    retry: (clientMsgId) => this.#unsent(clientMsgId).retry(),
    discard: async (clientMsgId) => {
      await this.#unsent(clientMsgId).discard();
      this.#tell({ name: 'discarded', clientMsgId });
    },
    yieldTo: async (tabId) => {
      this.#leaving = true;
      await this.#device.close().finally(() => this.#end(tabId));
    },
    clear: async () => {
      this.#tell({ name: 'cleared' });
      this.#leaving = true;
      await this.#device.clear();
    },
  };

  async #join(positions: Positions | undefined): Promise<Joined> {
    const device = this.#device;
    const { state } = this;
    const { userId, deviceId, totalUnread } = device;
    const outbox = device.outbox.map(packOutgoing);
    const conversations = await device.ask('conversations');
    const missed: Message[] = [];
    if (positions) {
      const pages = conversations.map(({ conversationId, lastMessage }) =>
        this.#missedIn(conversationId, positions.get(conversationId) ?? 0, lastMessage?.seq ?? 0),
      );
      missed.push(...(await Promise.all(pages)).flat());
    }
    return { userId, deviceId, state, lastKick: this.#lastKick, totalUnread, conversations, outbox, missed };
  }

  async #missedIn(conversationId: string, after: number, headSeq: number): Promise<Message[]> {
    if (after >= headSeq) return [];
    const shown = (query: HistoryQuery) => this.#device.ask('shown', conversationId, query);
    const messages = await shown({ after, limit: PAGE_SIZE })
      // Not kept here any more, and the server is out of reach: what is kept.
      .catch(() => shown({ before: headSeq + 1, limit: PAGE_SIZE }));
    const lastSeq = messages.at(-1)?.seq ?? headSeq;
    return [...messages, ...(await this.#missedIn(conversationId, lastSeq, headSeq))];
  }

  #waiting(clientMsgId: string): OutgoingMessage | undefined {
    return this.#device.outbox.find((message) => message.clientMsgId === clientMsgId);
  }

  #unsent(clientMsgId: string): OutgoingMessage {
    const message = this.#waiting(clientMsgId);
    if (message) return message;
    throw new ImError('bad_request', 'It is not in the outbox (any more)');
  }
}

/** Kept in the storage, for a tab may not have heard of the holder before it. */
async function takeNumber(storage: Storage | undefined, heardOf: number): Promise<number> {
  try {
    const [last] = (await storage?.list({ from: holderKey, to: holderKey })) ?? [];
    const number = Math.max(heardOf, (last?.value as number | undefined) ?? 0) + 1;
    await storage?.commit([{ key: holderKey, value: number }]);
    return number;
  } catch {
    // A storage that takes nothing is opened all the same, or says itself what is wrong with it.
    return heardOf + 1;
  }
}
