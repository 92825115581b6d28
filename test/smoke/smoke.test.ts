// `npm run smoke` on the local cloud: all is well there; and what is broken is named.
import { execFile } from 'node:child_process';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import type { Outcome } from '../../scripts/smoke/run.ts';
import { smoke } from '../../scripts/smoke/smoke.ts';
import { scan, startCloud } from '../support/cloud.ts';

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterEach(() => cloud.clearFaults());
afterAll(() => cloud.close());

let runs = 0;
async function run(options: Partial<Parameters<typeof smoke>[0]> = {}, endsInMs = 100_000) {
  runs += 1;
  return smoke(
    {
      url: `${cloud.url}/dev`,
      tokenOf: (userId) => cloud.issueToken(userId),
      timeoutMs: 15_000,
      run: `test${runs}`,
      ...options,
    },
    { now: () => Date.now(), endsAt: Date.now() + endsInMs },
  );
}

const notOk = (outcomes: readonly Outcome[]) => outcomes.filter(({ outcome }) => outcome !== 'ok');
const failures = (outcomes: readonly Outcome[]) =>
  outcomes.filter(({ outcome }) => outcome === 'failed').map(({ check, why }) => `${check} – ${why}`);

/** As DevOps run it. */
async function command(tokenCommand: string): Promise<{ code: number; output: string }> {
  const url = `${cloud.url}/dev`;
  const args = ['--import', 'tsx', 'scripts/smoke/main.ts', '--url', url, '--token-command', tokenCommand];
  return new Promise((resolve) => {
    execFile(process.execPath, [...args, '--timeout', '15', '--json'], (error, stdout) =>
      resolve({ code: error ? Number(error.code) : 0, output: stdout }),
    );
  });
}

const askTokens = () => {
  const address = `${cloud.url.replace(/^ws/, 'http')}/dev/token?user=`;
  const program = `fetch('${address}'+process.argv[1]).then(r=>r.json()).then(b=>console.log(b.token))`;
  return `"${process.execPath}" -e "${program}"`;
};

test('the command says that all is well, and leaves no group', async () => {
  const { code, output } = await command(`${askTokens()} {user}`);
  const result = JSON.parse(output) as { ok: boolean; checks: Outcome[] };
  expect(notOk(result.checks)).toEqual([]);
  expect(result).toMatchObject({ ok: true });
  expect(result.checks.length).toBeGreaterThan(10);
  expect(code).toBe(0);
  const groups = (await scan(cloud, 'Conversations')).filter(
    ({ conversationId, item }) => String(conversationId).startsWith('g:') && item === 'HEAD',
  );
  expect(groups).toEqual([expect.objectContaining({ dismissedSeq: expect.any(Number) as number })]);
});

test('pushes that are lost fail by name, and nothing else does that stands without them', async () => {
  cloud.setFaults({ seed: 1, gateway: { dropPush: 1 } });
  const outcomes = await run({ timeoutMs: 4_000 });
  expect(failures(outcomes)).toEqual([
    'push: the other user is told at once – no push of the message in 4000 ms',
    'kick: another device of the platform takes over, and the older one is told – no push "kicked" in 4000 ms',
  ]);
});

test('a token that is not taken says so, and nothing else is tried', async () => {
  const forged = async (userId: string) => (await cloud.issueToken(userId)).replace(/\.[^.]+$/, '.AAAA');
  const outcomes = await run({ tokenOf: forged });
  expect(failures(outcomes)).toEqual([expect.stringMatching(/^connect: .* refused with 401: the token/)]);
  expect(outcomes.slice(2).every(({ outcome }) => outcome === 'not tried')).toBe(true);
});

test('a token of somebody else, or none, says so', async () => {
  const [ofAnother] = failures(await run({ tokenOf: () => cloud.issueToken('mallory') }));
  expect(ofAnother).toMatch(/^token: .* of another user than smoke-test\d+-a$/);
  const { code, output } = await command('node -e "console.error(\'no such key\'); process.exit(3)"');
  expect(output).toContain('the token command ended with 3: no such key');
  expect(code).toBe(1);
});

test('an origin that is not allowed says so', async () => {
  const outcomes = await run({ origin: 'https://evil.example' });
  expect(failures(outcomes)).toEqual([expect.stringContaining('refused with 403')]);
});

test('ends in time', async () => {
  const outcomes = await run({ tokenOf: () => new Promise(() => {}) }, 200);
  expect(outcomes[0]).toMatchObject({ outcome: 'failed', why: 'out of time' });
});
