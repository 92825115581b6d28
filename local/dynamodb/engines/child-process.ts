// An engine that runs as a process of ours: on a free port, and gone when we are.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import type { Log } from '../../log.ts';

export interface EngineProgram {
  readonly name: string;
  readonly command: string;
  /** Where the program listens. */
  readonly host?: string;
  /** Makes the directory of one attempt to start; it is removed when the program has ended, however we end. */
  makeScratch?(): Promise<string>;
  argumentsFor(port: number, scratch: string | undefined): readonly string[];
  /** Resolves when the program answers; the signal says that it has ended instead. */
  whenReady(child: ChildProcess, port: number, ended: AbortSignal): Promise<void>;
}

export interface EngineProcess {
  readonly endpoint: string;
  close(): Promise<void>;
}

/** Somebody may take the port between our looking and the program's binding. */
const portAttempts = 5;
const terminateGraceMs = 5_000;

export async function startEngineProcess(program: EngineProgram, log: Log): Promise<EngineProcess> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await findFreePort();
    const failure = await tryStart(program, port, log);
    if (!(failure instanceof Error)) return failure;
    const portTaken = /in use|BindException/i.test(failure.message);
    if (!portTaken || attempt === portAttempts) throw failure;
  }
}

/**
 * Its standard input is a leash: when it ends, because we close it or because we are gone, the engine is told to end.
 * What it writes is for us alone. The shell keeps no other pipe open, so that the end of the engine's output tells that the engine has ended.
 */
const onLeash = `
  umask 077
  "$@" </dev/null & engine=$!
  exec >&- 2>&-
  read -r line
  kill $engine
  wait $engine; code=$?
  [ -z "$ENGINE_SCRATCH" ] || rm -rf -- "$ENGINE_SCRATCH"
  exit $code`;

async function tryStart(program: EngineProgram, port: number, log: Log): Promise<EngineProcess | Error> {
  const scratch = await program.makeScratch?.();
  const command = [program.command, ...program.argumentsFor(port, scratch)];
  // A group of its own: Ctrl-C is for us, who still need the engine while the functions finish.
  const child = spawn('sh', ['-c', onLeash, 'sh', ...command], {
    detached: true,
    stdio: 'pipe',
    env: { ...process.env, DDB_LOCAL_TELEMETRY: '0', ENGINE_SCRATCH: scratch ?? '' },
  });
  const letGo = () => child.stdin.end();
  child.stdin.on('error', () => undefined);
  child.stdout.once('end', letGo);
  const output = lastLines(child);
  const ended = new AbortController();
  const exit = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(describeEnd(code, signal)));
  });
  child.once('error', () => ended.abort());
  child.once('close', () => ended.abort());

  const ready = program.whenReady(child, port, ended.signal).then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  const problem = await Promise.race([ready, exit]);
  if (problem !== undefined) {
    await terminate(child, exit, { letGo, scratch });
    return new Error(`${program.name} does not start: ${problem}\n${output()}`.trim());
  }

  let closing: Promise<void> | undefined;
  child.once('close', (code, signal) => {
    if (!closing) log.error(program.name, `${describeEnd(code, signal)}\n${output()}`.trim());
  });
  return {
    endpoint: `http://${program.host ?? '127.0.0.1'}:${port}`,
    close: () => (closing ??= terminate(child, exit, { letGo, scratch })),
  };
}

function describeEnd(code: number | null, signal: string | null): string {
  return `ended with ${signal ?? `code ${code}`}`;
}

async function terminate(
  child: ChildProcess,
  exit: Promise<string>,
  { letGo, scratch }: { letGo: () => void; scratch: string | undefined },
): Promise<void> {
  letGo();
  const timer = setTimeout(() => killGroup(child), terminateGraceMs);
  await exit;
  clearTimeout(timer);
  // Its shell has removed it, unless that was killed as well.
  if (scratch !== undefined) await rm(scratch, { recursive: true, force: true });
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended by itself in this very moment.
  }
}

/** Keeps what a program said last, for the day it ends unasked; reading also keeps its pipes from filling. */
function lastLines(child: ChildProcess): () => string {
  let text = '';
  for (const pipe of [child.stdout, child.stderr]) {
    pipe?.setEncoding('utf8').on('data', (chunk: string) => (text = (text + chunk).slice(-2_000)));
  }
  return () => text.trim();
}

export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
