// How stored data of an older schema become today's. The schema version is the number of steps, plus one: to change
// the schema, append a step that turns the last one's data into the new.
import { ImError } from '../errors.ts';
import { key, type Meta } from './schema.ts';
import type { Change, Storage } from '../storage/storage.ts';

/** Returns all that has to change; it is written in one batch with the new version. */
export type Migration = (storage: Storage) => Promise<readonly Change[]>;

export const migrations: readonly Migration[] = [];

/** Each step with the version that it leads to in one batch: a crash between leaves a version that is whole. */
export async function migrate(storage: Storage, steps: readonly Migration[]): Promise<Meta | undefined> {
  const read = async () =>
    (await storage.list({ from: key.meta, to: key.meta }))[0]?.value as Meta | undefined;
  const current = steps.length + 1;
  let meta = await read();
  if (!meta) return undefined;
  if (meta.schemaVersion > current) {
    throw new ImError(
      'storage',
      `The storage has schema ${meta.schemaVersion}, this client knows up to ${current}`,
    );
  }
  for (const step of steps.slice(meta.schemaVersion - 1)) {
    const changes = await step(storage);
    const changed = changes.find((change) => change.key === key.meta)?.value as Meta | undefined;
    const next: Meta = { ...(changed ?? meta), schemaVersion: meta.schemaVersion + 1 };
    await storage.commit([
      ...changes.filter((change) => change.key !== key.meta),
      { key: key.meta, value: next },
    ]);
    meta = next;
  }
  return meta;
}
