// Plays seeds in the world, in this process.
import { setImmediate } from 'node:timers/promises';
import { findMutation } from '../mutations.ts';
import { isOver, type Played, type Task } from '../player.ts';
import { sizeOf } from '../size.ts';
import { loadWorld } from './bundle.ts';

const worlds = new Map<string | undefined, ReturnType<typeof loadWorld>>();

export async function playWorlds(task: Task): Promise<Played> {
  const { play } = await worldOf(task.mutation);
  let seeds = 0;
  for (let seed = task.from; seed <= task.to && !isOver(task); seed++) {
    const failure = await play(seed, sizeOf(task, seed), task.only);
    seeds++;
    // The world gives the event loop no turn, and nobody may be there any more who asked.
    await setImmediate();
    if (failure) return { seeds, failure };
  }
  return { seeds };
}

function worldOf(mutation: string | undefined): ReturnType<typeof loadWorld> {
  const known = worlds.get(mutation);
  if (known) return known;
  const world = loadWorld(findMutation(mutation));
  worlds.set(mutation, world);
  return world;
}
