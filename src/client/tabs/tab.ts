// One tab among others: stands for the connection, and follows the tab that has it, itself or another.
import { backoffMs, reconnectBackoff } from '../backoff.ts';
import type { Environment } from '../environment.ts';
import { ImError, toImError } from '../errors.ts';
import type { ClientOptions } from '../options.ts';
import { Calls } from './calls.ts';
import { Election } from './election.ts';
import { Host } from './host.ts';
import type { Channel, TabPlatform } from './platform.ts';
import type { View } from './view.ts';
import type { Call, Report, TabMessage } from './wire.ts';

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
  readonly id: string;
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
  private readonly options: TabOptions;
  private readonly id: string;
  private readonly channel: Channel;
  private readonly election: Election;
  private readonly formerHolders = new Set<string>();
  private host: Host | undefined;
  private source: Source | undefined;
  private becomeReady: Waiter = { resolve: () => {}, reject: () => {} };
  private readonly holdWaiters = new Set<Waiter>();
  private failures = 0;
  /** Kicked by another device: whoever holds the connection next does not take its place back by itself. */
  private mayStart = true;
  private clearing = false;
  private closed = false;

  constructor(options: TabOptions) {
    const { name, platform, environment } = options;
    this.options = options;
    this.id = environment.newId();
    this.calls = new Calls(environment.newId, (call) => this.transmit(call));
    this.ready = new Promise((resolve, reject) => (this.becomeReady = { resolve, reject }));
    this.ready.catch(() => {});
    this.channel = platform.openChannel(`im/${name}`);
    this.channel.addEventListener('message', ({ data }) => this.hear(data as TabMessage));
    this.post({ kind: 'who' });
    this.election = new Election({
      locks: platform.locks,
      name: `im/${name}`,
      tabId: this.id,
      lead: (taken) => this.lead(taken),
      rest: () => this.rest(),
    });
  }

  async takeOver(): Promise<void> {
    this.mayStart = true;
    if (this.host) return this.host.start();
    const holding = new Promise<void>((resolve, reject) => this.holdWaiters.add({ resolve, reject }));
    await Promise.race([this.calls.ask('yieldTo', this.id), holding]);
    if (this.role === 'standby') this.election.seize();
    return holding;
  }

  /** Removes all local data; every tab is closed. */
  async clear(): Promise<void> {
    this.clearing = true;
    this.election.stop();
    await this.calls.ask('clear');
  }

  async close(error: ImError): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.calls.end(error);
    this.becomeReady.reject(error);
    for (const { reject } of this.holdWaiters) reject(error);
    await this.host?.leave();
    this.election.stop();
    this.channel.close();
  }

  private async lead(taken: AbortSignal): Promise<void> {
    const { environment, clientOptions } = this.options;
    let host: Host;
    try {
      const publish = (report: Report) => this.publish(report);
      host = await Host.open(environment.newId(), await clientOptions(), publish);
    } catch (error) {
      return this.noteFailure(toImError(error));
    }
    if (this.closed || taken.aborted) return host.leave();
    taken.addEventListener('abort', () => void host.leave());
    this.failures = 0;
    this.host = host;
    host.announce();
    if (this.mayStart) host.start();
    this.become('holder');
    const heir = await host.ended;
    this.host = undefined;
    this.become('standby');
    if (heir !== undefined) await this.election.gone(heir, taken);
  }

  private noteFailure(error: ImError): void {
    this.failures++;
    // A tab that was closed a moment ago may have the storage still.
    if (error.retryable) return;
    this.becomeReady.reject(error);
    this.options.onError(error);
  }

  private rest(): Promise<void> {
    const { failures } = this;
    const { setTimer, random } = this.options.environment;
    if (failures === 0) return Promise.resolve();
    return new Promise((resolve) => setTimer(resolve, backoffMs(reconnectBackoff, failures - 1, random())));
  }

  private become(role: Role): void {
    this.role = role;
    if (this.closed) return;
    this.options.onRole(role);
    if (role === 'standby') return;
    for (const { resolve } of this.holdWaiters) resolve();
    this.holdWaiters.clear();
  }

  private hear(message: TabMessage): void {
    switch (message.kind) {
      case 'who':
        return this.host?.announce();
      case 'call':
        return void this.serve(message);
      case 'answer':
        return this.calls.settle(message.id, message.result);
      case 'report':
        return this.follow(message);
    }
  }

  private async serve(call: Call): Promise<void> {
    const result = await this.host?.answer(call);
    if (result && !this.closed) this.post({ kind: 'answer', id: call.id, result });
    if (result && call.action === 'clear') this.options.onCleared();
  }

  private publish(report: Report): void {
    if (this.closed) return;
    this.post(report);
    this.follow(report);
  }

  private follow(report: Report): void {
    if (this.closed || this.formerHolders.has(report.holder)) return;
    if (report.holder !== this.source?.id) this.turnTo(report.holder);
    const waiting = this.source?.waiting;
    if (waiting) waiting.push(report);
    else this.deliver(report);
  }

  private turnTo(id: string): void {
    if (this.source) this.formerHolders.add(this.source.id);
    this.source = { id, waiting: [] };
    void this.join(this.source);
  }

  private async join(source: Source): Promise<void> {
    const { view, onError } = this.options;
    try {
      const joined = await this.calls.ask('join', view.positions);
      if (this.source !== source) return;
      if (joined.state === 'kicked') this.mayStart = false;
      view.join(joined);
    } catch (error) {
      if (this.source === source && !this.closed) onError(toImError(error));
    }
    const { waiting = [] } = source;
    source.waiting = undefined;
    for (const report of waiting) this.deliver(report);
    this.calls.askAnew();
    this.becomeReady.resolve();
  }

  private deliver(report: Report): void {
    const { name } = report.event;
    if (name === 'kicked') this.mayStart = false;
    if (name === 'connecting') this.mayStart = true;
    if (name !== 'cleared') return this.options.view.take(report);
    // Who asked for it and who does it are closed when it is done.
    if (!this.clearing && !this.host) this.options.onCleared();
  }

  /** What cannot be asked yet is asked when a holder is followed. */
  private transmit(call: Call): void {
    const { host, source } = this;
    if (call.action !== 'join' && (!source || source.waiting)) return;
    if (!host) return this.post(call);
    // It got the place in another way meanwhile.
    if (call.action === 'yieldTo') return this.calls.settle(call.id, { value: undefined });
    void host.answer(call).then((result) => result && this.calls.settle(call.id, result));
  }

  private post(message: TabMessage): void {
    this.channel.postMessage(message);
  }
}
