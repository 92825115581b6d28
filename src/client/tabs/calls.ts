// What this tab asks of the holder, whichever tab that is by then: kept until it is answered.
import { ImError, connectionLost } from '../errors.ts';
import { notTwice } from '../operations.ts';
import type { Draft } from '../outbox/outbox.ts';
import { unpackError, type ActionName, type Actions, type Call, type Result } from './wire.ts';

interface Pending {
  readonly call: Call;
  readonly settle: (result: Result) => void;
  readonly reject: (error: ImError) => void;
}

export class Calls {
  readonly #pending = new Map<string, Pending>();
  readonly #newId: () => string;
  readonly #lastKick: () => number;
  readonly #transmit: (call: Call) => void;
  #ended: ImError | undefined;

  constructor(newId: () => string, lastKick: () => number, transmit: (call: Call) => void) {
    this.#newId = newId;
    this.#lastKick = lastKick;
    this.#transmit = transmit;
  }

  /** Rejects with ImError. */
  ask<Name extends ActionName>(action: Name, ...takes: Parameters<Actions[Name]>): ReturnType<Actions[Name]> {
    if (this.#ended) return Promise.reject(this.#ended) as ReturnType<Actions[Name]>;
    const call: Call = { kind: 'call', id: this.#newId(), action, takes, lastKick: this.#lastKick() };
    const asked = new Promise((resolve, reject) => {
      const settle = (result: Result) =>
        'error' in result ? reject(unpackError(result.error)) : resolve(result.value);
      this.#pending.set(call.id, { call, settle, reject });
    });
    // When its asker is done: the echo of a message is there before its holder tells of it.
    queueMicrotask(() => this.#transmit(call));
    return asked as ReturnType<Actions[Name]>;
  }

  settle(id: string, result: Result): void {
    this.#pending.get(id)?.settle(result);
    this.#pending.delete(id);
  }

  /** Whoever asked hears of that, or waits no more. */
  withdraw(action: ActionName, error?: ImError): void {
    for (const [id, { call, reject }] of this.#pending) {
      if (call.action !== action) continue;
      this.#pending.delete(id);
      if (error) reject(error);
    }
  }

  /** What one hears is done with a message: a holder that comes later may not know it any more, and would do it anew. */
  settleOf(clientMsgId: string, actions: readonly ActionName[]): void {
    for (const [id, { call }] of this.#pending) {
      if (actions.includes(call.action) && messageOf(call) === clientMsgId)
        this.settle(id, { value: undefined });
    }
  }

  /** There is another holder: what the last one left unanswered is for this one. */
  askAnew(): void {
    for (const { call, reject } of this.#pending.values()) {
      const { id, action } = call;
      const isLost = notTwice.has(action);
      if (action === 'join' || isLost) this.#pending.delete(id);
      if (isLost) reject(connectionLost('The tab with the connection is gone'));
      else if (action !== 'join') this.#transmit(call);
    }
  }

  end(error: ImError): void {
    this.#ended = error;
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}

function messageOf({ takes: [of] }: Call): string {
  return typeof of === 'string' ? of : (of as Draft).clientMsgId;
}
