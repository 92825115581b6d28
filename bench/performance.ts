// `npm run bench`: how fast the local cloud is, beside what the same machine could do at most, and what a message costs beside
// the chat that most people start from.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { startCloud, type Cloud } from '../local/cloud.ts';
import { synthesize } from '../local/template/synthesize.ts';
import { buildFunctions } from '../scripts/build.ts';
import { parseSettings } from '../src/core/settings.ts';
import { meterDirectMessages } from './direct-messages.ts';
import { meterGroupMessages, usdPerMillion, type MessageCost } from './group-messages.ts';
import { measureConnections } from './memory.ts';
import { meterScanChat } from './scan-cost.ts';
import { measureThroughput, timeResume, timeSends } from './speed.ts';

interface Options {
  connections: number[];
  seconds: number;
  sends: number;
  absent: number;
  lambdaMs: number;
  db: string;
  json?: true;
}

const whole = (value: string): number => {
  const number = Number(value);
  if (Number.isInteger(number) && number > 0) return number;
  throw new InvalidArgumentError('It must be a whole number from 1.');
};

const program = new Command('npm run bench --')
  .description(
    'Times the local cloud on this machine, and meters it beside a chat that scans its connections.',
  )
  .option(
    '--connections <counts>',
    'how many there are, with commas between',
    (value) => value.split(',').map(whole),
    [10, 100, 1_000],
  )
  .option('--seconds <count>', 'how long each throughput is measured', whole, 10)
  .option('--sends <count>', 'how many are timed', whole, 300)
  .option('--absent <count>', 'messages that wait for a device that was away', whole, 1_000)
  .option('--lambda-ms <ms>', 'what an invocation is taken to last on Lambda', whole, 15)
  .option('--db <engine>', 'as for npm start', 'dynoxide')
  .option('--json', 'print a line of JSON for each figure')
  .showHelpAfterError(false);

const WRITE_FANOUT_LIMIT = parseSettings({}).writeFanoutLimit;
const SETTINGS = { conversationsPerMinute: 10_000, sendsPerSecond: 1_000, headsIntervalMs: 1_000 };

type Figure = Readonly<Record<string, number | string>>;

async function costOfOne(cloud: Cloud): Promise<MessageCost> {
  const messages = 64;
  const scenario = { messages, devices: 1, away: 0, size: 89, acknowledgeEvery: 32, quiet: false };
  const { dynamodb, gateway, lambda } = await meterDirectMessages(cloud, scenario);
  const invocations = Object.values(lambda).reduce((sum, { invocations: count }) => sum + count, 0);
  return {
    writeUnits: dynamodb.writeUnits / messages,
    readUnits: dynamodb.readUnits / messages,
    requests: dynamodb.requests / messages,
    // The message and its answer are counted apart.
    frames: (gateway.messagesIn + gateway.messagesOut) / messages - 2,
    invocations: invocations / messages,
  };
}

const costFigure = (figure: string, connections: number, cost: MessageCost, usd: number): Figure => ({
  figure,
  connections,
  ...cost,
  usdPerMillion: usd,
});

async function* run(options: Options): AsyncGenerator<Figure> {
  const { connections, seconds, sends, absent, lambdaMs, db } = options;
  const outDirectory = await mkdtemp(join(tmpdir(), 'serverless-im-'));
  try {
    const started = performance.now();
    await buildFunctions();
    const built = performance.now();
    const templatePath = await synthesize({ outDirectory });
    const synthesized = performance.now();
    const begin = (settings: object = {}) => {
      const environment = { IM_SETTINGS: JSON.stringify({ ...SETTINGS, ...settings }) };
      return startCloud({ templatePath, port: 0, db, log: 'quiet', environment });
    };
    let cloud = await begin();
    try {
      yield {
        figure: 'start-up',
        buildMs: built - started,
        synthMs: synthesized - built,
        cloudMs: performance.now() - synthesized,
      };
      yield { figure: 'send', ...(await timeSends(cloud, sends)) };
      yield { figure: 'resume', ...(await timeResume(cloud, absent)) };
      const ours = await costOfOne(cloud);
      for (const count of connections) {
        const scan = await meterScanChat(cloud.dynamoDbEndpoint, count);
        yield costFigure('scan: a message', count, scan, usdPerMillion(scan, lambdaMs, 1));
        yield costFigure('ours: to one', count, ours, usdPerMillion(ours, lambdaMs));
      }
    } finally {
      await cloud.close();
    }
    for (const count of connections) {
      const mode = count > WRITE_FANOUT_LIMIT ? 'read' : 'write';
      // Which of the two it is is a matter of configuration; a group is made small, and grows in the tables.
      cloud = await begin({ writeFanoutLimit: mode === 'read' ? 1 : WRITE_FANOUT_LIMIT });
      try {
        const scenario = { members: count, mode, alone: 16, burst: 20, online: 1, looking: 1 } as const;
        const { alone } = await meterGroupMessages(cloud, scenario);
        yield costFigure(`ours: to all (${mode})`, count, alone, usdPerMillion(alone, lambdaMs));
      } finally {
        await cloud.close();
      }
    }
    for (const count of connections) {
      cloud = await begin();
      try {
        yield { figure: 'throughput', ...(await measureThroughput(cloud, count, seconds)) };
      } finally {
        await cloud.close();
      }
    }
    cloud = await begin();
    try {
      yield { figure: 'memory', ...(await measureConnections(cloud, Math.max(...connections))) };
    } finally {
      await cloud.close();
    }
  } finally {
    await rm(outDirectory, { recursive: true, force: true });
  }
}

const shown = (value: number | string) =>
  typeof value === 'number' ? value.toFixed(Number.isInteger(value) ? 0 : 2) : value;

try {
  const options = program.parse().opts<Options>();
  for await (const { figure, ...values } of run(options)) {
    const cells = Object.entries(values).map(([name, value]) => `${name} ${shown(value)}`);
    console.log(
      options.json
        ? JSON.stringify({ figure, ...values })
        : `${String(figure).padEnd(24)}${cells.join('  ')}`,
    );
  }
} catch (error) {
  process.stderr.write(`error ${(error as Error).message}\n`);
  process.exitCode = 1;
}
