// A seed that fails is played again under less and less, until nothing can be left out.
import { afterAll, expect, test } from 'vitest';
import { mutations } from './mutations.ts';
import { startPlayer } from './processes/player.ts';
import { argumentsFor, describe as inWords, shrinkFailure } from './shrink-failure.ts';
import { calm, drawStorm } from './world/faults.ts';
import { kinds, kindsNamed, ragingKinds, stormOf } from './world/kinds.ts';
import { shrink, type Plan } from './world/shrink.ts';
import { createRandom } from '../../local/faults/random.ts';

const player = startPlayer();
afterAll(() => player.end());

test('a storm can be had whole, in part, or not at all', () => {
  const storm = drawStorm(createRandom(7, 'storm'));
  expect(stormOf(7)).toEqual(storm);
  expect(stormOf(7, [])).toEqual(calm);
  expect(stormOf(7, ['stream.delayMs', 'tokens'])).toEqual({
    ...calm,
    stream: { ...calm.stream, delayMs: storm.stream.delayMs },
    tokens: storm.tokens,
  });
  expect(stormOf(7, ragingKinds(7))).toEqual(storm);
  expect(kindsNamed('stream')).toEqual(['stream.delayMs', 'stream.duplicate', 'stream.singly']);
  expect(kindsNamed('stream.duplicate')).toEqual(['stream.duplicate']);
  expect(kindsNamed('weather')).toBeUndefined();
});

test('what a failure does not need is left out, in few runs', async () => {
  const needed = ['stream.duplicate', 'gateway.dropPush'];
  const tried: Plan[] = [];
  const smallest = await shrink({ only: kinds, sends: 8 }, async (plan) => {
    tried.push(plan);
    return plan.sends >= 3 && needed.every((kind) => plan.only.includes(kind));
  });
  expect(smallest).toEqual({ only: needed, sends: 3 });
  expect(tried.length).toBeLessThanOrEqual(40);
  expect(inWords(smallest!)).toBe('still fails with only: stream.duplicate, gateway.dropPush; sends 3');
  expect(argumentsFor(smallest!)).toBe('--only stream.duplicate,gateway.dropPush --sends 3');
});

test('a failure that needs all of it stays as it is; one that needs nothing says so', async () => {
  expect(await shrink({ only: kinds, sends: 3 }, async () => false)).toBeUndefined();
  const nothing = await shrink({ only: kinds, sends: 3 }, async () => true);
  expect(nothing).toEqual({ only: [], sends: 1 });
  expect(argumentsFor(nothing!)).toBe('--only nothing --sends 1');
});

test('after so many runs it is enough', async () => {
  let runs = 0;
  const fails = async ({ only }: Plan) => {
    runs++;
    return only.length === kinds.length - 1;
  };
  await shrink({ only: kinds, sends: 3 }, fails, 5);
  expect(runs).toBe(5);
});

test(
  'a build that takes a batch twice needs but batches that come twice, and its smaller run fails alike',
  { timeout: 180_000 },
  async () => {
    const { name: mutation } = mutations.find(({ name }) => name.startsWith('pointer condition, half'))!;
    const { failure } = await player.play({ from: 1, to: 20, mutation });
    const smaller = await shrinkFailure(player, { from: 1, to: 20, mutation }, failure!);
    const { seed } = failure!;
    const again = await player.play({ from: seed, to: seed, mutation, ...smaller });
    expect(again.failure?.invariants).toContain(failure!.invariants![0]);
    expect(smaller!.only.length).toBeLessThan(ragingKinds(seed).length);
    expect(await player.play({ from: seed, to: seed, ...smaller })).toEqual({ seeds: 1 });
  },
);
