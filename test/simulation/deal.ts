// Deals seeds, or mutations, to players: each gets the next as soon as it has done one.
import type { Mutation } from './mutations.ts';
import { isOver, type Failure, type Played, type Player, type Task } from './player.ts';

export interface Dealt {
  /** Seeds that were played and did not fail. */
  readonly passed: number;
  /** Of all that failed, the one with the lowest seed. */
  readonly failure?: Failure;
}

/**
 * Until one fails. What was dealt before it is played to its end, and what after it is ended: so the lowest seed that fails
 * is found, whoever is faster.
 */
export async function dealSeeds(
  players: readonly Player[],
  task: Task,
  onPassed: (seed: number, passed: number) => void,
): Promise<Dealt> {
  let next = task.from;
  let passed = 0;
  let failure: Failure | undefined;
  const take = () => (next > task.to || failure || isOver(task) ? undefined : next++);
  const playing = new Map<Player, number>();
  const isAfter = (seed: number) => failure !== undefined && seed > failure.seed;
  const fail = (found: Failure) => {
    if (isAfter(found.seed)) return;
    failure = found;
    for (const [player, seed] of playing) if (isAfter(seed)) void player.end();
  };
  await Promise.all(
    players.map(async (player) => {
      for (let seed = take(); seed !== undefined; seed = take()) {
        playing.set(player, seed);
        const played = await playOrDie(player, { ...task, from: seed, to: seed });
        playing.delete(player);
        if (played.failure) fail(played.failure);
        else if (played.seeds > 0) onPassed(seed, ++passed);
      }
    }),
  );
  return { passed, ...(failure && { failure }) };
}

/** Each until it is caught. */
export async function dealMutations(
  players: readonly Player[],
  task: Task,
  mutations: readonly Mutation[],
  onPlayed: (mutation: Mutation, played: Played) => void,
): Promise<void> {
  const left = [...mutations];
  await Promise.all(
    players.map(async (player) => {
      for (let mutation = left.shift(); mutation; mutation = left.shift()) {
        onPlayed(mutation, await player.play({ ...task, mutation: mutation.name }));
      }
    }),
  );
}

async function playOrDie(player: Player, task: Task): Promise<Played> {
  try {
    return await player.play(task);
  } catch (error) {
    return { seeds: 0, failure: { seed: task.from, report: `Seed ${task.from}:\n  ${String(error)}` } };
  }
}
