// One tab among others: stands for the connection, and follows the tab that has it, itself or another.
import { backoffMs, reconnectBackoff } from '../backoff.ts';
import { within, type Environment } from '../environment.ts';
import { ImError, toldToStayAway, toImError } from '../errors.ts';
import type { ClientOptions } from '../options.ts';
import { Calls } from './calls.ts';
import { Election } from './election.ts';
import { Host } from './host.ts';
import type { Channel, TabPlatform } from './platform.ts';
import type { View } from './view.ts';
import type { AddressedCall, Call, PackedEvent, PackedOutgoing, Report, TabMessage } from './wire.ts';

/** How long the holder has to answer, and how long the place may take to change hands after that. */
const YIELD_MS = 3_000;
const TAKE_OVER_MS = 15_000;

export type Role = 'holder' | 'standby';

export interface TabOptions {
  readonly name: string;
  readonly platform: TabPlatform;
  readonly environment: Environment;
  readonly view: View;
  /** Asked for whenever this tab gets the connection. */
  readonly clientOptions: () => Promise<ClientOptions>;
  readonly onRole: (role: Role) => void;
  readonly onError: (error: ImError) => void;
  /** Another tab removed all local data. */
  readonly onCleared: () => void;
}

/** A holder that is followed; what it reports waits until this tab knows where it stands. */
interface Source {
  readonly id: number;
  waiting: Report[] | undefined;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: ImError) => void;
}

export class Tab {
  role: Role = 'standby';
  readonly calls: Calls;
  /** Resolves when there is a holder to ask; rejects when this tab was to be it and failed. */
  readonly ready: Promise<void>;
  readonly #options: TabOptions;
  readonly #id: string;
  readonly #channel: Channel;
  readonly #election: Election;
  #host: Host | undefined;
  #source: Source | undefined;
  #becomeReady: Waiter = { resolve: () => {}, reject: () => {} };
  readonly #holdWaiters = new Set<Waiter>();
  #failures = 0;
  /** Kicked by another device: whoever holds the connection next does not take its place back by itself. */
  #mayStart = true;
  /** It has the lock, and is about to be the holder. */
  #opening = false;
  #clearing = false;
  #closed = false;

