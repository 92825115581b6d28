// The README's programs, run as they stand against the local cloud.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { transform } from 'esbuild';
import { expect, test } from 'vitest';
import { startCloud } from './support/cloud.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(`${root}README.md`, 'utf8');
const run = promisify(execFile);

test('the SDK in ten lines prints what the README says', async () => {
  const [, program = ''] = /```ts\n([^]*?)```/.exec(readme) ?? [];
  const [, printed] = /it prints\n`(.+?)`/.exec(readme) ?? [];
  const cloud = await startCloud();
  try {
    const here = program.replaceAll('127.0.0.1:4000', `127.0.0.1:${cloud.port}`);
    const { code } = await transform(here, { loader: 'ts' });
    const { stdout } = await run(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '--eval', code],
      {
        cwd: root,
      },
    );
    expect(stdout.trim()).toBe(printed);
  } finally {
    await cloud.close();
  }
});

test('every script that the README names is there', () => {
  const { scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
    scripts: Record<string, string>;
  };
  const named = [...readme.matchAll(/npm (?:run )?(start|test|[a-z]+:[a-z-]+|(?<=run )[a-z]+)/g)].map(
    ([, name]) => name!,
  );
  expect(named.length).toBeGreaterThan(5);
  for (const name of named) expect(scripts, name).toHaveProperty([name]);
});
