// `npm run simulate`: many seeds, or the mutations one after another.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { startCloud } from '../../local/cloud.ts';
import { synthesize } from '../../local/template/synthesize.ts';
import { buildFunctions } from '../../scripts/build.ts';
import { loadClient } from './load-client.ts';
import { mutateTemplate, mutations, type Mutation } from './mutations.ts';
import { localStage, settleMsOf, simulationEnvironment } from './local-stage.ts';
import { report, simulate } from './simulation.ts';
import { loadServer } from './world/load-server.ts';
import { runWorld } from './world/run.ts';

interface Options {
  seeds?: number;
  from: number;
  minutes?: number;
  sends?: number;
  db: string;
  real?: boolean;
  mutations?: boolean | string;
}

const positive = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError('a whole number above 0 is needed');
  return value;
};

const program = new Command('simulate')
  .description('Runs seeds of the fault simulation until one fails, or each mutation until it is caught')
  .option(
    '--seeds <n>',
    'how many seeds, or for each mutation at most (default: 500, or 1000; with --real 10, or 60)',
    positive,
  )
  .option('--from <seed>', 'the first seed', positive, 1)
  .option('--minutes <n>', 'stop after that long', positive)
  .option('--sends <n>', 'messages per device (default: 8 or 3)', positive)
  .option('--real', 'over the real local cloud: slow, and no seed is quite a replay')
  .option('--db <engine>', 'with --real, as for npm start', 'dynoxide')
  .option('--mutations [part of a name]', 'instead: run builds that lack a guard; each must fail')
  .parse();
const options = program.opts<Options>();

/** Every second run is short: what is lost at its end, no later message repairs. */
const sendsOf = (seed: number) => options.sends ?? (seed % 2 === 0 ? 3 : 8);

/** Told after each seed. */
type OnSeed = (seed: number, failed: boolean) => void;
/** Runs seeds until one fails; returns its report. `mutation`: of a build without that guard. */
type RunSeeds = (onSeed: OnSeed, mutation?: Mutation) => Promise<string | undefined>;

const end = options.minutes === undefined ? Infinity : Date.now() + options.minutes * 60_000;
const isOver = () => Date.now() >= end;
const [someSeeds, manySeeds] = options.real ? [10, 60] : [500, 1_000];
const last = options.from + (options.seeds ?? (options.mutations ? manySeeds : someSeeds)) - 1;
const again = (seed: number) =>
  `Again: npm run simulate --${options.real ? ' --real' : ''} --from ${seed} --seeds 1`;
const clientFor = (mutation?: Mutation) => loadClient(mutation?.side === 'client' ? mutation : undefined);

/** In a world of one process, whose seeds replay. */
const runWorlds: RunSeeds = async (onSeed, mutation) => {
  const parts = await clientFor(mutation);
  const server = await loadServer(mutation?.side === 'server' ? mutation : undefined);
  for (let seed = options.from; seed <= last && !isOver(); seed++) {
    const failure = await runWorld({ seed, parts, server, sendsPerDevice: sendsOf(seed) }).then(
      (outcome) => (outcome.violations.length > 0 ? report(outcome) : undefined),
      (error: unknown) => `Seed ${seed}:\n  ${String(error)}`,
    );
    onSeed(seed, failure !== undefined);
    if (failure) return `${failure}\n${again(seed)}`;
  }
  return undefined;
};

/** Over the real local cloud. Other settings need a fresh one, which also keeps its tables small. */
const runClouds =
  (templatePath: string): RunSeeds =>
  async (onSeed, mutation) => {
    const parts = await clientFor(mutation);
    const mutated = mutation?.side === 'server' ? await mutateTemplate(templatePath, mutation) : templatePath;
    for (let seed = options.from; seed <= last && !isOver();) {
      const settleMs = settleMsOf(seed);
      const cloud = await startCloud({
        templatePath: mutated,
        port: 0,
        db: options.db,
        log: 'quiet',
        environment: simulationEnvironment(settleMs),
      });
      try {
        for (; settleMsOf(seed) === settleMs && seed <= last && !isOver(); seed++) {
          const stage = localStage(cloud, seed);
          const outcome = await simulate({ stage, parts, seed, sendsPerDevice: sendsOf(seed) });
          onSeed(seed, outcome.violations.length > 0);
          if (outcome.violations.length > 0) return `${report(outcome)}\n${again(seed)}`;
        }
      } finally {
        await cloud.close();
      }
    }
    return undefined;
  };

async function runMutation(runSeeds: RunSeeds, mutation: Mutation): Promise<boolean> {
  let seeds = 0;
  const failure = await runSeeds(() => seeds++, mutation);
  const verdict =
    failure === undefined ? `NOT CAUGHT in ${seeds} seeds` : `caught, seed ${options.from + seeds - 1}`;
  console.log(`${verdict}: ${mutation.name}`);
  if (failure) console.log(failure.split('\n').slice(1, 2).join('\n'));
  return failure !== undefined;
}

async function main(runSeeds: RunSeeds): Promise<boolean> {
  if (options.mutations) {
    const caught: boolean[] = [];
    const wanted = options.mutations === true ? '' : options.mutations;
    for (const mutation of mutations.filter(({ name }) => name.includes(wanted)))
      caught.push(await runMutation(runSeeds, mutation));
    console.log(`${caught.filter(Boolean).length} of ${caught.length} mutations caught`);
    return caught.every(Boolean);
  }
  let passed = 0;
  const started = Date.now();
  const failure = await runSeeds((seed, failed) => {
    if (failed) return;
    passed++;
    if (options.real || passed % 100 === 0) {
      console.log(`seed ${seed} passed (${passed}, ${Math.round((Date.now() - started) / 1000)} s)`);
    }
  });
  console.log(failure ?? `${passed} seeds passed`);
  return failure === undefined;
}

if (options.real) {
  const outDirectory = await mkdtemp(join(tmpdir(), 'serverless-im-'));
  try {
    await buildFunctions();
    process.exitCode = (await main(runClouds(await synthesize({ outDirectory })))) ? 0 : 1;
  } finally {
    await rm(outDirectory, { recursive: true, force: true });
  }
} else process.exitCode = (await main(runWorlds)) ? 0 : 1;