  constructor(options: TabOptions) {
    const { name, platform, environment } = options;
    this.#options = options;
    this.#id = environment.newId();
    const lastKick = () => options.view.lastKick;
    this.calls = new Calls(environment.newId, lastKick, (call) => this.#transmit(call));
    this.ready = new Promise((resolve, reject) => (this.#becomeReady = { resolve, reject }));
    this.ready.catch(() => {});
    this.#channel = platform.openChannel(`im/${name}`);
    this.#channel.addEventListener('message', ({ data }) => this.#hear(data as TabMessage));
    this.#post({ kind: 'who' });
    this.#election = new Election({
      locks: platform.locks,
      name: `im/${name}`,
      tabId: this.#id,
      lead: (taken) => this.#lead(taken),
      rest: () => this.#rest(),
    });
  }

  /** Rejects with ImError `timeout` where the holder does not let go, and as `Host.open` does. */
  async takeOver(): Promise<void> {
    this.#mayStart = true;
    if (this.#host) return this.#host.start(false);
    const { environment } = this.#options;
    let waiter: Waiter | undefined;
    const holding = new Promise<void>((resolve, reject) => (waiter = { resolve, reject }));
    this.#holdWaiters.add(waiter!);
    try {
      await this.#askToYield(holding);
      // From whoever has the lock, answering or not: it notices, and becomes a standby.
      if (this.role === 'standby' && !this.#opening) this.#election.seize();
      await within(environment, TAKE_OVER_MS, holding, 'The tab with the connection does not let go of it');
    } finally {
      this.#holdWaiters.delete(waiter!);
    }
  }

  /** A holder that hears nothing is waited for so long, and no longer. */
  async #askToYield(holding: Promise<void>): Promise<void> {
    const yielded = Promise.race([this.calls.ask('yieldTo', this.#id), holding]);
    try {
      await within(this.#options.environment, YIELD_MS, yielded, 'No answer');
    } catch (error) {
      if (toImError(error).code !== 'timeout') throw error;
    } finally {
      // The next holder is not to be asked for it.
      this.calls.withdraw('yieldTo');
    }
  }

  /** Removes all local data; every tab is closed. */
  async clear(): Promise<void> {
    this.#clearing = true;
    this.#election.stop();
    const { environment } = this.#options;
    await within(environment, TAKE_OVER_MS, this.calls.ask('clear'), 'The tab with the data does not answer');
  }

  async close(error: ImError): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.calls.end(error);
    this.#becomeReady.reject(error);
    for (const { reject } of this.#holdWaiters) reject(error);
    await this.#host?.leave();
    this.#election.stop();
    this.#channel.close();
  }

  async #lead(taken: AbortSignal): Promise<void> {
    // It goes on for the tab that had the connection, and may not have heard all that that one was told.
    const isHeir = this.#source !== undefined && this.#holdWaiters.size === 0;
    this.#opening = true;
    const host = await this.#openHost(taken);
    this.#opening = false;
    if (!host) return;
    if (this.#closed || taken.aborted) return host.leave();
    const report = (error: unknown) => this.#options.onError(toImError(error));
    taken.addEventListener('abort', () => void host.leave().catch(report));
    this.#failures = 0;
    this.#host = host;
    host.isKicked = !this.#mayStart;
    host.announce();
    if (this.#mayStart) host.start(isHeir);
    this.#become('holder');
    const heir = await host.ended;
    this.#host = undefined;
    this.#become('standby');
    if (heir !== undefined) await this.#keepFor(heir, taken);
  }

  /** Until that tab takes the lock, or is gone, or does not want it any more: what it asked for may have come late. */
  async #keepFor(heir: string, taken: AbortSignal): Promise<void> {
    const over = new AbortController();
    const end = () => over.abort();
    const cancel = this.#options.environment.setTimer(end, YIELD_MS);
    taken.addEventListener('abort', end);
    await this.#election.gone(heir, over.signal);
    cancel();
  }

  /** While `takeOver` waits it tries again, with the lock in hand: the tab before may need a moment to let go. */
  async #openHost(taken: AbortSignal): Promise<Host | undefined> {
    const { clientOptions, view } = this.#options;
    try {
      const heard = { holder: this.#source?.id ?? 0, lastKick: view.lastKick };
      return await Host.open(await clientOptions(), heard, (report) => this.#publish(report));
    } catch (error) {
      this.#noteFailure(toImError(error));
    }
    if (this.#holdWaiters.size === 0) return undefined;
    await this.#rest();
    return this.#closed || taken.aborted ? undefined : this.#openHost(taken);
  }

  #noteFailure(error: ImError): void {
    this.#failures++;
    // A tab that was closed a moment ago may have the storage still.
    if (error.retryable) return;
    this.#becomeReady.reject(error);
    for (const { reject } of this.#holdWaiters) reject(error);
    this.#holdWaiters.clear();
    this.#options.onError(error);
  }

  #rest(): Promise<void> {
    const failures = this.#failures;
    const { setTimer, random } = this.#options.environment;
    if (failures === 0) return Promise.resolve();
    return new Promise((resolve) => setTimer(resolve, backoffMs(reconnectBackoff, failures - 1, random())));
  }

  #become(role: Role): void {
    this.role = role;
    if (this.#closed) return;
    this.#options.onRole(role);
    if (role === 'standby') return;
    for (const { resolve } of this.#holdWaiters) resolve();
    this.#holdWaiters.clear();
  }

  #hear(message: TabMessage): void {
    switch (message.kind) {
      case 'who':
        return this.#host?.announce();
      case 'call':
        return void this.#serve(message);
      case 'answer':
        return this.calls.settle(message.id, message.result);
      case 'report':
        return this.#follow(message);
    }
  }

  async #serve(call: AddressedCall): Promise<void> {
    const host = this.#host;
    // Of a holder before: its asker asks anew what that one left unanswered.
    if (host?.id !== call.holder) return;
    const result = await host.answer(call);
    if (result && !this.#closed) this.#post({ kind: 'answer', id: call.id, result });
    if (result && call.action === 'clear') this.#options.onCleared();
  }

  #publish(report: Report): void {
    if (this.#closed) return;
    this.#post(report);
    this.#follow(report);
  }

  #follow(report: Report): void {
    const known = this.#source?.id ?? 0;
    this.#noteDone(report.event);
    // Of one that is followed no more.
    if (this.#closed || report.holder < known) return;
    if (report.holder > known) this.#turnTo(report.holder);
    const waiting = this.#source?.waiting;
    if (waiting) waiting.push(report);
    else this.#deliver(report);
  }

  #noteDone(event: PackedEvent): void {
    if (event.name === 'discarded') return this.calls.settleOf(event.clientMsgId, ['send', 'discard']);
    if (event.name !== 'sendState') return;
    const { clientMsgId, state } = event.payload as PackedOutgoing;
    // The others are told of one that is not stored yet, or could not be.
    if (state !== 'queued' && state !== 'failed') this.calls.settleOf(clientMsgId, ['send', 'retry']);
  }

  #turnTo(id: number): void {
    this.#source = { id, waiting: [] };
    void this.#join(this.#source);
  }

  async #join(source: Source): Promise<void> {
    const { view, onError } = this.#options;
    try {
      const joined = await this.calls.ask('join', view.positions);
      if (this.#source !== source) return;
      if (joined.state === 'kicked') this.#mayStart = false;
      view.join(joined);
    } catch (error) {
      if (this.#source === source && !this.#closed) onError(toImError(error));
    }
    const { waiting = [] } = source;
    source.waiting = undefined;
    for (const report of waiting) this.#deliver(report);
    this.calls.askAnew();
    this.#becomeReady.resolve();
  }

  #deliver(report: Report): void {
    const { name } = report.event;
    if (name === 'kicked') this.#stayAway();
    if (name === 'connecting') this.#mayStart = true;
    if (name !== 'cleared') return this.#options.view.take(report);
    // Who asked for it and who does it are closed when it is done.
    if (!this.#clearing && !this.#host) this.#options.onCleared();
  }

  /** What was asked before this tab knew of it is not for another holder to do either. */
  #stayAway(): void {
    this.#mayStart = false;
    this.calls.withdraw('start', toldToStayAway());
  }

  /** What cannot be asked yet is asked when a holder is followed. */
  #transmit(call: Call): void {
    const host = this.#host;
    const source = this.#source;
    if (!source || (call.action !== 'join' && source.waiting)) return;
    call.first ??= source.id;
    if (!host) return this.#post({ ...call, holder: source.id });
    // It got the place in another way meanwhile.
    if (call.action === 'yieldTo') return this.calls.settle(call.id, { value: undefined });
    void host.answer(call).then((result) => result && this.calls.settle(call.id, result));
  }

  #post(message: TabMessage): void {
    this.#channel.postMessage(message);
  }
}
