// `npm run chat`: a chat in the terminal, on the SDK and its hooks for React.
import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { render } from 'ink';
import { open } from '../src/client/node.ts';
import { ImProvider } from '../src/client/react/hooks.ts';
import { App } from './app.tsx';
import { Chat } from './chat.ts';
import { leave } from './leave.ts';
import { parseOptions } from './options.ts';
import { oneLine } from './text.ts';
import { tokenOf } from './token.ts';

// A terminal may think a character wider than we do: it is cut at the edge then, and moves no other line.
const NO_WRAP = '\u001b[?7l';
const WRAP = '\u001b[?7h';

function fail(why: string): never {
  process.stderr.write(`${why}\n`);
  process.exit(1);
}

const options = parseOptions(process.argv.slice(2));
if (!process.stdin.isTTY || !process.stdout.isTTY)
  fail('The chat needs a terminal: its input or output is none');

const { data } = options;
const client = await open({
  url: options.url,
  token: tokenOf(options),
  platform: 'desktop',
  // With --data it is made once, and kept there. A device is always one of its user.
  ...(data === undefined ? { deviceId: deviceOfThisMachine() } : { file: data }),
}).catch((error: Error) => fail(`error: ${oneLine(error.message)}`));
if (options.user !== undefined && client.userId !== options.user) {
  const { userId } = client;
  await client.close();
  fail(`error: the ${data === undefined ? 'token is' : 'data are'} ${userId}'s`);
}

const chat = new Chat(client);
client.on('error', ({ error }) => chat.complain(error));
client.start().then(
  () => client.contacts().catch(() => {}),
  // The status line says it.
  () => {},
);

// The terminal may be gone first, as when an SSH connection breaks: what is written is kept all the same.
process.stdout.on('error', () => {});
process.stdout.write(NO_WRAP);
const app = render(
  <ImProvider client={client}>
    <App chat={chat} onQuit={() => app.unmount()} />
  </ImProvider>,
  { exitOnCtrlC: false, alternateScreen: true, incrementalRendering: true, interactive: true },
);
for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => app.unmount());
try {
  await app.waitUntilExit();
} finally {
  process.stdout.write(WRAP);
  const left = await leave(chat, data !== undefined);
  if (left !== undefined) process.stdout.write(`${left}\n`);
}
process.exit(0);

function deviceOfThisMachine(): string {
  return `terminal-${createHash('sha256').update(hostname()).digest('hex').slice(0, 16)}`;
}
