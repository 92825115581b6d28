// What `npm run chat` is told on its command line.
import { Command, InvalidArgumentError } from 'commander';
import { isId } from '../src/protocol/ids.ts';

export interface ChatOptions {
  readonly user?: string;
  readonly url: string;
  readonly token?: string;
  readonly tokenCommand?: string;
  /** File that the local data are kept in; without it, in memory. */
  readonly data?: string;
}

/** What is wrong with them is said in one line, and ends the process. */
export function parseOptions(
  args: readonly string[],
  configure: (program: Command) => void = () => {},
): ChatOptions {
  const program = new Command('npm run chat --')
    .description('A chat in the terminal.')
    .option('--user <user>', 'who you are: asks the local cloud for a token', parseUser)
    .option('--url <url>', 'where the backend is', parseUrl, 'ws://127.0.0.1:4000')
    .option('--token <token>', 'a token of yours, instead of --user')
    .option('--token-command <command>', 'prints a fresh token; asked before each connection')
    .option('--data <file>', 'keep messages in this file (default: in memory)')
    .allowExcessArguments(false)
    .showHelpAfterError(false);
  configure(program);
  const options = program.parse(args, { from: 'user' }).opts<ChatOptions>();
  const { user, token, tokenCommand } = options;
  if (token !== undefined && tokenCommand !== undefined)
    program.error('error: --token and --token-command exclude one another');
  if (user === undefined && token === undefined && tokenCommand === undefined)
    program.error('error: say who you are: --user alice');
  return options;
}

function parseUser(value: string): string {
  if (isId(value)) return value;
  throw new InvalidArgumentError('A user is up to 64 of A-Z a-z 0-9 _ . @ -');
}

function parseUrl(value: string): string {
  if (/^wss?:\/\//i.test(value) && URL.canParse(value)) return value;
  throw new InvalidArgumentError('It is ws://HOST:PORT or wss://HOST/STAGE');
}
