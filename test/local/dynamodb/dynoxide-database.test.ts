// What is added to the embedded engine's database so that its cost does not grow with what was sent.
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sqlite from 'node-sqlite3-wasm';
import { afterEach, expect, it, vi } from 'vitest';
import { startEngineProcess } from '../../../local/dynamodb/engines/child-process.ts';
import { EngineClient } from '../../../local/dynamodb/engines/client.ts';
import { createTables, startEngine } from '../../../local/dynamodb/engines/engine.ts';
import { smallModel } from '../small-model.ts';

const model = smallModel();
const binary = join(
  dirname(createRequire(import.meta.url).resolve('@dynoxide/linux-x64/package.json')),
  'dynoxide',
);
const closers: (() => Promise<unknown> | void)[] = [];

afterEach(async () => {
  vi.unstubAllEnvs();
  for (let closer = closers.pop(); closer; closer = closers.pop()) await closer();
});

async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'engine-'));
  closers.push(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

interface RunningEngine {
  put(sk: number): Promise<unknown>;
  read(sk: number): Promise<unknown>;
  close(): Promise<void>;
}

async function start(dataDirectory?: string): Promise<RunningEngine> {
  return use(await startEngine({ db: 'dynoxide', dataDirectory }));
}

/** As it was started before anything was added. */
function startBare(dataDirectory: string): Promise<RunningEngine> {
  const log = { info: () => {}, warn: () => {}, error: () => {} };
  const whenReady = (child: { stderr: NodeJS.ReadableStream | null }) =>
    new Promise<void>((resolve) => child.stderr?.once('data', () => resolve()));
  const argumentsFor = (port: number) => [
    'serve',
    '--port',
    String(port),
    '--db-path',
    join(dataDirectory, 'dynoxide.db'),
  ];
  return startEngineProcess({ name: 'dynoxide', command: binary, argumentsFor, whenReady }, log).then(use);
}

async function use(engine: { endpoint: string; close(): Promise<void> }): Promise<RunningEngine> {
  const client = new EngineClient(engine.endpoint);
  const close = () => {
    client.close();
    return engine.close();
  };
  closers.push(close);
  await createTables({ ...engine, name: 'dynoxide', quirks: {} as never }, model);
  const { tableName } = model.orders;
  const key = (sk: number) => ({ pk: { S: 'a' }, sk: { N: String(sk) } });
  return {
    put: (sk) => client.call('PutItem', { TableName: tableName, Item: key(sk) }),
    read: (sk) => client.call('GetItem', { TableName: tableName, Key: key(sk) }),
    close,
  };
}

/** SQL on the file of an engine that does not run. */
function query(dataDirectory: string, sql: string): Record<string, unknown>[] {
  const database = new sqlite.Database(join(dataDirectory, 'dynoxide.db'));
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE');
    return database.all(sql);
  } finally {
    database.close();
  }
}

/** The statements stand in the binary as text, one behind the other. */
async function engineStatement(pattern: RegExp): Promise<string> {
  const [statement] = pattern.exec(await readFile(binary, 'latin1')) ?? [];
  return statement ?? expect.fail(`The engine has no statement like ${String(pattern)}`);
}

const lastPosition = /SELECT COALESCE\(MAX\([^;]{0,200}? FROM _stream_records WHERE table_name = \?1/;
const nextRecords = /SELECT event_name, keys_json[^;]{0,400}? LIMIT \?4/;

async function expectIndexed(dataDirectory: string): Promise<void> {
  for (const pattern of [lastPosition, nextRecords]) {
    const plan = query(dataDirectory, `EXPLAIN QUERY PLAN ${await engineStatement(pattern)}`);
    expect(plan.map(({ detail }) => detail)).toEqual([expect.stringContaining('INDEX im_stream_position')]);
  }
}

it('finds stream records by an index, in the very statements of the engine', async () => {
  const dataDirectory = await temporaryDirectory();
  const engine = await start(dataDirectory);
  await engine.close();
  await expectIndexed(dataDirectory);
});

it('brings a database of an earlier version up to date, after a crash as well', async () => {
  const [running, crashed] = [await temporaryDirectory(), await temporaryDirectory()];
  const old = await startBare(running);
  await old.put(1);
  // What a crash leaves: a file, and beside it what is not folded into it.
  await cp(running, crashed, { recursive: true });

  const engine = await start(crashed);
  await expect(engine.read(1)).resolves.toHaveProperty('Item');
  await engine.put(2);
  await engine.close();
  await expectIndexed(crashed);
  expect(query(crashed, 'SELECT sequence_number AS position FROM _stream_records')).toHaveLength(2);
});

it('leaves a database as it is while another process has it open', async () => {
  const dataDirectory = await temporaryDirectory();
  const first = await startBare(dataDirectory);
  await first.put(1);
  const second = await start(dataDirectory);
  await first.put(2);
  await expect(second.read(2)).resolves.toHaveProperty('Item');
  await second.close();
  await first.close();
  expect(query(dataDirectory, "SELECT name FROM sqlite_master WHERE name LIKE 'im_%'")).toEqual([]);
});

it('keeps stream records for a day, and never numbers them anew', async () => {
  const dataDirectory = await temporaryDirectory();
  const yesterday = await start(dataDirectory);
  for (const sk of [1, 2, 3]) await yesterday.put(sk);
  await yesterday.close();
  const age = (seconds: number) => `UPDATE _stream_records SET created_at = created_at - ${seconds}`;
  query(dataDirectory, age(24 * 3600 + 60));

  const today = await start(dataDirectory);
  for (const sk of [4, 5]) await today.put(sk);
  await today.close();
  query(dataDirectory, age(23 * 3600));
  const later = await start(dataDirectory);
  await later.put(6);
  await later.close();
  const left = query(
    dataDirectory,
    'SELECT CAST(sequence_number AS INTEGER) AS position FROM _stream_records',
  );
  expect(left).toEqual([{ position: 4 }, { position: 5 }, { position: 6 }]);
});

it('does without a cache where none may be written', async () => {
  vi.stubEnv('XDG_CACHE_HOME', '/sys');
  const engine = await start();
  await engine.put(1);
  await expect(engine.read(1)).resolves.toHaveProperty('Item');
});
