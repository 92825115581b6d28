// `npm start`: builds the functions, synthesizes the template and runs it until Ctrl-C.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import pc from 'picocolors';
import { buildFunctions } from '../scripts/build.ts';
import { startCloud, type Cloud } from './cloud.ts';
import { defaultGatewayLimits } from './gateway/limits.ts';
import { createThrottling } from './gateway/throttling.ts';
import type { LogFormat } from './log.ts';
import { synthesize } from './template/synthesize.ts';

interface Options {
  port: number;
  db: string;
  data?: string;
  context: Record<string, string>;
  accountConcurrency?: number;
  stageThrottling?: true;
  idleMs: number;
  lifetimeMs: number;
  quiet?: true;
  json?: true;
}

const program = new Command('npm start --')
  .description('Runs the whole backend on this machine, on the template that deploys.')
  .option('--port <port>', 'where clients connect; 0 takes any free port', parsePort, 4000)
  .option(
    '--db <engine>',
    'dynoxide, dynamodb-local, or the URL of a DynamoDB that runs already',
    parseDb,
    'dynoxide',
  )
  .option('--data <directory>', 'keep data in this directory (default: until it ends)')
  .option(
    '-c, --context <key=value>',
    'configuration as for cdk deploy, e.g. allowedOrigins=http://localhost:5173; may be repeated',
    parseContext,
    {},
  )
  .option(
    '--account-concurrency <n>',
    'events that all functions together may be busy with; further ones are throttled (default: no limit)',
    parseCount,
  )
  .option('--stage-throttling', "let the template's stage throttle its routes")
  .option(
    '--idle-ms <ms>',
    'when an idle connection is closed',
    parseCount,
    defaultGatewayLimits.idleTimeoutMs,
  )
  .option('--lifetime-ms <ms>', 'when any connection is closed', parseCount, defaultGatewayLimits.lifetimeMs)
  .option('--quiet', 'print the ready line and errors only')
  .option('--json', 'log in JSON, a line per event')
  .showHelpAfterError(false);

function parsePort(value: string): number {
  const port = Number(value);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new InvalidArgumentError('It must be a number from 0 to 65535.');
}

/** A timer of Node's holds no more than this. */
const maximumCount = 2 ** 31 - 1;

function parseCount(value: string): number {
  const count = Number(value);
  if (/^\d+$/.test(value) && count >= 1 && count <= maximumCount) return count;
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${maximumCount}.`);
}

function parseDb(value: string): string {
  if (['dynoxide', 'dynamodb-local'].includes(value) || /^https?:\/\//.test(value)) return value;
  throw new InvalidArgumentError('It must be dynoxide, dynamodb-local or an http:// URL.');
}

function parseContext(value: string, previous: Record<string, string>): Record<string, string> {
  const [, key, text] = /^([^=]+)=(.*)$/s.exec(value) ?? [];
  if (key === undefined || text === undefined) throw new InvalidArgumentError('It must be key=value.');
  return { ...previous, [key]: text };
}

function logFormatOf({ quiet, json }: Options): LogFormat {
  if (quiet) return 'quiet';
  return json ? 'json' : 'pretty';
}

async function run(options: Options): Promise<void> {
  const stop = stopSignal();
  const outDirectory = await mkdtemp(join(tmpdir(), 'serverless-im-'));
  try {
    await buildFunctions();
    const templatePath = await synthesize({ outDirectory, context: options.context });
    const log = logFormatOf(options);
    const cloud = await startCloud({
      templatePath,
      port: options.port,
      db: options.db,
      dataDirectory: options.data,
      gatewayLimits: { idleTimeoutMs: options.idleMs, lifetimeMs: options.lifetimeMs },
      accountConcurrency: options.accountConcurrency,
      ...(options.stageThrottling && { throttling: createThrottling() }),
      log,
    });
    try {
      announce(cloud, log);
      await stop;
    } finally {
      await cloud.close();
    }
  } finally {
    await rm(outDirectory, { recursive: true, force: true });
  }
}

/** Resolves at the first Ctrl-C or SIGTERM. Asked for before anything starts, so that it ends an early start, too. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}

function announce({ url, httpUrl }: Cloud, log: LogFormat): void {
  process.stdout.write(`ready ${url} (developer endpoints: ${httpUrl}/dev/health)\n`);
  if (log !== 'pretty') return;
  const token = `$(curl -s "${httpUrl}/dev/token?user=alice" | cut -d'"' -f4)`;
  process.stdout.write(
    [
      '',
      `  A token      ${pc.cyan(`curl "${httpUrl}/dev/token?user=alice"`)}`,
      `  A client     ${pc.cyan(`npx wscat -c "${url}?deviceId=phone&platform=ios" -s im.v1 -s "bearer.${token}"`)}`,
      `  Its frames   ${pc.cyan('{"action":"ping","id":"1"}')}`,
      `  The chat     ${pc.cyan(`${httpUrl}/chat/`)}, in two windows under two names`,
      `  The page     ${pc.cyan(`${httpUrl}/dev/`)}`,
      `  The meters   ${pc.cyan(`curl "${httpUrl}/dev/metrics"`)}`,
      '  Ctrl-C ends it.',
      '',
      '',
    ].join('\n'),
  );
}

try {
  await run(program.parse().opts<Options>());
} catch (error) {
  const { code, message } = error as NodeJS.ErrnoException;
  const text = code === 'EADDRINUSE' ? `${message}: take another port with --port, or 0 for any` : message;
  process.stderr.write(`${pc.red('error')} ${text}\n`);
  process.exitCode = 1;
}
