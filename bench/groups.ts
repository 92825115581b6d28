// `npm run bench:groups`: what a message costs in groups of different sizes, written to every member or pushed to who looks.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import pc from 'picocolors';
import { startCloud } from '../local/cloud.ts';
import { synthesize } from '../local/template/synthesize.ts';
import { buildFunctions } from '../scripts/build.ts';
import { drawCurves, type Curve } from './group-chart.ts';
import {
  meterGroupMessages,
  usdPerMillion,
  type GroupScenario,
  type MessageCost,
  type Mode,
} from './group-messages.ts';

interface Options {
  members: number[];
  online: number;
  looking: number;
  lambdaMs: number;
  db: string;
  svg?: string;
  json?: true;
}

const share = (value: string): number => {
  const number = Number(value);
  if (number >= 0 && number <= 1) return number;
  throw new InvalidArgumentError('It must be from 0 to 1.');
};

const whole = (value: string): number => {
  const number = Number(value);
  if (Number.isInteger(number) && number > 0) return number;
  throw new InvalidArgumentError('It must be a whole number from 1.');
};

const program = new Command('npm run bench:groups --')
  .description('Meters messages to groups on the local cloud, one after another and twenty at once.')
  .option(
    '--members <counts>',
    'sizes of groups, with commas between',
    (value) => value.split(',').map(whole),
    [3, 10, 50, 200, 500, 2_000, 10_000],
  )
  .option('--online <share>', 'of the members of a group that is written to everybody', share, 0.3)
  .option('--looking <share>', 'of the members of a large group', share, 0.05)
  .option('--lambda-ms <ms>', 'what an invocation is taken to last on Lambda', whole, 15)
  .option('--db <engine>', 'as for npm start', 'dynoxide')
  .option('--svg <file>', 'draw the picture')
  .option('--json', 'print a line of JSON for each row')
  .showHelpAfterError(false);

const BURST = 20;
/** In these, fewer say as much. */
const LARGE = 1_000;

/** Each mode is a cloud of its own: it is a matter of configuration. */
const settingsOf: Readonly<Record<Mode, object>> = {
  write: { writeFanoutLimit: 10_000 },
  read: { writeFanoutLimit: 1, headsIntervalMs: 1_000 },
};

interface Row {
  readonly mode: Mode;
  readonly members: number;
  readonly kind: 'alone' | 'burst';
  readonly cost: MessageCost;
  readonly usdPerMillion: number;
}

async function run(options: Options, onRow: (row: Row) => void): Promise<readonly Row[]> {
  const rows: Row[] = [];
  const outDirectory = await mkdtemp(join(tmpdir(), 'serverless-im-'));
  try {
    await buildFunctions();
    const templatePath = await synthesize({ outDirectory });
    for (const mode of ['write', 'read'] as const) {
      const environment = { IM_SETTINGS: JSON.stringify(settingsOf[mode]) };
      const cloud = await startCloud({ templatePath, port: 0, db: options.db, log: 'quiet', environment });
      try {
        for (const members of options.members) {
          const alone = members >= LARGE ? 3 : 16;
          const { online, looking } = options;
          const scenario: GroupScenario = { members, mode, alone, burst: BURST, online, looking };
          const costs = await meterGroupMessages(cloud, scenario);
          for (const kind of ['alone', 'burst'] as const) {
            const cost = costs[kind];
            const row = { mode, members, kind, cost, usdPerMillion: usdPerMillion(cost, options.lambdaMs) };
            rows.push(row);
            onRow(row);
          }
        }
      } finally {
        await cloud.close();
      }
    }
  } finally {
    await rm(outDirectory, { recursive: true, force: true });
  }
  return rows;
}

function curvesOf(rows: readonly Row[]): Curve[] {
  const curve = (mode: Mode, kind: Row['kind'], name: string, color: string): Curve => ({
    name,
    color,
    dashed: kind === 'burst',
    points: rows
      .filter((row) => row.mode === mode && row.kind === kind)
      .map(({ members, usdPerMillion }) => [members, usdPerMillion]),
  });
  return [
    curve('write', 'alone', 'written to everybody, alone', '#c2410c'),
    curve('write', 'burst', 'written, twenty at once', '#c2410c'),
    curve('read', 'alone', 'pushed to who looks, alone', '#0f766e'),
    curve('read', 'burst', 'pushed, twenty at once', '#0f766e'),
  ];
}

const columns = [7, 6, 6, 12, 11, 10, 10, 12, 18];
const line = (cells: readonly (string | number)[]) =>
  cells.map((cell, index) => String(cell).padStart(columns[index]!)).join('');

function print({ mode, members, kind, cost, usdPerMillion }: Row): void {
  const { writeUnits, readUnits, requests, frames, invocations } = cost;
  const numbers = [writeUnits, readUnits, requests, frames, invocations].map((value) => value.toFixed(2));
  console.log(line([members, mode, kind, ...numbers, usdPerMillion.toFixed(2)]));
}

try {
  const options = program.parse().opts<Options>();
  if (!options.json) {
    const titles = ['write units', 'read units', 'requests', 'frames', 'invocations', 'USD per million'];
    console.log(pc.dim(line(['members', 'mode', '', ...titles])));
  }
  const rows = await run(options, (row) => (options.json ? console.log(JSON.stringify(row)) : print(row)));
  if (options.svg) await writeFile(options.svg, drawCurves(curvesOf(rows)));
} catch (error) {
  process.stderr.write(`${pc.red('error')} ${(error as Error).message}\n`);
  process.exitCode = 1;
}
