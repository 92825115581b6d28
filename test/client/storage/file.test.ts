// The file storage keeps the contract, and its promises to a process that dies at any moment.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import fc from 'fast-check';
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

  test('a last line of garbage is dropped; damage before the end is refused, not guessed at', async () => {
    const lines = batches.map((batch) => encodeLine(batch));
    await fc.assert(
      fc.asyncProperty(
        fc.nat(lines.length - 1),
        fc.double({ min: 0, max: 1, noNaN: true }),
        async (index, where) => {
          const damaged = [...lines];
          const line = Buffer.from(damaged[index]!);
          const at = Math.floor(where * (line.length - 2));
          line[at] = line[at]! ^ 0x01;
          // A flip that makes a line end tears the line in two: with others after it, that is damage as well.
          damaged[index] = line.toString('latin1');
          const path = newFile();
          const before = damaged.slice(0, index).join('');
          const after = damaged.slice(index + 1).join('');
          await writeFile(path, Buffer.concat([Buffer.from(HEADER + before), line, Buffer.from(after)]));
          if (index < lines.length - 1) {
            await expect(FileStorage.open(path)).rejects.toMatchObject({ code: 'storage' });
            return;
          }
          const storage = await FileStorage.open(path);
          expect(await storage.list(everything)).toEqual(contents(index));
          await storage.close();
        },
      ),
      // The space behind the checksum was not looked at.
      { numRuns: 40, examples: [[lines.length - 1, 8.5 / (Buffer.byteLength(lines.at(-1)!) - 2)]] },
    );
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

describe('when writing fails', () => {
  test('the batch is not there, and nothing is written after it', async () => {
    const path = newFile();
    const storage = await FileStorage.open(path);
    await storage.commit([{ key: 'a', value: 1 }]);
    await storage.close();
    await expect(storage.commit([{ key: 'b', value: 2 }])).rejects.toMatchObject({ code: 'storage' });
    expect(await storage.list(everything)).toEqual([{ key: 'a', value: 1 }]);
  });
});
