// The programs in examples/ and the lines for a shell in docs/service-api.md, run as they stand against the local cloud.
import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cloud } from '../local/cloud.ts';
import { connect } from './support/client.ts';
import { startCloud } from './support/cloud.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));

let cloud: Cloud;
let folder: string;
beforeAll(async () => {
  cloud = await startCloud();
  folder = await mkdtemp(join(tmpdir(), 'examples-'));
});
afterAll(async () => {
  await cloud?.close();
  await rm(folder, { recursive: true });
});

const example = (name: string, ...given: readonly string[]) =>
  run(process.execPath, ['--import', 'tsx', `examples/${name}.ts`, ...given], {
    cwd: root,
    env: { ...process.env, LOCAL_CLOUD: cloud.httpUrl },
  });

test('P8.43 examples/send.ts sends a system message', async () => {
  const { stdout } = await example('send', 'olaf', 'the office is closed');
  expect(stdout).toBe('stored as number 1 of d:olaf:system\n');
  const olaf = await connect(cloud, 'olaf');
  const { messages } = await olaf.request('history', { conversationId: 'd:olaf:system' });
  expect(messages).toMatchObject([{ from: 'system', body: { text: 'the office is closed' } }]);
});

test('P8.43 examples/import.ts imports conversations in their order, and passes over what is there', async () => {
  const message = (conversationId: string, from: string, n: number) => ({
    conversationId,
    from,
    clientMsgId: `old-message-${n}`,
    type: 'text',
    body: { text: `number ${n}` },
    serverTime: 1e12 + n,
  });
  // From last to first: the times say which came before.
  const lines = Array.from({ length: 60 }, (_, n) => message('d:ida:jon', n % 2 ? 'ida' : 'jon', 60 - n));
  const others = Array.from({ length: 30 }, (_, n) => message('d:ida:kim', 'kim', n + 1));
  const file = join(folder, 'history.jsonl');
  const write = (messages: readonly object[]) =>
    writeFile(file, messages.map((line) => `${JSON.stringify(line)}\n`).join(''));

  await write(lines.slice(20));
  expect((await example('import', file)).stdout).toBe(
    '40 messages of 1 conversations: about 166 write units\n40 imported, 0 were there already, 0 refused\n',
  );
  await write([...lines.slice(20), ...others]);
  expect((await example('import', file)).stdout).toContain('30 imported, 40 were there already, 0 refused');

  const ida = await connect(cloud, 'ida');
  const { messages } = await ida.request('history', { conversationId: 'd:ida:jon', after: 0, limit: 100 });
  expect((messages as { body: { text: string } }[]).map(({ body }) => body.text)).toEqual(
    Array.from({ length: 40 }, (_, n) => `number ${n + 1}`),
  );
});

test('P8.43 examples/import.ts tells what is refused, and goes on', async () => {
  const file = join(folder, 'refused.jsonl');
  const body = {
    from: 'lea',
    clientMsgId: 'old-message-1',
    type: 'text',
    body: { text: 'x' },
    serverTime: 1e12,
  };
  const messages = ['d:max:noa', 'd:lea:max'].map((conversationId) => ({ conversationId, ...body }));
  await writeFile(file, messages.map((line) => JSON.stringify(line)).join('\n'));
  const outcome = await example('import', file).catch((error: unknown) => error);
  expect(outcome).toMatchObject({ code: 1 });
  expect(outcome).toHaveProperty('stderr', expect.stringMatching(/^d:max:noa old-message-1: not_member/));
  expect(outcome).toHaveProperty(
    'stdout',
    expect.stringContaining('1 imported, 0 were there already, 1 refused'),
  );
});

const curlSigns = (() => {
  try {
    return execFileSync('curl', ['--help', 'all'], { encoding: 'utf8' }).includes('--aws-sigv4');
  } catch {
    return false;
  }
})();

test.skipIf(!curlSigns)(
  'P8.43 the lines for curl do what docs/service-api.md says (curl with --aws-sigv4)',
  async () => {
    const page = await readFile(`${root}docs/service-api.md`, 'utf8');
    const [lines = ''] = /^ {4}access=[^]*?(?=\n\n)/m.exec(page) ?? [];
    const here = lines.replaceAll('http://127.0.0.1:4000', cloud.httpUrl);
    expect(here).toContain('--aws-sigv4');
    const { stdout } = await run('bash', ['-euc', here]);
    expect(stdout).toBe('{"created":["bob"],"existing":[]}');
  },
);
