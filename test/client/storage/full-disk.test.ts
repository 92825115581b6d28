// A disk that is full, then has room again: what failed is not there, everything else is.
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { FileStorage } from '../../../src/client/storage/file.ts';
import { HEADER } from '../../../src/client/storage/journal.ts';
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
afterEach(() => keeper.kill());
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

test('without room to rewrite the journal, it goes on in the one that is there', async () => {
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
