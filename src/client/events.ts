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
    const stream = new EventStream<Events[Name]>();
    const unsubscribe = this.on(name, (payload) => stream.push(payload));
    const signals = [this.#ending.signal, ...(signal ? [signal] : [])];
    stream.onEnd = () => {
      unsubscribe();
      for (const each of signals) each.removeEventListener('abort', stream.end);
    };
    for (const each of signals) {
      each.addEventListener('abort', stream.end);
      if (each.aborted) stream.end();
    }
    return stream;
  }

  /** Ends all streams, also those to come. */
  end(): void {
    this.#ending.abort();
  }
}

class EventStream<Payload> implements AsyncIterableIterator<Payload> {
  onEnd = () => {};
  #ended = false;
  readonly #waiting: Payload[] = [];
  readonly #takers: ((result: IteratorResult<Payload, undefined>) => void)[] = [];

  push(value: Payload): void {
    const taker = this.#takers.shift();
    if (taker) taker({ done: false, value });
    else this.#waiting.push(value);
  }

  readonly end = (): void => {
    this.#ended = true;
    this.onEnd();
    for (const taker of this.#takers.splice(0)) taker({ done: true, value: undefined });
  };

  async next(): Promise<IteratorResult<Payload, undefined>> {
    if (this.#waiting.length > 0) return { done: false, value: this.#waiting.shift() as Payload };
    if (this.#ended) return { done: true, value: undefined };
    return new Promise((resolve) => this.#takers.push(resolve));
  }

  async return(): Promise<IteratorResult<Payload, undefined>> {
    this.end();
    this.#waiting.length = 0;
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
