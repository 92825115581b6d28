// A typed emitter, with the same events as an async iterator.

export type Listener<Payload> = (payload: Payload) => void;

export class Emitter<Events extends object> {
  private readonly listeners = new Map<keyof Events, Set<Listener<never>>>();
  #hearsAll: <Name extends keyof Events>(name: Name, payload: Events[Name]) => void = () => {};
  readonly #ending = new AbortController();

  /** Returns how to unsubscribe. */
  on<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): () => void {
    const listeners = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, listeners);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  onEach(listeners: { readonly [Name in keyof Events]?: Listener<Events[Name]> } = {}): void {
    for (const [name, listener] of Object.entries(listeners)) {
      this.on(name as keyof Events, listener as Listener<unknown>);
    }
  }

  /** Hears of everything, in the order in which it happens, and before who listens to one name. */
  onAny(listener: <Name extends keyof Events>(name: Name, payload: Events[Name]) => void): void {
    this.#hearsAll = listener;
  }

  emit<Name extends keyof Events>(name: Name, payload: Events[Name]): void {
    this.#hearsAll(name, payload);
    for (const listener of this.listeners.get(name) ?? []) {
      try {
        (listener as Listener<Events[Name]>)(payload);
      } catch (error) {
        // A listener's mistake is the app's to see, and must stop neither the others nor the client.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  /** Every such event from now on, until the signal, a `break` or `end` ends it. What is not taken yet waits in memory. */
  stream<Name extends keyof Events>(name: Name, signal?: AbortSignal): AsyncIterableIterator<Events[Name]> {
    type Result = IteratorResult<Events[Name], undefined>;
    const waiting: Events[Name][] = [];
    const takers: ((result: Result) => void)[] = [];
    const over: Result = { done: true, value: undefined };
    const signals = [this.#ending.signal, ...(signal ? [signal] : [])];
    let ended = false;
    const unsubscribe = this.on(name, (value) => {
      const taker = takers.shift();
      if (taker) taker({ done: false, value });
      else waiting.push(value);
    });
    const end = () => {
      ended = true;
      unsubscribe();
      for (const each of signals) each.removeEventListener('abort', end);
      for (const taker of takers.splice(0)) taker(over);
    };
    for (const each of signals) {
      each.addEventListener('abort', end);
      if (each.aborted) end();
    }
    return {
      next: async () => {
        if (waiting.length > 0) return { done: false, value: waiting.shift() as Events[Name] };
        return ended ? over : new Promise((resolve) => takers.push(resolve));
      },
      return: async () => {
        end();
        waiting.length = 0;
        return over;
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /** Ends all streams, also those to come. */
  end(): void {
    this.#ending.abort();
  }
}
