// `npm run bench:growth`: does the local cloud slow down with what was sent before?
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import pc from 'picocolors';
import { startCloud } from '../local/cloud.ts';
import { synthesize } from '../local/template/synthesize.ts';
import { buildFunctions } from '../scripts/build.ts';
import { measureStretches, type Stretch } from './growing-conversation.ts';

interface Options {
  messages: number;
  every: number;
  db: string;
  json?: true;
}

const program = new Command('npm run bench:growth --')
  .description('Sends direct messages for long, and tells for each thousand how fast they went.')
  .option('--messages <count>', 'messages to send', wholeNumber, 20_000)
  .option('--every <count>', 'messages of one row', wholeNumber, 1_000)
  .option('--db <engine>', 'as for npm start', 'dynoxide')
  .option('--json', 'print a line of JSON for each row')
  .showHelpAfterError(false);

function wholeNumber(value: string): number {
  const number = Number(value);
  if (Number.isInteger(number) && number > 0) return number;
  throw new InvalidArgumentError('It must be a whole number from 1.');
}

async function run(length: Options, onStretch: (stretch: Stretch) => void): Promise<void> {
  const outDirectory = await mkdtemp(join(tmpdir(), 'serverless-im-'));
  try {
    await buildFunctions();
    const templatePath = await synthesize({ outDirectory });
    const cloud = await startCloud({ templatePath, port: 0, db: length.db });
    try {
      for await (const stretch of measureStretches(cloud, length)) onStretch(stretch);
    } finally {
      await cloud.close();
    }
  } finally {
    await rm(outDirectory, { recursive: true, force: true });
  }
}

function tableRow(cells: readonly string[]): string {
  return `${cells.map((cell) => cell.padStart(14)).join('')}\n`;
}

function stretchRow({ messages, messagesPerSecond, cpuMsPerMessage, timings }: Stretch): string {
  const { read, write, stream } = timings;
  const ms = [cpuMsPerMessage, read.meanMs, write.meanMs, stream.meanMs].map((value) => value.toFixed(2));
  return tableRow([String(messages), messagesPerSecond.toFixed(1), ...ms]);
}

/** Against the second: in the first, everything is still warming up. */
function conclusion(stretches: readonly Stretch[]): string {
  const [, second] = stretches;
  const last = stretches.at(-1);
  if (!second || !last || last === second) return '';
  const factor = second.messagesPerSecond / last.messagesPerSecond;
  return `\nA message of the last row took ${factor.toFixed(2)} times as long as one of the second.\n`;
}

try {
  const options = program.parse().opts<Options>();
  const stretches: Stretch[] = [];
  if (!options.json) {
    process.stdout.write(
      pc.dim(tableRow(['messages', 'messages/s', 'ms a read', 'ms a write', 'GetRecords'])),
    );
  }
  await run(options, (stretch) => {
    stretches.push(stretch);
    process.stdout.write(options.json ? `${JSON.stringify(stretch)}\n` : stretchRow(stretch));
  });
  if (!options.json) process.stdout.write(conclusion(stretches));
} catch (error) {
  process.stderr.write(`${pc.red('error')} ${(error as Error).message}\n`);
  process.exitCode = 1;
}
