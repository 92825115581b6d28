// `npm run redrive`: processes again what functions could not, in the local cloud or in a deployed stack.
import { Command } from 'commander';
import pc from 'picocolors';
import type { KeptMessage, RedriveReport } from './report.ts';

interface Options {
  url: string;
  aws?: true;
  stack?: string;
  region?: string;
}

const program = new Command('npm run redrive --')
  .description(
    'Reads the ranges that failure queues name from their streams again, and processes them; moves dead letters back to the queues that gave them up.',
  )
  .option('--url <url>', 'the local cloud that runs', 'http://127.0.0.1:4000')
  .option('--aws', 'a deployed stack instead, with your AWS credentials')
  .option('--stack <name>', 'the stack to redrive, e.g. serverless-im-prod')
  .option('--region <region>', 'its region (default: as the AWS CLI finds it)')
  .showHelpAfterError(false);

async function redriveLocally(url: string): Promise<RedriveReport> {
  let response: Response;
  try {
    response = await fetch(new URL('/dev/redrive', url), { method: 'POST' });
  } catch (cause) {
    throw new Error(`No local cloud answers at ${url}: start it with npm start`, { cause });
  }
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as RedriveReport;
}

async function redriveAws({ stack, region }: Options): Promise<RedriveReport> {
  if (stack === undefined) throw new Error('--aws wants the name of the stack: --stack serverless-im-prod');
  // Loaded on demand: who only runs the local cloud need not install the AWS clients.
  const { connectToAws, redriveStack } = await import('./aws-redrive.ts').catch((cause: unknown) => {
    throw new Error('--aws needs the AWS clients of the development dependencies: npm ci', { cause });
  });
  return await redriveStack(connectToAws(region), stack);
}

function describe({ redriven, records, moved, kept }: RedriveReport): string {
  const lines = [
    `redriven: ${redriven}, moved back: ${moved}, kept: ${kept.length}, records processed: ${records}`,
  ];
  return [...lines, ...kept.map(describeKept)].join('\n');
}

function describeKept({ messageId, reason, ...range }: KeptMessage): string {
  const { shardId, startSequenceNumber, endSequenceNumber } = range;
  const where = shardId && ` ${shardId} ${startSequenceNumber} to ${endSequenceNumber}`;
  return `${pc.yellow('kept')} ${messageId}${where ?? ''}: ${reason}`;
}

try {
  const options = program.parse().opts<Options>();
  const report = options.aws ? await redriveAws(options) : await redriveLocally(options.url);
  process.stdout.write(`${describe(report)}\n`);
  // For scripts: something is left that somebody has to look at.
  if (report.kept.length > 0) process.exitCode = 1;
} catch (error) {
  process.stderr.write(`${pc.red('error')} ${(error as Error).message}\n`);
  process.exitCode = 1;
}
