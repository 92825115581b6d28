// `npm start` as a user meets it: a process that says when it is ready, and ends with all that it started.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, inject, it } from 'vitest';

let child: ChildProcess | undefined;
afterEach(() => {
  child?.kill('SIGKILL');
});

function start(...options: string[]): ChildProcess {
  child = spawn(process.execPath, ['--import', 'tsx', 'local/main.ts', ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return child;
}

async function readAll(stream: NodeJS.ReadableStream | null): Promise<string> {
  let text = '';
  for await (const chunk of stream!) text += String(chunk);
  return text;
}

it.each(['SIGINT', 'SIGTERM'] as const)('runs until %s, then ends with exit code 0', async (signal) => {
  const started = start('--port', '0', '--quiet');
  const [line] = (await once(createInterface(started.stdout!), 'line')) as [string];
  const [, port] = /^ready ws:\/\/127\.0\.0\.1:(\d+) /.exec(line) ?? expect.fail(line);
  const health = `http://127.0.0.1:${port}/dev/health`;
  expect(await (await fetch(health)).json()).toMatchObject({ status: 'ok', database: 'dynoxide' });

  const exited = once(started, 'exit');
  started.kill(signal);
  expect(await exited).toEqual([0, null]);
  await expect(fetch(health)).rejects.toThrow('fetch failed');
});

it('says so when functions deploy on another Node.js, once, and nothing else before it is ready', async () => {
  const [runtime] = /(?<="Runtime":\s*"nodejs)\d+/.exec(readFileSync(inject('templatePath'), 'utf8'))!;
  const [here] = process.versions.node.split('.');
  const started = start('--port', '0');
  const lines: string[] = [];
  for await (const line of createInterface(started.stdout!)) {
    if (line.startsWith('ready ')) break;
    lines.push(line);
  }
  const expected = `Node.js ${here} here; the template deploys them on nodejs${runtime}.x`;
  expect(lines).toEqual(here === runtime ? [] : [expect.stringContaining(expected)]);

  started.kill('SIGTERM');
  expect(await readAll(started.stderr)).toBe('');
});

describe('says in one line what is wrong, with exit code 1:', () => {
  it.each([
    ['a port that is none', ['--port', '70000'], 'It must be a number from 0 to 65535.'],
    ['an engine that is none', ['--db', 'mysql'], 'It must be dynoxide, dynamodb-local or an http:// URL.'],
    ['a time that is none', ['--idle-ms', '0'], 'It must be a whole number from 1 to 2147483647.'],
    ['an option that is none', ['--speed', '9'], "unknown option '--speed'"],
  ])('%s', async (_case, options, message) => {
    const started = start(...options);
    const [errors, [exitCode]] = await Promise.all([readAll(started.stderr), once(started, 'exit')]);
    expect(exitCode).toBe(1);
    expect(errors.trim().split('\n')).toEqual([expect.stringContaining(message)]);
  });

  it('a port in use', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const started = start('--port', String(port));
    const [errors, [exitCode]] = await Promise.all([readAll(started.stderr), once(started, 'exit')]);
    server.close();
    expect(exitCode).toBe(1);
    expect(errors.trim().split('\n')).toEqual([
      expect.stringContaining(`127.0.0.1:${port}: take another port`),
    ]);
  });
});
