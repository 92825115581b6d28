// The examples of docs/client.md, run as they stand against the local cloud: they print what the page says.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { transform } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { startCloud } from '../support/cloud.ts';
import { closeWhenSettled } from './devices.ts';

const docs = fileURLToPath(new URL('../../docs/', import.meta.url));
const run = promisify(execFile);
/** As a file in docs/ that `node --import tsx` runs. */
const evaluate = ['--import', 'tsx', '--input-type=module', '--eval'];
const page = readFileSync(`${docs}client.md`, 'utf8');
/** A program, and right after it what it prints. */
const examples = [...page.matchAll(/```ts\n([^]*?)```\n\n```text\n([^]*?)```/g)].map(
  ([, code = '', output = '']) => ({
    code,
    output,
  }),
);

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(() => closeWhenSettled(cloud));

describe('docs/client.md', () => {
  test('each example says what it prints', () => {
    expect(examples).toHaveLength(page.match(/^```ts$/gm)!.length);
  });

  test.each(examples)('prints $output', async ({ code, output }) => {
    const here = code.replaceAll('127.0.0.1:4000', `127.0.0.1:${cloud.port}`);
    const { code: program } = await transform(here, { loader: 'ts' });
    const { stdout } = await run(process.execPath, [...evaluate, program], { cwd: docs });
    expect(stdout).toBe(output);
  });
});
