// `npm run bench:slow-readers`: does who stops reading delay the others?
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import pc from 'picocolors';
import { startCloud } from '../local/cloud.ts';
import { synthesize } from '../local/template/synthesize.ts';
import { buildFunctions } from '../scripts/build.ts';
import { crowds, measurePushes, type Crowd, type PushTimes } from './unrelated-pairs.ts';

interface Options {
  seconds: number;
  rate: number;
  db: string;
  json?: true;
}

const program = new Command('npm run bench:slow-readers --')
  .description('Times the pushes of eight pairs, by what five other sockets do with large messages.')
  .option('--seconds <count>', 'how long each crowd is measured', wholeNumber, 20)
  .option('--rate <count>', 'large messages a second, to the five together', wholeNumber, 50)
  .option('--db <engine>', 'as for npm start', 'dynoxide')
  .option('--json', 'print a line of JSON for each crowd')
  .showHelpAfterError(false);

function wholeNumber(value: string): number {
  const number = Number(value);
  if (Number.isInteger(number) && number > 0) return number;
  throw new InvalidArgumentError('It must be a whole number from 1.');
}

/** Of a socket: so that those that do not read are full soon. The kernel keeps some megabytes beside it. */
const gatewayLimits = { bufferedBytes: 64 * 1024 };

/** Each crowd has a cloud of its own, which knows nothing of the one before. */
async function* run({ db, ...load }: Options): AsyncGenerator<PushTimes> {
  const outDirectory = await mkdtemp(join(tmpdir(), 'serverless-im-'));
  try {
    await buildFunctions();
    const templatePath = await synthesize({ outDirectory });
    for (const crowd of crowds) {
      const cloud = await startCloud({ templatePath, port: 0, db, gatewayLimits });
      try {
        yield await measurePushes(cloud, crowd, load);
      } finally {
        await cloud.close();
      }
    }
  } finally {
    await rm(outDirectory, { recursive: true, force: true });
  }
}

const titles: Readonly<Record<Crowd, string>> = {
  none: 'no other sockets',
  reads: 'five that read',
  stuck: 'five that do not read',
};

function tableRow(title: string, cells: readonly string[]): string {
  return `${title.padEnd(24)}${cells.map((cell) => cell.padStart(10)).join('')}\n`;
}

function timesRow({ crowd, pushes, missed, p50Ms, p99Ms, closed }: PushTimes): string {
  const cells = [String(pushes), String(missed), p50Ms.toFixed(1), p99Ms.toFixed(1), String(closed)];
  return tableRow(titles[crowd], cells);
}

function conclusion(rows: readonly PushTimes[]): string {
  const [none, reads, stuck] = rows as [PushTimes, PushTimes, PushTimes];
  const ratio = (other: PushTimes) =>
    `p50 ${(stuck.p50Ms / other.p50Ms).toFixed(2)}, p99 ${(stuck.p99Ms / other.p99Ms).toFixed(2)}`;
  return `\nFive that do not read, against no others: ${ratio(none)}; against five that read: ${ratio(reads)}.\n`;
}

try {
  const options = program.parse().opts<Options>();
  const rows: PushTimes[] = [];
  if (!options.json) {
    process.stdout.write(pc.dim(tableRow('', ['pushes', 'missed', 'p50 ms', 'p99 ms', 'closed'])));
  }
  for await (const row of run(options)) {
    rows.push(row);
    process.stdout.write(options.json ? `${JSON.stringify(row)}\n` : timesRow(row));
  }
  if (!options.json) process.stdout.write(conclusion(rows));
} catch (error) {
  process.stderr.write(`${pc.red('error')} ${(error as Error).message}\n`);
  process.exitCode = 1;
}
