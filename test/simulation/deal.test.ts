// Seeds are dealt to players: none twice, the lowest that fails is the one reported, and no player falls silent.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { dealMutations, dealSeeds } from './deal.ts';
import { mutations } from './mutations.ts';
import type { Played, Player, Task } from './player.ts';
import { startPlayer } from './processes/player.ts';

interface FakePlayer extends Player {
  readonly seeds: number[];
  ended: boolean;
}

function fakePlayer(playOne: (task: Task) => Promise<Played>): FakePlayer {
  let stop: (() => void) | undefined;
  const player: FakePlayer = {
    seeds: [],
    ended: false,
    play(task) {
      player.seeds.push(task.from);
      return new Promise((resolve, reject) => {
        stop = () => reject(new Error('ended'));
        playOne(task).then(resolve, reject);
      });
    },
    async end() {
      player.ended = true;
      stop?.();
    },
  };
  return player;
}

const passes = async (): Promise<Played> => ({ seeds: 1 });
const failing = ({ from: seed }: Task): Played => ({ seeds: 1, failure: { seed, report: `Seed ${seed}` } });
const never = () => new Promise<Played>(() => {});
const silently = () => {};

test('each seed is played once, and each that passed is counted', async () => {
  const players = [fakePlayer(passes), fakePlayer(passes), fakePlayer(passes)];
  const counts: number[] = [];
  const dealt = await dealSeeds(players, { from: 5, to: 30 }, (_, passed) => counts.push(passed));
  expect(dealt).toEqual({ passed: 26 });
  expect(counts).toEqual(Array.from({ length: 26 }, (_, index) => index + 1));
  const seeds = players.flatMap((player) => player.seeds).toSorted((left, right) => left - right);
  expect(seeds).toEqual(Array.from({ length: 26 }, (_, index) => index + 5));
});

test('of two that fail the lower is reported, although the higher was there first', async () => {
  let failLate = silently;
  const late = fakePlayer((task) => new Promise((resolve) => (failLate = () => resolve(failing(task)))));
  const early = fakePlayer(async (task) => {
    queueMicrotask(failLate);
    return failing(task);
  });
  const { passed, failure } = await dealSeeds([late, early], { from: 1, to: 100 }, silently);
  expect({ passed, failure }).toEqual({ passed: 0, failure: { seed: 1, report: 'Seed 1' } });
  expect(late.ended).toBe(false);
});

test('a failure ends who plays a higher seed', async () => {
  const first = fakePlayer(async (task) => failing(task));
  const second = fakePlayer(never);
  const { failure } = await dealSeeds([first, second], { from: 1, to: 100 }, silently);
  expect(failure?.seed).toBe(1);
  expect(second).toMatchObject({ ended: true, seeds: [2] });
});

test('no seed is begun when time is over', async () => {
  const player = fakePlayer(passes);
  expect(await dealSeeds([player], { from: 1, to: 9, endsAt: 0 }, silently)).toEqual({ passed: 0 });
  expect(player.seeds).toEqual([]);
});

test('each mutation is played once', async () => {
  const played: string[] = [];
  const players = [fakePlayer(passes), fakePlayer(passes)];
  await dealMutations(players, { from: 1, to: 2 }, mutations, ({ name }) => played.push(name));
  expect(played.toSorted()).toEqual(mutations.map(({ name }) => name).toSorted());
});

test('a process that dies is a failure of the seed that it played', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'serverless-im-player-'));
  try {
    const mortal = join(directory, 'mortal.mjs');
    await writeFile(
      mortal,
      `process.on('message', ({ from }) => from < 3 ? process.send({ seeds: 1 }) : process.exit(7));`,
    );
    const player = startPlayer(mortal);
    const dealt = await dealSeeds([player], { from: 1, to: 9 }, silently);
    expect(dealt).toEqual({
      passed: 2,
      failure: { seed: 3, report: 'Seed 3:\n  Error: its process ended (exit code 7)' },
    });
    await expect(player.play({ from: 4, to: 4 })).rejects.toThrow('exit code 7');
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('a process plays in the world, and plays a mutation', { timeout: 120_000 }, async () => {
  const player = startPlayer();
  try {
    expect(await player.play({ from: 1, to: 2, sends: 1 })).toEqual({ seeds: 2 });
    const mutation = mutations.find(({ name }) => name.startsWith('recall: the body stays'))!.name;
    const { seeds, failure } = await player.play({ from: 1, to: 9, mutation });
    expect(failure?.report).toMatch(/^Seed \d+: \d+ violations\n {2}I7/);
    expect(seeds).toBe(failure?.seed);
  } finally {
    await player.end();
  }
});
