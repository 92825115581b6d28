// `npm run simulate`: many seeds, or the mutations one after another.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { startCloud } from '../../local/cloud.ts';
import { synthesize } from '../../local/template/synthesize.ts';
import { buildFunctions } from '../../scripts/build.ts';
import type { ClientParts } from './device.ts';
import { loadClient } from './load-client.ts';
import { mutateTemplate, mutations, type Mutation } from './mutations.ts';
import { localStage, settleMsOf, simulationEnvironment } from './local-stage.ts';
import { report, simulate } from './simulation.ts';

interface Options {
  seeds?: number;
  from: number;
  minutes?: number;
  sends?: number;
  db: string;
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
  .option('--seeds <n>', 'how many seeds, or for each mutation at most (default: 10, or 60)', positive)
  .option('--from <seed>', 'the first seed', positive, 1)
  .option('--minutes <n>', 'stop after that long', positive)
  .option('--sends <n>', 'messages per device (default: 8 or 3)', positive)
  .option('--db <engine>', 'as for npm start', 'dynoxide')
  .option('--mutations [part of a name]', 'instead: run builds that lack a guard; each must fail')
  .parse();
const options = program.opts<Options>();

/** Every second run is short: what is lost at its end, no later message repairs. */
const sendsOf = (seed: number) => (seed % 2 === 0 ? 3 : 8);

interface Run {
  readonly templatePath: string;
  readonly parts: ClientParts;
  /** Told after each seed. */
  readonly onSeed: (seed: number, failed: boolean) => void;
}

/** Runs seeds until one fails; returns its report. Other settings need a fresh cloud, which also keeps its tables small. */
async function runSeeds({ templatePath, parts, onSeed }: Run): Promise<string | undefined> {
  const end = options.minutes === undefined ? Infinity : Date.now() + options.minutes * 60_000;
  const last = options.from + (options.seeds ?? (options.mutations ? 60 : 10)) - 1;
  for (let seed = options.from; seed <= last && Date.now() < end;) {
    const settleMs = settleMsOf(seed);
    const cloud = await startCloud({
      templatePath,
      port: 0,
      db: options.db,
      log: 'quiet',
      environment: simulationEnvironment(settleMs),
    });
    try {
      for (; settleMsOf(seed) === settleMs && seed <= last && Date.now() < end; seed++) {
        const outcome = await simulate({
          stage: localStage(cloud, seed),
          parts,
          seed,
          sendsPerDevice: options.sends ?? sendsOf(seed),
        });
        onSeed(seed, outcome.violations.length > 0);
        if (outcome.violations.length > 0) return report(outcome);
      }
    } finally {
      await cloud.close();
    }
  }
  return undefined;
}

async function runMutation(mutation: Mutation, templatePath: string): Promise<boolean> {
  const server = mutation.side === 'server';
  const mutated = server ? await mutateTemplate(templatePath, mutation) : templatePath;
  const parts = await loadClient(server ? undefined : mutation);
  let seeds = 0;
  const failure = await runSeeds({ templatePath: mutated, parts, onSeed: () => seeds++ });
  const verdict =
    failure === undefined ? `NOT CAUGHT in ${seeds} seeds` : `caught, seed ${options.from + seeds - 1}`;
  console.log(`${verdict}: ${mutation.name}`);
  if (failure) console.log(failure.split('\n').slice(1, 2).join('\n'));
  return failure !== undefined;
}

const outDirectory = await mkdtemp(join(tmpdir(), 'serverless-im-'));
try {
  await buildFunctions();
  const templatePath = await synthesize({ outDirectory });
  if (options.mutations) {
    const caught: boolean[] = [];
    const wanted = options.mutations === true ? '' : options.mutations;
    for (const mutation of mutations.filter(({ name }) => name.includes(wanted)))
      caught.push(await runMutation(mutation, templatePath));
    console.log(`${caught.filter(Boolean).length} of ${caught.length} mutations caught`);
    process.exitCode = caught.every(Boolean) ? 0 : 1;
  } else {
    let passed = 0;
    const started = Date.now();
    const failure = await runSeeds({
      templatePath,
      parts: await loadClient(),
      onSeed(seed, failed) {
        if (failed) return;
        passed++;
        console.log(`seed ${seed} passed (${passed}, ${Math.round((Date.now() - started) / 1000)} s)`);
      },
    });
    console.log(failure ?? `${passed} seeds passed`);
    process.exitCode = failure === undefined ? 0 : 1;
  }
} finally {
  await rm(outDirectory, { recursive: true, force: true });
}
