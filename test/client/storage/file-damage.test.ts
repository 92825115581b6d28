// A file in which a byte is wrong: what is whole is kept, what was lost is told.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FileStorage } from '../../../src/client/storage/file.ts';
import { encodeLine, HEADER } from '../../../src/client/storage/journal.ts';
import { range } from '../ranges.ts';

const everything = { from: '', to: '\uffff' };

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'im-damage-'));
});
afterAll(() => rm(directory, { recursive: true }));

let files = 0;
const newFile = () => join(directory, `file-${files++}.journal`);

describe('a damaged file', () => {
  const batches = range(6).map((n) => [{ key: `message/${n}`, value: { text: `grüße ${n}` } }]);
  const lines = batches.map((batch) => encodeLine(batch));
  const journal = Buffer.from(HEADER + lines.join(''));
  const startOf = (index: number) => Buffer.byteLength(HEADER + lines.slice(0, index).join(''));

  test('any byte flipped: the other batches are there, it says so once, and keeps the file beside', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(journal.length - 1), async (at) => {
        const path = newFile();
        const damaged = flipped(journal, at);
        await writeFile(path, damaged);
        const storage = await FileStorage.open(path);
        // A line whose end is gone takes the next one with it.
        const hit = (index: number) =>
          (at >= startOf(index) && at < startOf(index + 1)) || at === startOf(index) - 1;
        const whole = batches.filter((_, index) => !hit(index)).flat();
        expect(await storage.list(everything)).toEqual(whole);
        expect(storage.damage).toMatchObject({ code: 'storage' });
        expect(storage.damage!.message).toContain(`${path}.damaged-1`);
        expect(await readFile(`${path}.damaged-1`)).toEqual(damaged);
        await storage.commit([{ key: 'after', value: 1 }]);
        await storage.close();

        const again = await FileStorage.open(path);
        expect(again.damage).toBeUndefined();
        expect(await again.list(everything)).toEqual([{ key: 'after', value: 1 }, ...whole]);
        await again.close();
      }),
      {
        numRuns: 60,
        // Among them the version, and the space behind a checksum.
        examples: [
          0,
          HEADER.indexOf('1'),
          HEADER.length - 1,
          startOf(1) + 8,
          startOf(5) - 1,
          journal.length - 1,
        ].map((at) => [at]),
      },
    );
  });

  test('damaged again, it keeps both', async () => {
    const path = newFile();
    for (const n of range(2)) {
      await writeFile(path, flipped(journal, startOf(n)));
      const storage = await FileStorage.open(path);
      expect(storage.damage!.message).toContain(`a batch is missing; the damaged file is kept as`);
      await storage.close();
      expect(await readFile(`${path}.damaged-${n}`)).toEqual(flipped(journal, startOf(n)));
    }
  });

  test('one of a later version is not taken for damaged', async () => {
    const path = newFile();
    const later = HEADER.replace('1', '12') + lines.join('');
    await writeFile(path, later);
    await expect(FileStorage.open(path)).rejects.toThrow('was written by another version');
    expect(await readFile(path, 'utf8')).toBe(later);
  });
});

function flipped(content: Buffer, at: number): Buffer {
  const copy = Buffer.from(content);
  copy[at] = copy[at]! ^ 0x01;
  return copy;
}
