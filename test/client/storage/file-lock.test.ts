// One at a time has a file open, over processes, crashes and whoever comes first.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { FileStorage } from '../../../src/client/storage/file.ts';
import { range } from '../ranges.ts';
import { Keeper } from './keepers.ts';

let directory: string;
const keepers: Keeper[] = [];
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'im-lock-'));
});
afterEach(() => Promise.all(keepers.splice(0).map((keeper) => keeper.kill())));
afterAll(() => rm(directory, { recursive: true }));

let files = 0;
const newFile = () => join(directory, `file-${files++}.journal`);
const keeperOf = async (path: string) => {
  const keeper = await Keeper.start(path);
  keepers.push(keeper);
  return keeper;
};
const everything = { from: '', to: '\uffff' };

test('while another process has it open it is refused, and after its close it opens', async () => {
  const path = newFile();
  const keeper = await keeperOf(path);
  expect(await keeper.tell('open')).toBe('open');
  expect(await keeper.tell('a 1')).toBe('stored');
  await expect(FileStorage.open(path)).rejects.toMatchObject({
    code: 'storage',
    retryable: true,
    message: `Another process, ${keeper.pid}, has ${path} open`,
  });
  expect(await keeper.tell('b 1')).toBe('stored');
  await keeper.close();

  const storage = await FileStorage.open(path);
  expect(await storage.list(everything)).toHaveLength(2);
  await storage.close();
  expect(await leftBy(path)).toEqual([]);
});

test('after kill -9 it opens at once', async () => {
  const path = newFile();
  const keeper = await keeperOf(path);
  await keeper.tell('open');
  expect(await keeper.tell('a 1')).toBe('stored');
  await keeper.kill();
  const storage = await FileStorage.open(path);
  expect(await storage.list(everything)).toHaveLength(1);
  await storage.close();
});

test('of many processes that find the lock of a dead one, one takes it over', async () => {
  const path = newFile();
  const contenders = await Promise.all(range(6).map(() => keeperOf(path)));
  const dead = await keeperOf(path);
  await dead.tell('open');
  await dead.kill();
  const answers = await Promise.all(contenders.map((keeper) => keeper.tell('open')));
  expect(answers.filter((answer) => answer === 'open')).toEqual(['open']);
  expect(
    answers.filter((answer) => /^storage: Another process, \d+, has .* open$/.test(answer)),
  ).toHaveLength(5);
});

test('of many in one process one opens it, also over the lock of a dead one', async () => {
  const path = newFile();
  const stale = JSON.stringify({ id: 'x', pid: process.pid, host: (await lockOf(path)).host, born: '1' });
  for (const _ of range(30)) {
    await writeFile(`${path}.lock`, stale);
    const outcomes = await Promise.allSettled(range(8).map(() => FileStorage.open(path)));
    const opened = outcomes.filter((outcome) => outcome.status === 'fulfilled');
    expect(opened).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected')
        expect(outcome.reason).toMatchObject({
          message: `This process, ${process.pid}, has ${path} open already`,
        });
    }
    await opened[0]!.value.close();
  }
  expect(await leftBy(path)).toEqual([]);
});

test('while another one takes over from the dead it is refused; one that died of that is no obstacle', async () => {
  const path = newFile();
  const { host } = await lockOf(path);
  const [dead, keeper] = [await keeperOf(newFile()), await keeperOf(newFile())];
  await dead.kill();
  await writeFile(`${path}.lock`, JSON.stringify({ id: 'x', pid: dead.pid, host }));
  await writeFile(`${path}.lock.of.x`, JSON.stringify({ id: 'y', pid: keeper.pid, host }));
  await expect(FileStorage.open(path)).rejects.toThrow(`Another process, ${keeper.pid}, has ${path} open`);
  await keeper.kill();
  await (await FileStorage.open(path)).close();
  expect(await leftBy(path)).toEqual([]);
});

test('a process that died is dead even if nobody has waited for it', async () => {
  const path = newFile();
  // It ends when bash has become something else, which does not wait for it.
  const script = '(while [ "$(cat /proc/$$/comm)" = bash ]; do :; done) & echo $!; exec sleep 1000';
  const parent = spawn('bash', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void parent.kill());
  const [printed] = (await once(parent.stdout, 'data')) as [Buffer];
  const pid = Number(printed);
  const status = async () => (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]!.split(' ');
  await vi.waitUntil(async () => (await status())[0] === 'Z');
  const { host } = await lockOf(path);
  await writeFile(`${path}.lock`, JSON.stringify({ id: 'x', pid, host, born: (await status())[19] }));
  const storage = await FileStorage.open(path);
  expect(await storage.list(everything)).toEqual([]);
  await storage.close();
});

test('by a symbolic link it is the same file', async () => {
  const path = newFile();
  const storage = await FileStorage.open(path);
  await symlink(path, `${path}.link`);
  await expect(FileStorage.open(`${path}.link`)).rejects.toMatchObject({ code: 'storage', retryable: true });
  await storage.close();
});

test('a lock of another computer is not taken over: who knows says so by deleting it', async () => {
  const path = newFile();
  await writeFile(`${path}.lock`, JSON.stringify({ id: 'x', pid: 7, host: 'elsewhere' }));
  await expect(FileStorage.open(path)).rejects.toThrow(
    `Another process, 7 on elsewhere, has ${path} open; if it has ended, delete ${path}.lock`,
  );
});

test('a lock that a power cut left empty is taken over', async () => {
  const path = newFile();
  await writeFile(`${path}.lock`, '');
  const storage = await FileStorage.open(path);
  await expect(FileStorage.open(path)).rejects.toMatchObject({ code: 'storage', retryable: true });
  await storage.close();
  expect(await leftBy(path)).toEqual([]);
});

const leftBy = async (path: string) =>
  (await readdir(directory)).filter((name) => name.startsWith(`${basename(path)}.lock`));

async function lockOf(path: string): Promise<{ host: string }> {
  const storage = await FileStorage.open(path);
  const lock = await readFile(`${path}.lock`, 'utf8');
  await storage.close();
  return JSON.parse(lock) as { host: string };
}
