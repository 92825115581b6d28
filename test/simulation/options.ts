// What `npm run simulate` may be told.
import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
import { NOTHING } from './shrink-failure.ts';
import { kinds, kindsNamed } from './world/kinds.ts';

export interface Options {
  readonly seeds?: number;
  readonly from: number;
  readonly minutes?: number;
  readonly sends?: number;
  readonly only?: readonly string[];
  readonly processes: number;
  readonly db: string;
  readonly real?: boolean;
  readonly whole?: boolean;
  readonly mutations?: boolean | string;
}

const positive = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError('a whole number above 0 is needed');
  return value;
};

function parseKinds(text: string): readonly string[] {
  if (text === NOTHING) return [];
  return text.split(',').flatMap((name) => {
    const named = kindsNamed(name);
    if (named) return named;
    throw new InvalidArgumentError(`there is no ${name}, but ${kinds.join(', ')}`);
  });
}

export function parseOptions(): Options {
  return new Command('simulate')
    .description('Runs seeds of the fault simulation until one fails, or each mutation until it is caught')
    .option(
      '--seeds <n>',
      'how many seeds, or for each mutation at most (default: 500, or 1000; with --real 10, or 60)',
      positive,
    )
    .option('--from <seed>', 'the first seed', positive, 1)
    .option('--minutes <n>', 'stop after that long', positive)
    .option('--sends <n>', 'messages per device (default: left to the seed)', positive)
    .option(
      '--processes <n>',
      'play in so many processes, --real always in one',
      positive,
      availableParallelism(),
    )
    .addOption(
      new Option(
        '--only <kinds>',
        `faults that there are to be, as in stream.duplicate,gateway; or ${NOTHING}`,
      )
        .argParser(parseKinds)
        .conflicts('real'),
    )
    .option('--real', 'over the real local cloud: slow, and no seed is quite a replay')
    .option(
      '--whole',
      'each a whole story: three users with two devices, mostly with groups (default: one in forty)',
    )
    .option('--db <engine>', 'with --real, as for npm start', 'dynoxide')
    .option('--mutations [part of a name]', 'instead: run builds that lack a guard; each must fail')
    .parse()
    .opts<Options>();
}
