// A typed emitter, with the same events as an async iterator.

export type Listener<Payload> = (payload: Payload) => void;

export class Emitter<Events extends object> {
  private readonly listeners = new Map<keyof Events, Set<Listener<never>>>();

  /** Returns how to unsubscribe. */
  on<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): () => void {
    const listeners = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, listeners);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  emit<Name extends keyof Events>(name: Name, payload: Events[Name]): void {
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

  /** Every such event from now on, until the signal or a `break` ends it. What is not taken yet waits in memory. */
  stream<Name extends keyof Events>(name: Name, signal?: AbortSignal): AsyncIterableIterator<Events[Name]> {
    const stream = new EventStream<Events[Name]>();
    const unsubscribe = this.on(name, (payload) => stream.push(payload));
    stream.onEnd = () => {
      unsubscribe();
      signal?.removeEventListener('abort', stream.end);
    };
    signal?.addEventListener('abort', stream.end);
    if (signal?.aborted) stream.end();
    return stream;
  }
}

class EventStream<Payload> implements AsyncIterableIterator<Payload> {
  onEnd = () => {};
  private ended = false;
  private wake = () => {};
  private readonly waiting: Payload[] = [];

  push(payload: Payload): void {
    this.waiting.push(payload);
    this.wake();
  }

  readonly end = (): void => {
    this.ended = true;
    this.onEnd();
    this.wake();
  };

  async next(): Promise<IteratorResult<Payload, undefined>> {
    while (this.waiting.length === 0 && !this.ended)
      await new Promise<void>((resolve) => (this.wake = resolve));
    if (this.waiting.length === 0) return { done: true, value: undefined };
    const [value] = this.waiting.splice(0, 1) as [Payload];
    return { done: false, value };
  }

  async return(): Promise<IteratorResult<Payload, undefined>> {
    this.end();
    this.waiting.length = 0;
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
