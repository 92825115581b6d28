// `npm run simulate`: many seeds, or the mutations, in as many processes as there are cores.
import { dealMutations, dealSeeds } from './deal.ts';
import { startLocalPlayer } from './local-player.ts';
import { mutations } from './mutations.ts';
import { parseOptions } from './options.ts';
import type { Failure, Player, Task } from './player.ts';
import { startPlayer } from './processes/player.ts';
import { argumentsFor, describe, shrinkFailure } from './shrink-failure.ts';
import { sizeOf } from './size.ts';
import type { Plan } from './world/shrink.ts';

const options = parseOptions();
const [someSeeds, manySeeds] = options.real ? [10, 60] : [500, 1_000];
const task: Task = {
  from: options.from,
  to: options.from + (options.seeds ?? (options.mutations ? manySeeds : someSeeds)) - 1,
  ...(options.sends !== undefined && { sends: options.sends }),
  ...(options.only && { only: options.only }),
  ...((options.whole || options.real) && { whole: true }),
  ...(options.minutes !== undefined && { endsAt: Date.now() + options.minutes * 60_000 }),
};

async function runSeeds(players: readonly Player[]): Promise<boolean> {
  const started = Date.now();
  const { passed, failure } = await dealSeeds(players, task, (seed, count) => {
    if (!options.real && count % 100 !== 0) return;
    console.log(`seed ${seed} passed (${count}, ${Math.round((Date.now() - started) / 1000)} s)`);
  });
  console.log(`${passed} seeds passed`);
  if (!failure) return true;
  console.log(failure.report);
  const again = (...more: string[]) =>
    [
      'npm run simulate --',
      ...more,
      ...(options.whole ? ['--whole'] : []),
      `--from ${failure.seed} --seeds 1`,
    ].join(' ');
  if (options.real) console.log(`Again: ${again('--real')}`);
  else if (options.only)
    console.log(
      `Again: ${again(argumentsFor({ only: options.only, sends: sizeOf(task, failure.seed).sends }))}`,
    );
  else {
    console.log(`Again: ${again(...(options.sends ? [`--sends ${options.sends}`] : []))}`);
    const smaller = await findSmaller(failure);
    if (smaller) console.log(`Smaller: ${describe(smaller)}\n${again(argumentsFor(smaller))}`);
  }
  return false;
}

async function findSmaller(failure: Failure): Promise<Plan | undefined> {
  const player = startPlayer();
  try {
    return await shrinkFailure(player, task, failure);
  } finally {
    await player.end();
  }
}

async function runMutations(players: readonly Player[], partOfName: string): Promise<boolean> {
  const wanted = mutations.filter(({ name }) => name.includes(partOfName));
  let caught = 0;
  await dealMutations(players, task, wanted, ({ name }, { seeds, failure }) => {
    // A build that cannot even send fails too, and proves nothing.
    const isCaught = failure !== undefined && !!failure.answered;
    if (isCaught) caught++;
    const failed = `${isCaught ? 'caught' : 'NOT CAUGHT, for it sends nothing'}, seed ${failure?.seed}`;
    console.log(`${failure ? failed : `NOT CAUGHT in ${seeds} seeds`}: ${name}`);
    if (failure) console.log(failure.report.split('\n')[1]);
  });
  console.log(`${caught} of ${wanted.length} mutations caught`);
  return caught === wanted.length;
}

const players = options.real
  ? [await startLocalPlayer(options.db)]
  : Array.from({ length: options.processes }, () => startPlayer());
try {
  const isWell = options.mutations
    ? await runMutations(players, options.mutations === true ? '' : options.mutations)
    : await runSeeds(players);
  process.exitCode = isWell ? 0 : 1;
} finally {
  await Promise.all(players.map((player) => player.end()));
}
