// Keeps nothing beyond the page or the process: for tests, guests and bots that need no past.
import { OrderedMap } from './ordered-map.ts';
import type { Change, KeyRange, Storage, StoredEntry } from './storage.ts';

export class MemoryStorage implements Storage {
  private readonly map = new OrderedMap();

  async list(range: KeyRange): Promise<StoredEntry[]> {
    return structuredClone(this.map.list(range));
  }

  async commit(changes: readonly Change[]): Promise<void> {
    this.map.apply(structuredClone(changes));
  }

  async close(): Promise<void> {}
}
