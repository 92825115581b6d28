// The file storage keeps the contract, and its promises to a process that dies at any moment.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FileStorage } from '../../../src/client/storage/file.ts';
import { encodeLine, HEADER } from '../../../src/client/storage/journal.ts';
import type { KeyRange } from '../../../src/client/storage/storage.ts';
import { range } from '../ranges.ts';
import { storageContract } from './contract.ts';

const everything: KeyRange = { from: '', to: '\uffff' };

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'im-storage-'));
});
afterAll(() => rm(directory, { recursive: true }));

let files = 0;
const newFile = () => join(directory, `file-${files++}.journal`);

describe('file storage', () => {
  storageContract(
    { open: (name) => FileStorage.open(join(directory, `${name}.journal`)), durable: true },
    60,
  );
});

test('a file from which everything was removed holds nothing of it once it is closed', async () => {
  const path = newFile();
  const storage = await FileStorage.open(path);
  await storage.commit([{ key: 'a', value: 'secret' }]);
  await storage.commit([{ key: 'a', value: undefined }]);
  await storage.close();
  expect(await readFile(path, 'utf8')).toBe(HEADER);
  const again = await FileStorage.open(path);
  expect(await again.list(everything)).toEqual([]);
  await again.close();
});

describe('file storage that is compacted all the time', () => {
  const open = (name: string) =>
    FileStorage.open(join(directory, `small-${name}.journal`), { compactFromBytes: 1 });
  storageContract({ open, durable: true }, 60);

  test('keeps its file in proportion to what it holds', async () => {
    const path = newFile();
    const storage = await FileStorage.open(path, { compactFromBytes: 2000 });
    for (const n of range(400)) await storage.commit([{ key: 'position', value: n }]);
    await storage.close();
    expect((await stat(path)).size).toBeLessThan(2500);
    expect(await readdir(directory)).not.toContain(`${path}.new`);
  });
});

