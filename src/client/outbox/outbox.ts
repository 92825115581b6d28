// What is to be sent: kept until the server has it, in the order of each conversation and one at a time there; always
// with the same clientMsgId, so that trying again is safe.
import type { Message } from '../../protocol/messages.ts';
import { referencesOf, type References } from '../../protocol/slots.ts';
import type { Request, RequestFields } from '../connection/connection.ts';
import type { ClientEvents } from '../client-events.ts';
import type { CancelTimer, Environment } from '../environment.ts';
import { ImError, toImError } from '../errors.ts';
import type { Emitter } from '../events.ts';
import type { Acks } from '../sync/acks.ts';
import type { Inbox } from '../sync/inbox.ts';
import { OutgoingMessage, toMessage, type SendState } from './outgoing.ts';
import { backoffMs, resendBackoff } from '../backoff.ts';
import { key, type OutboxRecord } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import type { Change } from '../storage/storage.ts';

/** Failed tries, lost connections included, before the app has to decide. */
const MAX_ATTEMPTS = 10;
const MAX_CONVERSATIONS_IN_FLIGHT = 8;

export interface OutboxOptions {
  readonly store: Store;
  readonly inbox: Inbox;
  readonly request: Request;
  readonly acks: Pick<Acks, 'cursorToTell' | 'noteTold'>;
  readonly environment: Environment;
  readonly events: Emitter<ClientEvents>;
  readonly onError: (error: ImError) => void;
}

interface Entry {
  record: OutboxRecord;
  readonly message: OutgoingMessage;
  attempts: number;
  /** Durable, so that it may go out. */
  stored: boolean;
  /** Being taken out: it does not go out, and nothing more is written of it. */
  leaving: boolean;
}

/** One conversation: its entries in order, and what its first one is doing. A failed one holds up those behind it. */
interface Lane {
  readonly entries: Entry[];
  busy: boolean;
  cancelWait: CancelTimer | undefined;
}

export type Draft = Pick<
  OutboxRecord,
  'to' | 'conversationId' | 'type' | 'body' | 'silent' | 'clientMsgId' | keyof References
>;

