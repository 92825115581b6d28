// Browser storage: one object store of one IndexedDB database, a transaction a batch.
import type { Change, KeyRange, Storage, StoredEntry } from './storage.ts';

const STORE = 'entries';

export class IndexedDbStorage implements Storage {
  private readonly database: IDBDatabase;

  private constructor(database: IDBDatabase) {
    this.database = database;
  }

  /** Use one name per user. */
  static async open(name: string): Promise<IndexedDbStorage> {
    const request = indexedDB.open(name, 1);
    request.addEventListener('upgradeneeded', () => request.result.createObjectStore(STORE));
    const database = await settled(request);
    // Another tab wants to delete it, or a later version of this library to change it: do not stand in the way.
    database.addEventListener('versionchange', () => database.close());
    return new IndexedDbStorage(database);
  }

  async list({ from, to, limit = Infinity, order = 'ascending' }: KeyRange): Promise<StoredEntry[]> {
    if (from > to || limit <= 0) return [];
    const store = this.database.transaction(STORE, 'readonly').objectStore(STORE);
    const range = IDBKeyRange.bound(from, to);
    const request = store.openCursor(range, order === 'ascending' ? 'next' : 'prev');
    const entries: StoredEntry[] = [];
    return new Promise((resolve, reject) => {
      request.addEventListener('error', () => reject(request.error ?? new Error('IndexedDB failed')));
      request.addEventListener('success', () => {
        const cursor = request.result;
        if (!cursor || entries.length >= limit) return resolve(entries);
        entries.push({ key: cursor.key as string, value: cursor.value as unknown });
        cursor.continue();
      });
    });
  }

  async commit(changes: readonly Change[]): Promise<void> {
    // Strict: on disk when it resolves, for the server forgets what we acknowledge.
    const transaction = this.database.transaction(STORE, 'readwrite', { durability: 'strict' });
    const done = new Promise<void>((resolve, reject) => {
      transaction.addEventListener('complete', () => resolve());
      transaction.addEventListener('abort', () => reject(transaction.error ?? new Error('IndexedDB failed')));
    });
    const store = transaction.objectStore(STORE);
    for (const { key, value } of changes) {
      if (value === undefined) store.delete(key);
      else store.put(value, key);
    }
    await done;
  }

  async close(): Promise<void> {
    this.database.close();
  }
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(request.error ?? new Error('IndexedDB failed')));
  });
}
