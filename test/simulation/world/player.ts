// Plays seeds in the world, in this process.
import { loadClient } from '../load-client.ts';
import { findMutation } from '../mutations.ts';
import { isOver, sendsOf, type Failure, type Played, type Task } from '../player.ts';
import { failureOf } from '../simulation.ts';
import { loadServer } from './load-server.ts';
import { runWorld, type WorldRun } from './run.ts';

type Build = Pick<WorldRun, 'parts' | 'server'>;

const builds = new Map<string | undefined, Promise<Build>>();

export async function playWorlds(task: Task): Promise<Played> {
  const build = await buildOf(task.mutation);
  let seeds = 0;
  for (let seed = task.from; seed <= task.to && !isOver(task); seed++) {
    const failure = await playWorld({ ...build, seed, sendsPerDevice: sendsOf(task, seed) });
    seeds++;
    if (failure) return { seeds, failure };
  }
  return { seeds };
}

async function playWorld(run: WorldRun): Promise<Failure | undefined> {
  const { seed } = run;
  try {
    const outcome = await runWorld(run);
    return outcome.violations.length > 0 ? failureOf(outcome) : undefined;
  } catch (error) {
    return { seed, report: `Seed ${seed}:\n  ${String(error)}` };
  }
}

function buildOf(name: string | undefined): Promise<Build> {
  const known = builds.get(name);
  if (known) return known;
  const build = load(name);
  builds.set(name, build);
  return build;
}

async function load(name: string | undefined): Promise<Build> {
  const mutation = findMutation(name);
  return {
    parts: await loadClient(mutation?.side === 'client' ? mutation : undefined),
    server: await loadServer(mutation?.side === 'server' ? mutation : undefined),
  };
}
