// What the client needs of a place to keep things: ordered keys, ranges, and batches that are written whole or not
// at all. What the keys mean is the business of store.ts.
import type { ImError } from '../errors.ts';

/** What JSON can say, as JSON says it: -0 may come back as 0. */
export type StoredValue = unknown;

export interface StoredEntry {
  readonly key: string;
  readonly value: StoredValue;
}

export interface KeyRange {
  /** Both ends included. Keys are ordered by code unit, as JavaScript's `<` does. */
  readonly from: string;
  readonly to: string;
  /** Default: no limit. */
  readonly limit?: number;
  /** Default: ascending. With `limit`, descending gives the last ones. */
  readonly order?: 'ascending' | 'descending';
}

/** `value: undefined` removes the key. */
export interface Change {
  readonly key: string;
  readonly value: StoredValue;
}

export interface Storage {
  /** It was damaged when it was opened, and goes on without what was lost: the client's `error` event. */
  readonly damage?: ImError | undefined;
  list(range: KeyRange): Promise<StoredEntry[]>;
  /**
   * Resolves when all changes are durable; after a crash at any point either all of them are there or none. Batches
   * take effect in the order of the calls. Rejects if it failed, and then none of the changes is there.
   */
  commit(changes: readonly Change[]): Promise<void>;
  /** Waits for what is under way. A storage that was closed can be opened again by its name. */
  close(): Promise<void>;
}
