// A map whose keys can be listed in order. Most keys come in ascending runs, so that inserting is mostly appending.
import type { Change, KeyRange, StoredEntry, StoredValue } from './storage.ts';

export class OrderedMap {
  private readonly values = new Map<string, StoredValue>();
  private readonly keys: string[] = [];

  get size(): number {
    return this.values.size;
  }

  apply(changes: readonly Change[]): void {
    for (const { key, value } of changes) {
      if (value === undefined) this.delete(key);
      else this.set(key, value);
    }
  }

  list({ from, to, limit = Infinity, order = 'ascending' }: KeyRange): StoredEntry[] {
    const start = this.indexOf(from);
    const end = Math.max(start, this.keys[this.indexOf(to)] === to ? this.indexOf(to) + 1 : this.indexOf(to));
    const keys =
      order === 'ascending'
        ? this.keys.slice(start, Math.min(end, start + limit))
        : this.keys.slice(Math.max(start, end - limit), end).toReversed();
    return keys.map((key) => ({ key, value: this.values.get(key) }));
  }

  *entries(): Iterable<StoredEntry> {
    for (const key of this.keys) yield { key, value: this.values.get(key) };
  }

  private set(key: string, value: StoredValue): void {
    if (!this.values.has(key)) this.keys.splice(this.indexOf(key), 0, key);
    this.values.set(key, value);
  }

  private delete(key: string): void {
    if (this.values.delete(key)) this.keys.splice(this.indexOf(key), 1);
  }

  /** Of the first key that is not below the given one. */
  private indexOf(key: string): number {
    let low = 0;
    let high = this.keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.keys[middle]! < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
