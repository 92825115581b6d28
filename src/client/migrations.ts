// How stored data of an older schema becomes today's. The schema version is the number of steps, plus one: to change
// the schema, append a step that turns the last one's data into the new.
import type { Change, Storage } from './storage/storage.ts';

/** Returns all that has to change; it is written in one batch with the new version. */
export type Migration = (storage: Storage) => Promise<readonly Change[]>;

export const migrations: readonly Migration[] = [];
