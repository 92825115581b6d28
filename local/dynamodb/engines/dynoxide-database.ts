// The database file of dynoxide, with what the engine leaves out: it looks for a table's last stream record at each
// write, without an index, and keeps all records for ever. So its cost would grow with every message ever sent.
import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { cacheDirectory, makeScratchDirectory } from './directories.ts';

/** Lets the engine open a database file and close it again: it makes its tables, and folds its log into the file. */
export type RunOnce = (file: string) => Promise<void>;

/** In the file's header: "im", and the version of what we add. */
const applicationId = 0x69_6d_00_01;
const applicationIdOffset = 68;
/** As on AWS. Only of the table that is written to: its newest record stays, from which sequence numbers go on. */
const retentionSeconds = 24 * 3600;

/** An engine that is told to end in its first moments may end without folding its log into the file. */
const foldAttempts = 3;

/** SQLite uses the index only for the same expression, letter for letter, as in the engine's statements. */
const additions = `
  BEGIN;
  CREATE INDEX im_stream_position ON _stream_records(table_name, CAST(sequence_number AS INTEGER));
  CREATE TRIGGER im_stream_retention AFTER INSERT ON _stream_records BEGIN
    DELETE FROM _stream_records WHERE id IN (
      SELECT id FROM (
        SELECT id, created_at FROM _stream_records WHERE table_name = NEW.table_name
        ORDER BY CAST(sequence_number AS INTEGER) LIMIT 2
      ) WHERE created_at < NEW.created_at - ${retentionSeconds}
    );
  END;
  PRAGMA application_id = ${applicationId};
  COMMIT;`;

/** Makes the file, or brings one that an earlier version made up to date. */
export async function prepareDatabase(file: string, version: string, runOnce: RunOnce): Promise<void> {
  if (!existsSync(file)) {
    await writeWhole(file, await emptyDatabase(version, runOnce));
    return;
  }
  if (await isPrepared(file)) return;
  const log = `${file}-wal`;
  for (let attempt = 1; attempt <= foldAttempts; attempt += 1) {
    await runOnce(file);
    if (!existsSync(log)) break;
  }
  // Another process has it open: it is not ours to change.
  if (existsSync(log)) return;
  const copy = `${file}.prepared`;
  await rm(`${copy}.lock`, { recursive: true, force: true });
  await copyFile(file, copy);
  await addTo(copy);
  await rename(copy, file);
}

/** The same for each version of the engine: made once, then kept in the cache. */
async function emptyDatabase(version: string, runOnce: RunOnce): Promise<Buffer> {
  const fingerprint = createHash('sha256').update(additions).digest('hex').slice(0, 8);
  const cached = path.join(cacheDirectory(), `dynoxide-${version}-${fingerprint}.db`);
  if (existsSync(cached)) return readFile(cached);
  const directory = await makeScratchDirectory();
  try {
    const file = path.join(directory, 'empty.db');
    await runOnce(file);
    await addTo(file);
    const content = await readFile(file);
    await keep(cached, content);
    return content;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Whoever may not write there makes it each time. */
async function keep(cached: string, content: Buffer): Promise<void> {
  try {
    await mkdir(path.dirname(cached), { recursive: true });
    await writeWhole(cached, content);
  } catch (error) {
    if (!['EACCES', 'EPERM', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/** Others find the whole file or none. */
async function writeWhole(file: string, content: Buffer): Promise<void> {
  const temporary = `${file}.${randomUUID()}`;
  await writeFile(temporary, content, { mode: 0o600 });
  await rename(temporary, file);
}

async function isPrepared(file: string): Promise<boolean> {
  const handle = await open(file);
  try {
    const { buffer } = await handle.read(Buffer.alloc(4), 0, 4, applicationIdOffset);
    return buffer.readUInt32BE() === applicationId;
  } finally {
    await handle.close();
  }
}

async function addTo(file: string): Promise<void> {
  const { default: sqlite } = await import('node-sqlite3-wasm');
  const database = new sqlite.Database(file);
  try {
    // There is no shared memory in WebAssembly: alone, it can do without.
    database.exec('PRAGMA locking_mode = EXCLUSIVE');
    database.exec(additions);
  } catch (cause) {
    throw new Error(
      `${file} has not the stream records that are known of this engine: see ${import.meta.filename}`,
      { cause },
    );
  } finally {
    database.close();
  }
}
