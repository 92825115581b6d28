// A disk that is full, then has room again: what failed is not there, everything else is.
import { mkdir, mkdtemp, readFile, rename, rm, rmdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FileStorage } from '../../../src/client/storage/file.ts';
import { HEADER } from '../../../src/client/storage/journal.ts';
import { range } from '../ranges.ts';
import { Keeper } from './keepers.ts';

let directory: string;
let path: string;
let keeper: Keeper;
let files = 0;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'im-full-'));
});
beforeEach(() => {
  path = join(directory, `file-${files++}.journal`);
});
afterEach(() => keeper?.kill());
afterAll(() => rm(directory, { recursive: true }));

const keysIn = async () => {
  const storage = await FileStorage.open(path);
  expect(storage.damage).toBeUndefined();
  const keys = (await storage.list({ from: '', to: '\uffff' })).map(({ key }) => key);
  await storage.close();
  return keys;
};

test('each commit that does not fit is refused, those that do are stored', async () => {
  keeper = await Keeper.start(path);
  await keeper.tell('open');
  expect(await keeper.tell('a 1000')).toBe('stored');
  keeper.limitFiles(2000);
  const refused = `storage: ${path} cannot be written`;
  expect(await keeper.tell('b 5000')).toBe(refused);
  // Nothing of it is left in the way.
  expect((await stat(path)).size).toBeLessThan(1100);
  expect(await keeper.tell('c 5000')).toBe(refused);
  expect(await keeper.tell('d 100')).toBe('stored');
  keeper.limitFiles('unlimited');
  expect(await keeper.tell('b 5000')).toBe('stored');
  await keeper.kill();
  expect(await keysIn()).toEqual(['a', 'b', 'd']);
});

test('killed right after a refusal, it opens with what was stored', async () => {
  keeper = await Keeper.start(path);
  await keeper.tell('open');
  expect(await keeper.tell('a 1000')).toBe('stored');
  keeper.limitFiles(2000);
  expect(await keeper.tell('b 5000')).toMatch('cannot be written');
  await keeper.kill();
  expect(await keysIn()).toEqual(['a']);
});

test('also when the journal was to be rewritten, and with it most of what it holds', async () => {
  keeper = await Keeper.start(path, 1500);
  await keeper.tell('open');
  for (const key of ['a', 'b', 'c', 'd']) expect(await keeper.tell(`${key} 700`)).toBe('stored');
  for (const key of ['a', 'b', 'c']) expect(await keeper.tell(`${key} 0`)).toBe('stored');
  keeper.limitFiles(HEADER.length + 100);
  expect(await keeper.tell('d 0')).toMatch('cannot be written');
  keeper.limitFiles('unlimited');
  expect(await keeper.tell('d 1')).toBe('stored');
  expect(await keeper.tell('e 1')).toBe('stored');
  await keeper.kill();
  expect(await keysIn()).toEqual(['a', 'b', 'c', 'd', 'e']);
  expect(await readFile(path, 'utf8')).toMatch(HEADER);
});

describe('a journal that cannot be rewritten', () => {
  const batch = (n: number) => [{ key: 'position', value: n }];

  test('goes on as it is', async () => {
    const storage = await FileStorage.open(path, { compactFromBytes: 100 });
    const { ino } = await stat(path);
    await mkdir(`${path}.new`);
    for (const n of range(20)) await storage.commit(batch(n));
    expect((await stat(path)).ino).toBe(ino);
    await rmdir(`${path}.new`);
    for (const n of range(20)) await storage.commit(batch(n));
    expect((await stat(path)).ino).not.toBe(ino);
    await storage.close();
    expect(await keysIn()).toEqual(['position']);
  });

  test('for its name is taken: commits are refused until it is free', async () => {
    const storage = await FileStorage.open(path, { compactFromBytes: 1 });
    await storage.commit(batch(1));
    await rename(path, `${path}.aside`);
    await mkdir(path);
    for (const n of range(3))
      await expect(storage.commit(batch(n))).rejects.toMatchObject({ code: 'storage' });
    await rmdir(path);
    await rename(`${path}.aside`, path);
    await storage.commit([{ key: 'after', value: 1 }]);
    await storage.close();
    expect(await keysIn()).toEqual(['after', 'position']);
  });
});
