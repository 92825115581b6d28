// `npm run smoke`: tells within a minute whether a deployment does what it is for. Exit code 0: all is well; 1: not.
import { randomBytes } from 'node:crypto';
import { Command, InvalidArgumentError } from 'commander';
import { isWell, rowOf, smoke } from './smoke.ts';
import { tokensByCommand } from './tokens.ts';

const RUN_MS = 50_000;

interface Options {
  readonly url: string;
  readonly tokenCommand: string;
  readonly origin?: string;
  readonly timeout: number;
  readonly json?: true;
}

const { url, tokenCommand, origin, timeout, json } = new Command('npm run smoke --')
  .description('Goes through what users of a deployment do, with three users of its own.')
  .requiredOption('--url <url>', 'where the backend is: wss://HOST/STAGE', parseUrl)
  .requiredOption('--token-command <command>', 'prints a token of the user {user}')
  .option('--origin <origin>', 'the Origin of a page, as a browser would send it')
  .option('--timeout <seconds>', 'how long an answer or a push may take', parseSeconds, 5)
  .option('--json', 'print JSON')
  .allowExcessArguments(false)
  .showHelpAfterError(false)
  .parse()
  .opts<Options>();

function parseUrl(value: string): string {
  if (/^wss?:\/\//i.test(value) && URL.canParse(value)) return value;
  throw new InvalidArgumentError('It is ws://HOST:PORT or wss://HOST/STAGE');
}

function parseSeconds(value: string): number {
  const seconds = Number(value);
  if (seconds > 0 && seconds <= 30) return seconds;
  throw new InvalidArgumentError('It must be a number above 0, up to 30.');
}

const now = () => Date.now();
const startedAt = now();
const tell = json ? undefined : (line: string) => process.stdout.write(`${line}\n`);
tell?.(`${'check'.padEnd(72)}${'ms'.padStart(7)}`);
const outcomes = await smoke(
  {
    url,
    tokenOf: tokensByCommand(tokenCommand),
    origin,
    timeoutMs: timeout * 1000,
    run: randomBytes(5).toString('hex'),
  },
  { now, endsAt: startedAt + RUN_MS },
  tell && ((outcome) => tell(rowOf(outcome))),
);
const well = isWell(outcomes);
const ms = now() - startedAt;
if (json) process.stdout.write(`${JSON.stringify({ ok: well, ms, checks: outcomes }, undefined, 2)}\n`);
else tell?.(well ? `All is well, in ${(ms / 1000).toFixed(1)} s.` : 'Something is wrong.');
process.exitCode = well ? 0 : 1;
