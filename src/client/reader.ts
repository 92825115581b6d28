// Reads what is known of a value from outside, and throws where it is not as expected. The server's schemas come with
// reasons and a library; a browser needs neither.
import { isObject } from '../protocol/body.ts';

/** @throws TypeError */
export type Reader<T> = (value: unknown) => T;
export type Read<R> = R extends Reader<infer T> ? T : never;

type Fields = Readonly<Record<string, Reader<unknown>>>;
export type ReadFields<F extends Fields> = { readonly [Name in keyof F]: Read<F[Name]> };

export function where<T>(isExpected: (value: unknown) => value is T): Reader<T> {
  return (value) => {
    if (isExpected(value)) return value;
    return notAsExpected();
  };
}

function notAsExpected(): never {
  throw new TypeError('Not as expected');
}

export const literal = <T extends string | boolean | null>(expected: T) =>
  where((value): value is T => value === expected);
export const string = where((value) => typeof value === 'string');
export const number = where((value) => typeof value === 'number');
export const boolean = where((value) => typeof value === 'boolean');
export const integerFrom = (least: number) =>
  where((value): value is number => Number.isInteger(value) && (value as number) >= least);

/** `null` is nothing, too. */
export function optional<T>(read: Reader<T>): Reader<T | undefined>;
export function optional<T, A>(read: Reader<T>, absent: A): Reader<T | A>;
export function optional<T, A>(read: Reader<T>, absent?: A): Reader<T | A | undefined> {
  return (value) => (value === undefined || value === null ? absent : read(value));
}

export function list<T>(read: Reader<T>): Reader<T[]> {
  const isList = where(Array.isArray);
  return (value) => isList(value).map(read);
}

const anyObject = where(isObject);

/** These fields alone. */
export function object<F extends Fields>(fields: F): Reader<ReadFields<F>> {
  const readers = Object.entries(fields);
  return (value) => {
    const from = anyObject(value);
    const found: Record<string, unknown> = {};
    for (const [name, read] of readers) found[name] = read(from[name]);
    return found as ReadFields<F>;
  };
}

/** Without the fields that are absent. */
export function sparse<T>(fields: Fields): Reader<T> {
  const read = object(fields);
  return (value) =>
    Object.fromEntries(Object.entries(read(value)).filter(([, field]) => field !== undefined)) as T;
}

/** These fields, and what else there is as it is. */
export function openObject<F extends Fields>(fields: F): Reader<ReadFields<F>> {
  const read = object(fields);
  return (value) => ({ ...anyObject(value), ...read(value) });
}

/** As the first of them that can read it. */
export function either<R extends readonly Reader<unknown>[]>(...readers: R): Reader<Read<R[number]>> {
  return (value) => {
    for (const read of readers) {
      try {
        return read(value) as Read<R[number]>;
      } catch {}
    }
    return notAsExpected();
  };
}

export function attempt<T>(read: Reader<T>, value: unknown): T | undefined {
  try {
    return read(value);
  } catch {
    return undefined;
  }
}
