// `npm run cost`: what a million direct messages cost, by the meters of a run on the local cloud.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import pc from 'picocolors';
import { startCloud } from '../local/cloud.ts';
import type { MeteringSnapshot } from '../local/metering.ts';
import { synthesize } from '../local/template/synthesize.ts';
import { buildFunctions } from '../scripts/build.ts';
import { billOf, usageOf, type Bill, type Usage } from './bill.ts';
import { maximumDevices, meterDirectMessages, type Scenario } from './direct-messages.ts';
import { prices } from './prices.ts';

interface Options {
  messages: number;
  devices: number;
  size: number;
  away: number;
  ackEvery: number;
  quiet?: boolean;
  lambdaMs: number;
  db: string;
  json?: true;
}

const program = new Command('npm run cost --')
  .description(
    'What a million direct messages cost: meters a run on the local cloud, and multiplies by prices.',
  )
  .option('--messages <count>', 'messages to send', wholeFrom(1, 100_000), 500)
  .option('--devices <count>', 'devices of each of the two users', wholeFrom(1, maximumDevices), 2)
  .option('--size <characters>', 'length of each text', wholeFrom(1, 16_000), 100)
  .option('--away <count>', 'devices of each user that are away', wholeFrom(0, maximumDevices - 1), 0)
  .option('--ack-every <events>', 'events after which a device acknowledges', wholeFrom(1, 100_000), 32)
  .option('--quiet', 'each message is answered after 5 s, and carries the acknowledgement of the one before')
  .option('--lambda-ms <ms>', 'what an invocation is taken to last on Lambda', wholeFrom(1, 900_000), 15)
  .option('--db <engine>', 'as for npm start', 'dynoxide')
  .option('--json', 'print JSON')
  .showHelpAfterError(false);

function wholeFrom(least: number, most: number): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (Number.isInteger(number) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}

interface Result {
  readonly scenario: Scenario;
  readonly lambdaMs: number;
  /** Mean over all invocations, on this machine. */
  readonly measuredLambdaMs: number;
  readonly usage: Usage;
  readonly bill: Bill;
}

async function run({ db, lambdaMs, ackEvery, quiet = false, ...users }: Options): Promise<Result> {
  const { messages, devices, size, away } = users;
  if (away >= devices) throw new Error('--away must be less than --devices: somebody has to send');
  const scenario: Scenario = { messages, devices, size, away, acknowledgeEvery: ackEvery, quiet };
  const outDirectory = await mkdtemp(join(tmpdir(), 'serverless-im-'));
  try {
    await buildFunctions();
    const templatePath = await synthesize({ outDirectory });
    const cloud = await startCloud({ templatePath, port: 0, db });
    try {
      const metrics = await meterDirectMessages(cloud, scenario);
      const usage = usageOf(metrics, cloud.model.functions, messages, lambdaMs);
      const measuredLambdaMs = meanDurationMs(metrics);
      return { scenario, lambdaMs, measuredLambdaMs, usage, bill: billOf(usage, prices) };
    } finally {
      await cloud.close();
    }
  } finally {
    await rm(outDirectory, { recursive: true, force: true });
  }
}

function meanDurationMs({ lambda }: MeteringSnapshot): number {
  const all = Object.values(lambda);
  const invocations = all.reduce((total, usage) => total + usage.invocations, 0);
  const durationMs = all.reduce((total, usage) => total + usage.durationMs, 0);
  return invocations === 0 ? 0 : durationMs / invocations;
}

function report({ scenario, lambdaMs, measuredLambdaMs, bill }: Result): string {
  const { messages, devices, size, away, acknowledgeEvery, quiet } = scenario;
  const rows = bill.lines.map(({ item, perMessage, usdPerMillionMessages, share }) =>
    tableRow(item, perMessage.toFixed(4), usdPerMillionMessages.toFixed(3), `${(share * 100).toFixed(1)} %`),
  );
  const monthOnline = 30 * 24 * 60 * prices.connectionMinute.usd;
  return [
    `${messages} direct messages of ${size} characters between two users with ${devices} devices each` +
      `${away > 0 ? `, ${away} of them away` : ''}; ` +
      (quiet
        ? 'each is answered after 5 s, with its acknowledgement.'
        : `an ack every ${acknowledgeEvery} events.`),
    '',
    pc.dim(tableRow('', 'per message', 'USD per million', 'share')),
    ...rows,
    pc.bold(tableRow('Total', '', bill.usdPerMillionMessages.toFixed(2), '')),
    '',
    `Lambda: ${lambdaMs} ms for an invocation is an assumption (--lambda-ms). The ${measuredLambdaMs.toFixed(0)} ms that it took here are`,
    "this machine's, not Lambda's.",
    `Connections: as long as this run took. A device that is online for a whole month costs $${monthOnline.toFixed(4)} more.`,
    'Prices: us-east-1, no free tier, no volume discount (bench/prices.ts). What is not in it: bench/README.md.',
    '',
  ].join('\n');
}

function tableRow(item: string, perMessage: string, usd: string, share: string): string {
  return `${item.padEnd(22)}${perMessage.padStart(12)}${usd.padStart(18)}${share.padStart(10)}`;
}

try {
  const options = program.parse().opts<Options>();
  const result = await run(options);
  process.stdout.write(options.json ? `${JSON.stringify(result, undefined, 2)}\n` : report(result));
} catch (error) {
  process.stderr.write(`${pc.red('error')} ${(error as Error).message}\n`);
  process.exitCode = 1;
}
