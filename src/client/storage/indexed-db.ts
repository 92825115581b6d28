// Browser storage: one object store of one IndexedDB database, a transaction a batch.
import { ImError } from '../errors.ts';
import type { Change, KeyRange, Storage, StoredEntry } from './storage.ts';

const STORE = 'entries';

export class IndexedDbStorage implements Storage {
  private readonly database: IDBDatabase;
  private readonly unlock: () => void;

  private constructor(database: IDBDatabase, unlock: () => void) {
    this.database = database;
    this.unlock = unlock;
  }

  /** Use one name per user. Rejects with ImError `storage`, retryable, while another tab has it open. */
  static async open(name: string): Promise<IndexedDbStorage> {
    const unlock = await lock(`serverless-im:${name}`);
    try {
      return new IndexedDbStorage(await openDatabase(name), unlock);
    } catch (error) {
      unlock();
      throw error;
    }
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
    this.unlock();
  }
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(request.error ?? new Error('IndexedDB failed')));
  });
}

async function openDatabase(name: string): Promise<IDBDatabase> {
  const request = indexedDB.open(name, 1);
  request.addEventListener('upgradeneeded', () => request.result.createObjectStore(STORE));
  const database = await settled(request);
  // Another page wants to delete it, or a later version of this library to change it: do not stand in the way.
  database.addEventListener('versionchange', () => database.close());
  return database;
}

/**
 * Two clients on one storage would be one device that is in two places. The browser lets go of the lock when its tab
 * is gone, however that went. Only secure contexts have locks.
 */
function lock(name: string): Promise<() => void> {
  const { locks } = navigator as { locks?: LockManager };
  if (!locks) return Promise.resolve(() => {});
  return new Promise((resolve, reject) => {
    const holding = locks.request(name, { ifAvailable: true }, (granted) => {
      if (granted) return new Promise<void>((release) => resolve(release));
      throw new ImError('storage', 'The storage is open in another tab', { retryable: true });
    });
    holding.catch(reject);
  });
}