export class Outbox {
  readonly #options: OutboxOptions;
  readonly #lanes = new Map<string, Lane>();
  readonly #entries = new Map<string, Entry>();
  #lastOrder = 0;
  #active = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
    for (const record of options.store.unsent) this.#enter(record, Promise.resolve()).stored = true;
  }

  /** Everything that is not sent, in the order in which it was given. */
  get messages(): OutgoingMessage[] {
    return [...this.#entries.values()]
      .toSorted((a, b) => a.record.order - b.record.order)
      .map(({ message }) => message);
  }

  /** Synced to the head: what was stored before the connection broke is known, so the rest may go. */
  resume(): void {
    this.#active = true;
    this.#pump();
  }

  pause(): void {
    this.#active = false;
    for (const lane of this.#lanes.values()) this.#endWait(lane);
  }

  /** No more comes of what is not sent yet; it stays stored. */
  end(error: ImError): void {
    this.pause();
    for (const { message } of this.#entries.values()) message.abandon(error);
  }

  /** @throws ImError `bad_request` if a message of this clientMsgId is waiting already. */
  add(draft: Draft): OutgoingMessage {
    if (this.#entries.has(draft.clientMsgId)) {
      throw new ImError('bad_request', `clientMsgId: ${draft.clientMsgId} is in the outbox already`);
    }
    const order = this.#lastOrder + 1;
    const record: OutboxRecord = {
      ...draft,
      order,
      createdAt: this.#options.environment.now(),
      state: 'queued',
    };
    const stored = this.#options.store.commit([{ key: key.outbox(order), value: record }]);
    const entry = this.#enter(record, stored);
    this.#tell(entry.message, 'queued');
    void this.#release(entry, stored);
    return entry.message;
  }

  /** For the inbox: an own message came in; what that changes here, and what to do once it is stored. */
  readonly confirm = (message: Message): { changes: readonly Change[]; done: () => void } | undefined => {
    const entry = this.#entries.get(message.clientMsgId);
    if (entry?.record.conversationId !== message.conversationId) return undefined;
    // Its clientMsgId is another message's.
    if (entry.record.state === 'rejected') return undefined;
    return {
      changes: [{ key: key.outbox(entry.record.order), value: undefined }],
      done: () => {
        if (!this.#remove(entry)) return;
        this.#setState(entry, 'sent', { message });
        this.#pump();
      },
    };
  };

  async #release(entry: Entry, stored: Promise<void>): Promise<void> {
    try {
      await stored;
      entry.stored = true;
      this.#pump();
    } catch (cause) {
      this.#remove(entry);
      const error = new ImError('storage', 'The outbox cannot be written', { cause });
      this.#setState(entry, 'failed', { error });
      this.#options.onError(error);
    }
  }

  #enter(record: OutboxRecord, stored: Promise<void>): Entry {
    const message = new OutgoingMessage(record, this.#options.store.meta.userId, stored, {
      retry: () => this.#retry(entry),
      discard: () => this.#discard(entry),
    });
    const entry: Entry = { record, message, attempts: 0, stored: false, leaving: false };
    this.#entries.set(record.clientMsgId, entry);
    this.#lastOrder = Math.max(this.#lastOrder, record.order);
    if (record.state !== 'rejected') this.#lane(record.conversationId).entries.push(entry);
    return entry;
  }

  #lane(conversationId: string): Lane {
    const lane = this.#lanes.get(conversationId) ?? { entries: [], busy: false, cancelWait: undefined };
    this.#lanes.set(conversationId, lane);
    return lane;
  }

  #pump(): void {
    if (!this.#active) return;
    let inFlight = [...this.#lanes.values()].filter(({ busy }) => busy).length;
    for (const [conversationId, lane] of this.#lanes) {
      const [entry] = lane.entries;
      if (lane.busy) continue;
      if (!entry) this.#lanes.delete(conversationId);
      const isReady = entry?.stored && !entry.leaving;
      const mayGo = isReady && entry.record.state === 'queued' && !lane.cancelWait;
      if (!mayGo || inFlight >= MAX_CONVERSATIONS_IN_FLIGHT) continue;
      inFlight++;
      void this.#send(lane, entry);
    }
  }

  async #send(lane: Lane, entry: Entry): Promise<void> {
    lane.busy = true;
    this.#setState(entry, 'sending');
    try {
      const message = await this.#transmit(entry.record);
      await this.#options.inbox.take({ arrivals: [{ slot: message, delivery: 'live' }] });
    } catch (error) {
      await this.#handleFailure(lane, entry, toImError(error));
    }
    lane.busy = false;
    this.#pump();
  }

  async #transmit(record: OutboxRecord): Promise<Message> {
    const { to, clientMsgId, type, body, silent } = record;
    const { acks, request } = this.#options;
    const cursor = acks.cursorToTell();
    const fields = {
      to,
      clientMsgId,
      type,
      body,
      ...(silent && { silent }),
      ...referencesOf(record),
      ...(cursor !== undefined && { cursor }),
    } as RequestFields<'send'>;
    const answer = await request('send', fields);
    if (cursor !== undefined) acks.noteTold(cursor);
    return toMessage(record, answer, this.#options.store.meta);
  }

  async #handleFailure(lane: Lane, entry: Entry, error: ImError): Promise<void> {
    if (error.code === 'storage') this.#options.onError(error);
    // Sync brought it meanwhile, or the app discarded it.
    if (!this.#holds(entry)) return;
    const mayPass = error.retryable || error.code === 'storage';
    if (!mayPass) return this.#giveUp(entry, 'rejected', error);
    if (error.code !== 'rate_limited' && ++entry.attempts >= MAX_ATTEMPTS)
      return this.#giveUp(entry, 'failed', error);
    this.#setState(entry, 'queued');
    if (!this.#active) return;
    const delayMs = backoffMs(resendBackoff, entry.attempts, this.#options.environment.random());
    lane.cancelWait = this.#options.environment.setTimer(
      () => {
        lane.cancelWait = undefined;
        this.#pump();
      },
      Math.max(delayMs, error.retryAfterMs ?? 0),
    );
  }

  /**
   * Stays in the outbox for the app to decide. A rejected message will never have a place, so it holds up nothing. A
   * failed one may: those behind it wait, for the order's sake and because the server knows a device's last sends only.
   */
  async #giveUp(entry: Entry, state: 'failed' | 'rejected', error: ImError): Promise<void> {
    if (state === 'rejected') this.#leaveLane(entry);
    const { code, message } = error;
    entry.record = { ...entry.record, state, error: { code, message } };
    if (!entry.leaving) await this.#keep(entry, entry.record).catch(this.#options.onError);
    this.#setState(entry, state, { error });
  }

  async #retry(entry: Entry): Promise<void> {
    if (entry.message.state !== 'failed') return;
    if (entry.leaving || !this.#entries.has(entry.record.clientMsgId))
      throw new ImError('bad_request', 'It is not in the outbox: send it anew');
    const { error: _, ...record } = entry.record;
    const queued: OutboxRecord = { ...record, state: 'queued' };
    await this.#keep(entry, queued);
    entry.record = queued;
    entry.attempts = 0;
    this.#setState(entry, 'queued');
    this.#pump();
  }

  async #discard(entry: Entry): Promise<void> {
    if (!this.#holds(entry)) return;
    entry.leaving = true;
    try {
      await this.#keep(entry, undefined);
    } catch (error) {
      entry.leaving = false;
      this.#pump();
      throw error;
    }
    // It was on its way, and arrived meanwhile.
    if (!this.#remove(entry)) return;
    entry.message.abandon(new ImError('closed', 'The message was discarded'));
    this.#pump();
  }

  /** `undefined`: of what is to be taken out. */
  #keep({ record: { order } }: Entry, value: OutboxRecord | undefined): Promise<void> {
    return this.#options.store.commit([{ key: key.outbox(order), value }]);
  }

  /** It is in the outbox, and not another one of its clientMsgId. */
  #holds(entry: Entry): boolean {
    return this.#entries.get(entry.record.clientMsgId) === entry;
  }

  #setState(entry: Entry, state: SendState, result: { error?: ImError; message?: Message } = {}): void {
    entry.message.become(state, result);
    this.#tell(entry.message, state);
  }

  #tell(message: OutgoingMessage, state: SendState): void {
    this.#options.events.emit('sendState', { conversationId: message.conversationId, message, state });
  }

  #remove(entry: Entry): boolean {
    this.#leaveLane(entry);
    return this.#holds(entry) && this.#entries.delete(entry.record.clientMsgId);
  }

  #leaveLane(entry: Entry): void {
    const lane = this.#lanes.get(entry.record.conversationId);
    const index = lane?.entries.indexOf(entry) ?? -1;
    if (lane && index >= 0) lane.entries.splice(index, 1);
    if (lane && index === 0) this.#endWait(lane);
  }

  #endWait(lane: Lane): void {
    lane.cancelWait?.();
    lane.cancelWait = undefined;
  }
}
