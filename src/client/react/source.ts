// What a hook shows, kept outside of React: it begins with its first subscriber and ends with its last, and its value is
// another one only when something changed. So components that show the same share one, and none of them tears.
export interface Source<T> {
  readonly get: () => T;
  readonly subscribe: (listener: () => void) => () => void;
}

/** `set`: the value from now on. Returns how to end. */
export type Begin<T> = (set: (value: T) => void, get: () => T) => () => void;

export function createSource<T>(initial: T, begin: Begin<T>): Source<T> {
  const listeners = new Set<() => void>();
  let value = initial;
  let end: (() => void) | undefined;
  const set = (next: T) => {
    if (Object.is(next, value)) return;
    value = next;
    for (const listener of listeners) listener();
  };
  return {
    get: () => value,
    subscribe(listener) {
      listeners.add(listener);
      end ??= begin(set, () => value);
      return () => {
        listeners.delete(listener);
        // Whoever unsubscribes to subscribe anew, as React does in strict mode, goes on with what is there.
        queueMicrotask(() => {
          if (listeners.size > 0) return;
          end?.();
          end = undefined;
        });
      };
    },
  };
}

/** One for each object and name: as long as the object lives. */
export class Sources<Owner extends object> {
  private readonly byOwner = new WeakMap<Owner, Map<string, unknown>>();

  of<S>(owner: Owner, name: string, create: () => S): S {
    let named = this.byOwner.get(owner);
    if (!named) this.byOwner.set(owner, (named = new Map()));
    let source = named.get(name) as S | undefined;
    if (source === undefined) named.set(name, (source = create()));
    return source;
  }
}

/** The same as before, if it holds the same. */
export function keep<T extends object>(before: T | undefined, now: T): T {
  if (!before) return now;
  const names = Object.keys(now) as (keyof T)[];
  const isSame =
    names.length === Object.keys(before).length && names.every((name) => Object.is(before[name], now[name]));
  return isSame ? before : now;
}

/** Many calls at once are one, a moment later. */
export function coalesce(work: () => void): () => void {
  let isDue = false;
  return () => {
    if (isDue) return;
    isDue = true;
    queueMicrotask(() => {
      isDue = false;
      work();
    });
  };
}
