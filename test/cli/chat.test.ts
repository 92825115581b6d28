// The terminal chat as its users meet it: in a real terminal, against the local cloud.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { widthOf } from '../../cli/text.ts';
import type { Cloud } from '../../local/cloud.ts';
import { connect } from '../support/client.ts';
import { startCloud } from '../support/cloud.ts';
import { closeWhenSettled, Devices, newUser, range } from '../client/devices.ts';
import { Terminals, type Size, type Terminal } from './terminal.ts';

let cloud: Cloud;
let devices: Devices;
let directory: string;
const terminals = new Terminals();
beforeAll(async () => {
  cloud = await startCloud();
  devices = new Devices(cloud);
  directory = await mkdtemp(join(tmpdir(), 'chat-'));
});
afterAll(async () => {
  await terminals.close();
  await devices.close();
  await closeWhenSettled(cloud);
  await rm(directory, { recursive: true, force: true });
});

const url = () => `ws://127.0.0.1:${cloud.port}`;

interface ChatOptions {
  readonly data?: string;
  readonly size?: Size;
}

async function chat(user: string, { data, size }: ChatOptions = {}): Promise<Terminal> {
  const kept = data === undefined ? [] : ['--data', join(directory, data)];
  const terminal = await terminals.open(['--user', user, '--url', url(), ...kept], size);
  await terminal.shows(`${user} · connected`);
  return terminal;
}