describe('after a crash', () => {
  const batches = range(6).map((n) => [
    { key: 'position', value: n },
    { key: `message/${n}`, value: { text: `grüße ${n}` } },
    { key: `message/${n - 3}`, value: undefined },
  ]);
  const contents = (count: number) =>
    count === 0
      ? []
      : [
          ...range(count)
            .filter((n) => n > count - 3)
            .map((n) => ({ key: `message/${n}`, value: { text: `grüße ${n}` } })),
          { key: 'position', value: count },
        ];

  test('cut at any byte, it holds the batches that were whole, and takes more', async () => {
    const lines = batches.map((batch) => encodeLine(batch));
    const journal = Buffer.from(HEADER + lines.join(''));
    const path = newFile();
    for (let bytes = 0; bytes <= journal.length; bytes++) {
      await writeFile(path, journal.subarray(0, bytes));
      let whole = 0;
      for (let end = HEADER.length; whole < lines.length; whole++) {
        end += Buffer.byteLength(lines[whole]!);
        if (end > bytes) break;
      }
      const storage = await FileStorage.open(path);
      expect(await storage.list(everything), `cut at byte ${bytes}`).toEqual(contents(whole));
      await storage.commit([{ key: 'after', value: bytes }]);
      await storage.close();
      const again = await FileStorage.open(path);
      expect(await again.list({ from: 'after', to: 'after' })).toEqual([{ key: 'after', value: bytes }]);
      await again.close();
    }
  });

  test('a file that is something else is left alone', async () => {
    const path = newFile();
    await writeFile(path, 'dear diary,\n');
    await expect(FileStorage.open(path)).rejects.toMatchObject({ code: 'storage' });
    expect(await readFile(path, 'utf8')).toBe('dear diary,\n');
  });

  test('killed while it writes and compacts, it holds all that it had confirmed', async () => {
    const path = newFile();
    const program = join(import.meta.dirname, 'writer.ts');
    let confirmed = 0;
    for (const round of range(3)) {
      const writer = spawn(process.execPath, ['--import', 'tsx', program, path, String(confirmed)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const exited = once(writer, 'exit');
      const target = confirmed + 40 * round;
      for await (const line of createInterface({ input: writer.stdout })) {
        confirmed = Number(line);
        if (confirmed >= target) writer.kill('SIGKILL');
      }
      await exited;
      const storage = await FileStorage.open(path);
      const entries = new Map(
        (await storage.list(everything)).map(({ key, value }) => [key, value as number]),
      );
      const position = entries.get('position')!;
      expect(position).toBeGreaterThanOrEqual(confirmed);
      // Whole batches only: each wrote its position and its message together.
      expect([...entries.keys()].filter((key) => key.startsWith('message/'))).toEqual(
        range(Math.min(10, position), Math.max(1, position - 9)).map(
          (n) => `message/${String(n).padStart(6, '0')}`,
        ),
      );
      await storage.close();
      confirmed = position;
    }
  });
});

describe('what is written', () => {
  const message = (n: number) => [{ key: `message/${n}`, value: 'x'.repeat(1000) }];

  /** By this process so far, to whatever file. */
  const writtenBytes = async () =>
    Number(/^wchar: (\d+)$/m.exec(await readFile('/proc/self/io', 'utf8'))![1]);

  test('by an open and a commit is that commit, also in a large file', async () => {
    const path = newFile();
    await writeFile(
      path,
      HEADER +
        range(3000)
          .map((n) => encodeLine(message(n)))
          .join(''),
    );
    const before = await stat(path);
    const writtenBefore = await writtenBytes();
    const storage = await FileStorage.open(path);
    await storage.commit(message(3001));
    expect((await writtenBytes()) - writtenBefore).toBeLessThan(100_000);
    await storage.close();
    const after = await stat(path);
    expect(after.size - before.size).toBe(Buffer.byteLength(encodeLine(message(3001))));
    expect(after.ino).toBe(before.ino);
  });

  test('is the whole file when most of it is history, also of earlier runs', async () => {
    const path = newFile();
    const history = range(3000).map(() => encodeLine(message(1)));
    await writeFile(path, HEADER + history.join(''));
    const storage = await FileStorage.open(path);
    await storage.commit(message(2));
    await storage.close();
    expect((await stat(path)).size).toBe(
      Buffer.byteLength(HEADER + encodeLine(message(1)) + encodeLine(message(2))),
    );
  });
});

describe('who may read it', () => {
  const modeOf = async (path: string) => (await stat(path)).mode & 0o777;

  test('is its owner: files, also rewritten ones, and the directories that it makes', async () => {
    const path = join(directory, 'made', 'too', 'alice.journal');
    const storage = await FileStorage.open(path, { compactFromBytes: 1 });
    expect(await modeOf(path)).toBe(0o600);
    expect(await modeOf(`${path}.lock`)).toBe(0o600);
    expect(await modeOf(join(directory, 'made'))).toBe(0o700);
    expect(await modeOf(join(directory, 'made', 'too'))).toBe(0o700);
    const { ino } = await stat(path);
    await storage.commit([{ key: 'a', value: 1 }]);
    expect((await stat(path)).ino).not.toBe(ino);
    expect(await modeOf(path)).toBe(0o600);
    await storage.close();
  });

  test('is its owner again when a file was open to others', async () => {
    const path = newFile();
    await writeFile(path, HEADER, { mode: 0o644 });
    await (await FileStorage.open(path)).close();
    expect(await modeOf(path)).toBe(0o600);
  });
});

test('after it was closed it takes nothing', async () => {
  const storage = await FileStorage.open(newFile());
  await storage.commit([{ key: 'a', value: 1 }]);
  await storage.close();
  await expect(storage.commit([{ key: 'b', value: 2 }])).rejects.toMatchObject({ code: 'storage' });
  expect(await storage.list(everything)).toEqual([{ key: 'a', value: 1 }]);
});

test('what the system refuses is an ImError', async () => {
  await expect(FileStorage.open(directory)).rejects.toMatchObject({ code: 'storage' });
});
