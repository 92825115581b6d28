// Amazon's DynamoDB Local: a Java program, fetched from npm into a cache on first use.
import { execFile, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { EngineProgram } from './child-process.ts';
import { cacheDirectory } from './directories.ts';
import { hiddenLoopback } from './loopback.ts';

const run = promisify(execFile);

/** The npm package that carries Amazon's jar under `emulator/`. */
const carrier = { name: 'amplify-dynamodb-simulator', version: '2.9.30' } as const;
const startTimeoutMs = 30_000;
const pollIntervalMs = 50;

export async function dynamoDbLocalProgram(dataDirectory: string | undefined): Promise<EngineProgram> {
  await requireJava();
  const directory = await fetchDynamoDbLocal(cacheDirectory());
  let storage = ['inMemory=true'];
  if (dataDirectory !== undefined) {
    const databaseDirectory = path.join(dataDirectory, 'dynamodb-local');
    await mkdir(databaseDirectory, { recursive: true, mode: 0o700 });
    storage = ['inMemory=false', `dbPath=${databaseDirectory}`];
  }
  const host = hiddenLoopback();
  return {
    name: 'dynamodb-local',
    command: 'java',
    host,
    argumentsFor: (port) => [
      // For a short life on a busy machine: start fast, stay small.
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      '-Dorg.eclipse.jetty.LEVEL=WARN',
      `-Djava.library.path=${path.join(directory, 'DynamoDBLocal_lib')}`,
      '-classpath',
      ['DynamoDBLocal.jar', 'DynamoDBLocal_lib/*']
        .map((part) => path.join(directory, part))
        .join(path.delimiter),
      'org.eclipse.jetty.xml.XmlConfiguration',
      `host=${host}`,
      `port=${port}`,
      ...storage,
      path.join(import.meta.dirname, 'dynamodb-local.xml'),
    ],
    whenReady: (child, port, ended) =>
      Promise.race([waitForAnswer(host, port, ended), waitForRefusal(child)]),
  };
}

async function requireJava(): Promise<void> {
  try {
    await run('java', ['-version']);
  } catch (cause) {
    throw new Error(
      'DynamoDB Local needs Java (17 or newer) on the PATH: install one, e.g. `apt install openjdk-17-jre-headless`, or use the embedded `--db dynoxide`',
      { cause },
    );
  }
}

/** Several processes may come here at once: each unpacks for itself, the first rename wins. */
export async function fetchDynamoDbLocal(cache: string): Promise<string> {
  const directory = path.join(cache, `dynamodb-local-${carrier.version}`);
  if (existsSync(directory)) return directory;
  await mkdir(cache, { recursive: true });
  const temporary = await mkdtemp(path.join(cache, 'fetch-'));
  try {
    await run('npm', ['pack', `${carrier.name}@${carrier.version}`, '--silent'], { cwd: temporary });
    const tarball = `${carrier.name}-${carrier.version}.tgz`;
    await run('tar', ['-xzf', tarball, 'package/emulator'], { cwd: temporary });
    await rename(path.join(temporary, 'package/emulator'), directory).catch((error: unknown) => {
      if (!existsSync(directory)) throw error;
    });
    return directory;
  } catch (cause) {
    throw new Error(`Cannot fetch DynamoDB Local (\`npm pack ${carrier.name}@${carrier.version}\`)`, {
      cause,
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Without its port it says so, and lives on. */
function waitForRefusal(child: ChildProcess): Promise<never> {
  return new Promise((_, reject) => {
    let said = '';
    for (const pipe of [child.stdout, child.stderr]) {
      pipe?.on('data', (chunk: string) => {
        said += chunk;
        if (said.includes('Failed to bind')) reject(new Error('its port is in use'));
      });
    }
  });
}

/** It says that it initializes, not that it listens. */
async function waitForAnswer(host: string, port: number, ended: AbortSignal): Promise<void> {
  const deadline = Date.now() + startTimeoutMs;
  while (!(await answers(host, port))) {
    if (Date.now() > deadline) throw new Error(`no answer within ${startTimeoutMs / 1000} s`);
    await delay(pollIntervalMs, undefined, { signal: ended });
  }
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const request = http.get({ host, port, agent: false }, (response) => {
      response.resume();
      resolve(true);
    });
    request.on('error', () => resolve(false));
  });
}