describe('alice and bob, each in a terminal of 80×24', () => {
  test('talk with one another, and see what is unread, read, edited, answered and taken back', async () => {
    const [alice, bob] = [newUser('alice'), newUser('bob')];
    const [a, b] = [await chat(alice), await chat(bob)];

    await a.say(`/to ${bob}`);
    await a.shows('write the first message');
    await a.say('hello 你好 👩‍🚀');
    await a.shows(/you: hello 你好 .*✓/);
    await a.say('are you there?');

    await b.shows('2 unread');
    await b.shows(new RegExp(`^${alice} +2 │`, 'm'));
    await b.press('Tab');
    await b.shows(`${alice}: are you there?`);
    await b.showsNoMore('unread');
    await a.shows(/you: are you there\? ✓✓/);

    await b.say('/reply yes, I am');
    await b.shows(/> .*: are you there\?/);
    await b.say('/react 👍');
    await b.shows('👍 1*');
    await a.shows(`${bob}: yes, I am`);
    await a.shows('👍 1');

    await b.type('so');
    await a.shows(`${bob} typing…`);
    await b.press('C-u', 'Up');
    await b.shows('edit> yes, I am');
    await b.say(' here');
    await a.shows('yes, I am here (edited)');

    await a.say('//slash');
    await b.shows(`${alice}: /slash`);
    await a.say('/recall');
    await b.shows(`${alice} took back a message`);

    await a.say('/search THERE');
    await a.shows('1 found: THERE');
    await a.press('Escape');
    await a.showsNoMore('1 found');
    await a.say('/nonsense');
    await a.shows('/nonsense is not known');

    for (const terminal of [a, b]) {
      await terminal.press('C-c');
      // The terminal is as it was before.
      expect(await terminal.shows('ended with 0')).not.toContain('│');
    }
  });

  test('make a group, and read what was said there before, scrolling', async () => {
    const [alice, bob] = [newUser('alice'), newUser('bob')];
    const [a, b] = [await chat(alice), await chat(bob)];
    await a.say(`/group "Lunch 🍕" ${bob}`);
    await a.shows('Lunch 🍕 · 2 members');
    for (let line = 1; line <= 30; line += 1) await a.say(`line ${line}.`);
    await b.shows(/^#Lunch 🍕 +30 │/m);
    await b.press('C-n');
    await b.shows('line 30.');
    expect(await b.screen()).not.toContain('line 2.');
    await b.press('PPage');
    await b.shows('line 2.');
    await b.shows('↓ PgDn');
    // What is looked at stays, whatever comes.
    await a.say('one more');
    await b.shows(/^#Lunch 🍕 +1 │/m);
    expect(await b.screen()).toContain('line 2.');
    await b.press('NPage');
    await b.shows('one more');
    await b.showsNoMore('unread');
  });

  test('paste lines as one message, and write it with keys that move', async () => {
    const [alice, bob] = [newUser('alice'), newUser('bob')];
    const [a, b] = [await chat(alice), await chat(bob)];
    await a.say(`/to ${bob}`);
    await a.shows('write the first message');
    await a.paste('one\ntwo');
    await a.shows('> one⏎two');
    await a.press('Home');
    await a.type('0');
    await a.press('End', 'BSpace', 'Enter');
    await b.shows('1 unread');
    await b.press('Tab');
    const screen = await b.shows(/0one/);
    expect(screen).toMatch(/0one\n.*│ {7}tw\n/);
  });
});

test('where the same user chats elsewhere, this one says so, and r takes it back', async () => {
  const alice = newUser('alice');
  const first = await chat(alice);
  const second = await chat(alice, { data: 'second' });
  await first.shows('r: use here');
  await first.press('r');
  await first.shows(`${alice} · connected`);
  await second.shows('r: use here');
  // It is said, not typed.
  expect((await first.screen()).trimEnd()).toMatch(/>$/);
});

test('who quits and comes back with --data finds what was said, and a draft', async () => {
  const [alice, bob] = [newUser('alice'), newUser('bob')];
  const b = await chat(bob);
  const a = await chat(alice, { data: 'alice' });
  await a.say(`/to ${bob}`);
  await a.shows('write the first message');
  await a.say('remember this');
  await a.shows(/remember this ✓/);
  await a.type('not finis');
  // Sent with the last breath.
  await a.press('C-u');
  await a.type('the last word');
  await a.press('Enter');
  await a.type('half a');
  await a.press('C-c');
  await a.shows('ended with 0');

  await b.shows('2 unread');
  await b.press('Tab');
  await b.say('I do');
  await b.shows(/I do ✓/);
  const again = await chat(alice, { data: 'alice' });
  await again.shows(new RegExp(`^${bob} +1 │`, 'm'));
  await again.press('Tab');
  const screen = await again.shows(`${bob}: I do`);
  expect(screen).toContain('you: remember this ✓✓');
  expect(screen).toContain('you: the last word ✓✓');
  expect(screen).toContain('> half a');
});

test('nothing that others write steers the terminal, or moves a line', async () => {
  const [alice, mallory] = [newUser('alice'), newUser('mallory')];
  const a = await chat(alice);
  const m = await connect(cloud, mallory);
  const evil = '\u001b[2J\u001b[H\u001b]0;pwned\u0007\u009b31m\u001b[?1049l';
  await m.request('profile', { name: `👩‍🚀${evil}` });
  const send = (clientMsgId: string, text: string) =>
    m.request('send', { to: `user:${alice}`, clientMsgId, type: 'text', body: { text } });
  await send('evil-message', `${evil}all yours`);
  await send('colour-message', '\u001b[41mcoloured \u001b]8;;https://evil.example\u001b\\link');
  await send('wide-message', '👨‍👩‍👧‍👦❤️🇩🇪 你好 '.repeat(12));
  await send('last-message', 'the end');
  await a.shows(/ 4 │/);
  await a.press('Tab');
  const screen = await a.shows('the end');
  expect(screen).toContain('all yours');
  expect(screen).toContain('[41mcoloured');
  const raw = await a.rawScreen();
  expect(raw).not.toContain('\u001b[41m');
  expect(raw).not.toContain('\u001b]8');
  const lines = screen.split('\n');
  // Each line begins with the list and its border, the last two are where they belong.
  for (const line of lines.slice(0, 22)) expect(widthOf(line.slice(0, line.indexOf('│')))).toBe(22);
  expect(lines[22]).toContain(`${alice} · connected`);
  expect(lines[23]).toMatch(/^>/);
  await m.close();
});

test('who scrolls up is shown all there is', async () => {
  const [alice, bob] = [newUser('alice'), newUser('bob')];
  const a = await chat(alice);
  const b = await devices.connect({ userId: bob });
  const sending = range(70).map((n) => b.im.send(`user:${alice}`, `old ${n}.`));
  await Promise.all(sending.map(({ sent }) => sent));
  await a.shows(/ 70 │/);
  await a.press('Tab');
  expect(await a.shows('old 70.')).not.toContain('old 20.');
  const further = async () => {
    await a.press('PPage');
    return a.screen();
  };
  await expect.poll(further, { timeout: 30_000, interval: 100 }).toContain('old 1.');
});

test('a narrow terminal shows the list or the conversation, also one that becomes narrow', async () => {
  const [alice, bob] = [newUser('alice'), newUser('bob')];
  const b = await connect(cloud, bob);
  const a = await chat(alice, { size: { columns: 40, rows: 12 } });
  await b.request('send', {
    to: `user:${alice}`,
    clientMsgId: 'narrow-one',
    type: 'text',
    body: { text: 'hi' },
  });
  await a.shows(new RegExp(`^${bob} +1$`, 'm'));
  await a.press('Tab');
  const one = await a.shows(`${bob}: hi`);
  expect(one).not.toContain('│');
  await a.press('Escape');
  await a.showsNoMore(': hi');
  await a.press('Tab');
  await a.resize({ columns: 100, rows: 30 });
  const both = await a.shows('│');
  expect(Math.max(...both.split('\n').map(widthOf))).toBeLessThanOrEqual(100);
  await b.close();
});

test('while nothing answers, it says so, and goes on by itself', async () => {
  const [alice, bob] = [newUser('alice'), newUser('bob')];
  // A user exists from the first connection on.
  await (await connect(cloud, bob)).close();
  const closed = await terminals.open(['--user', alice, '--url', 'ws://127.0.0.1:9']);
  await closed.shows('no local cloud answers at http://127.0.0.1:9');
  await closed.shows('ended with 1');

  const a = await chat(alice, { data: 'offline' });
  await a.press('C-c');
  await a.shows('ended with 0');
  const offline = await terminals.open([
    '--user',
    alice,
    '--url',
    'ws://127.0.0.1:9',
    '--data',
    join(directory, 'offline'),
  ]);
  await offline.shows('offline: no local cloud answers');
  await offline.say(`/to ${bob}`);
  await offline.say('later');
  await offline.shows('you: later ◷');
  // Between one try to connect and the next.
  expect(await offline.shows('offline')).toContain('you: later ◷');
  await offline.press('C-c');
  await offline.shows('1 not sent: they go out when the chat is started again');
  const back = await chat(alice, { data: 'offline' });
  await back.press('Tab');
  await back.shows('you: later ✓');
  await (await chat(bob)).shows('1 unread');
});

describe('what is wrong with the options is said in one line', () => {
  const said = (...args: readonly string[]) =>
    new Promise<{ code: number; line: string }>((resolve) => {
      const child = execFile(
        process.execPath,
        ['--import', 'tsx', 'cli/main.tsx', ...args],
        (_, __, stderr) => resolve({ code: child.exitCode ?? 0, line: stderr }),
      );
    });

  test.each([
    [[], /say who you are/],
    [['--user', 'a b'], /'a b' is invalid/],
    [['--user', 'a', '--url', 'http://x'], /'http:\/\/x' is invalid/],
    [['--user', 'a', '--token', 'x', '--token-command', 'y'], /exclude one another/],
    [['--user', 'a', '--port', '1'], /unknown option '--port'/],
    // Neither its input nor its output is a terminal here.
    [['--user', 'alice'], /needs a terminal/],
  ] as const)('%j', async (args, expected) => {
    const { code, line } = await said(...args);
    expect(line).toMatch(expected);
    expect(line.trimEnd()).not.toContain('\n');
    expect(code).toBe(1);
  });
});
