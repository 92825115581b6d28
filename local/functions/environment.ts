// One execution environment: a worker thread with its own variables that handles one event at a time.
import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { transformSync } from 'esbuild';
import type { EnvironmentData, EnvironmentMessage, HandlerError, InvocationMessage } from './worker.ts';
import { contextOf } from './variables.ts';
import type { Log } from '../log.ts';
import type { FunctionModel, InvocationResult } from '../model.ts';

/** docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html: the init phase ends after 10 s. */
const initTimeoutMs = 10_000;
/** A main thread's stack, as Lambda's: V8's 984 KB, and the 192 KB that Node keeps back of a worker's. */
const stackSizeMb = (984 + 192) / 1024;
const maximumResponseBytes = 6 * 1024 * 1024;

export interface EnvironmentOptions {
  readonly id: string;
  readonly definition: FunctionModel;
  readonly variables: Readonly<Record<string, string>>;
  readonly log: Log;
}

type Settle = (result: InvocationResult) => void;

export class Environment {
  readonly id: string;
  private readonly definition: FunctionModel;
  private readonly log: Log;
  private readonly worker: Worker;
  private readonly running = new Int32Array(new SharedArrayBuffer(4));
  /** Whoever waits for the init or for the invocation that is under way. */
  private waiting: { requestId: string; settle: Settle } | undefined;
  private fatal: HandlerError | undefined;
  private initMs: number | undefined;
  private dead = false;

  constructor({ id, definition, variables, log }: EnvironmentOptions) {
    this.id = id;
    this.definition = definition;
    this.log = log;
    this.worker = new Worker(workerCode(), {
      eval: true,
      env: { ...variables },
      execArgv: [],
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: definition.memoryMb, stackSizeMb },
      workerData: {
        modulePath: definition.modulePath,
        exportName: definition.exportName,
        gate: this.running.buffer,
        context: contextOf(definition, variables),
      } satisfies EnvironmentData,
    });
    this.worker.on('message', (message: EnvironmentMessage) => this.receive(message));
    this.worker.on('error', (error) => (this.fatal ??= fatalOf(error)));
    this.worker.on('exit', (exitCode) => this.exited(exitCode));
    for (const output of [this.worker.stdout, this.worker.stderr]) {
      output.setEncoding('utf8').on('data', (text: string) => this.log.info(definition.name, text.trimEnd()));
    }
  }

  get alive(): boolean {
    return !this.dead;
  }

  /** Loads the handler; `returned` when it is ready, with how long that took. */
  async start(requestId: string): Promise<{ result: InvocationResult; initMs: number }> {
    const result = await this.expect(requestId, initTimeoutMs, () => {});
    return { result, initMs: this.initMs ?? 0 };
  }

  /** @param event JSON. Never rejects: what goes wrong is a result. */
  async handle(requestId: string, event: string): Promise<InvocationResult> {
    const { timeoutMs } = this.definition;
    return await this.expect(requestId, timeoutMs, () => {
      const message: InvocationMessage = { requestId, event, deadline: Date.now() + timeoutMs };
      Atomics.store(this.running, 0, 1);
      this.worker.postMessage(message);
      Atomics.notify(this.running, 0);
    });
  }

  /** Ends the thread in mid-flight; an invocation that is under way comes to a crash. */
  async kill(): Promise<void> {
    this.dead = true;
    this.settle(exitResult(this.waiting?.requestId, 'signal: killed'));
    await this.worker.terminate();
  }

  private async expect(requestId: string, timeoutMs: number, begin: () => void): Promise<InvocationResult> {
    if (this.dead) return this.exitedResult(requestId, 1);
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<InvocationResult>((settle) => {
        this.waiting = { requestId, settle };
        timer = setTimeout(() => this.timeOut(requestId, timeoutMs), timeoutMs);
        begin();
      });
    } finally {
      clearTimeout(timer);
    }
  }

  private timeOut(requestId: string, timeoutMs: number): void {
    const seconds = (timeoutMs / 1000).toFixed(2);
    this.settle({
      outcome: 'timeout',
      errorType: 'Sandbox.Timedout',
      errorMessage: `RequestId: ${requestId} Error: Task timed out after ${seconds} seconds`,
    });
    void this.kill();
  }

  private receive(message: EnvironmentMessage): void {
    switch (message.kind) {
      case 'ready':
        this.initMs = message.initMs;
        this.settle({ outcome: 'returned', payload: null });
        break;
      case 'initError':
        this.settle(errorResult(message.error));
        this.logTrace(message.error);
        void this.kill();
        break;
      case 'returned':
        this.settle(returnedResult(message.payload));
        break;
      case 'error':
        this.settle(errorResult(message.error));
        this.logTrace(message.error);
        break;
      case 'fatal':
        this.fatal = message.error;
        this.logTrace(message.error);
        break;
      case 'log':
        this.log[message.level === 'error' ? 'warn' : message.level](this.definition.name, message.text, {
          requestId: message.requestId,
        });
    }
  }

  private logTrace({ errorType, errorMessage, trace }: HandlerError): void {
    const text = trace.length > 0 ? trace.join('\n') : `${errorType}: ${errorMessage}`;
    this.log.warn(this.definition.name, text, { requestId: this.waiting?.requestId });
  }

  private exited(exitCode: number): void {
    this.dead = true;
    if (this.waiting) this.settle(this.exitedResult(this.waiting.requestId, exitCode));
  }

  private exitedResult(requestId: string, exitCode: number): InvocationResult {
    if (this.fatal) return { ...errorResult(this.fatal), outcome: 'crash' };
    return exitResult(requestId, `exit status ${exitCode}`);
  }

  private settle(result: InvocationResult): void {
    this.waiting?.settle(result);
    this.waiting = undefined;
  }
}

export function exitResult(requestId: string | undefined, reason: string): InvocationResult {
  return {
    outcome: 'crash',
    errorType: 'Runtime.ExitError',
    errorMessage: `RequestId: ${requestId} Error: Runtime exited with error: ${reason}`,
  };
}

function errorResult({ errorType, errorMessage }: HandlerError) {
  return { outcome: 'error', errorType, errorMessage } as const;
}

function returnedResult(payload: string): InvocationResult {
  if (Buffer.byteLength(payload) <= maximumResponseBytes) {
    return { outcome: 'returned', payload: JSON.parse(payload) as unknown };
  }
  return {
    outcome: 'error',
    errorType: 'Function.ResponseSizeTooLarge',
    errorMessage: `Response payload size exceeded maximum allowed payload size (${maximumResponseBytes} bytes).`,
  };
}

function fatalOf(error: Error & { code?: string }): HandlerError {
  if (error.code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return {
      errorType: 'Runtime.OutOfMemory',
      errorMessage: 'Error: Runtime exited with error: signal: killed',
      trace: [],
    };
  }
  return { errorType: error.name, errorMessage: error.message, trace: [] };
}

let compiled: string | undefined;

/** Worker threads do not inherit the TypeScript loader, and must not: a cold start would pay for it. */
function workerCode(): string {
  const url = new URL('worker.ts', import.meta.url);
  compiled ??= transformSync(readFileSync(url, 'utf8'), {
    loader: 'ts',
    format: 'cjs',
    target: 'node20',
  }).code;
  return compiled;
}
