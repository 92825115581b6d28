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
    const waiting: Events[Name][] = [];
    let notify = () => {};
    let ended = signal?.aborted === true;
    const end = () => {
      ended = true;
      unsubscribe();
      signal?.removeEventListener('abort', end);
      notify();
    };
    const unsubscribe = this.on(name, (payload) => {
      waiting.push(payload);
      notify();
    });
    signal?.addEventListener('abort', end);
    if (ended) end();
    return {
      async next() {
        while (waiting.length === 0 && !ended) await new Promise<void>((resolve) => (notify = resolve));
        if (waiting.length === 0) return { done: true, value: undefined };
        const [value] = waiting.splice(0, 1) as [Events[Name]];
        return { done: false, value };
      },
      async return() {
        end();
        waiting.length = 0;
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }
}
