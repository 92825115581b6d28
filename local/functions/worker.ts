// Runs in the worker thread that is one execution environment: loads the handler, then takes one event at a time,
// as Lambda's Node.js runtime does (aws/aws-lambda-nodejs-runtime-interface-client).
import { format } from 'node:util';
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';

export interface EnvironmentData {
  readonly modulePath: string;
  readonly exportName: string;
  /** What the context object tells the handler, save what changes with each request. */
  readonly context: Readonly<Record<string, string>>;
  /** 0: frozen, 1: running. */
  readonly gate: SharedArrayBuffer;
}

export interface InvocationMessage {
  readonly requestId: string;
  /** JSON. */
  readonly event: string;
  /** Epoch milliseconds. */
  readonly deadline: number;
}

export type EnvironmentMessage =
  | { readonly kind: 'ready'; readonly initMs: number }
  | { readonly kind: 'initError'; readonly error: HandlerError }
  | { readonly kind: 'returned'; readonly payload: string }
  | { readonly kind: 'error'; readonly error: HandlerError }
  /** Nobody caught it: the environment exits. */
  | { readonly kind: 'fatal'; readonly error: HandlerError }
  | { readonly kind: 'log'; readonly level: LogLevel; readonly text: string; readonly requestId?: string };

export interface HandlerError {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace: readonly string[];
}

type LogLevel = 'info' | 'warn' | 'error';
type Handler = (event: unknown, context: object) => unknown;

const { modulePath, exportName, context, gate } = workerData as EnvironmentData;
const running = new Int32Array(gate);
let requestId: string | undefined;

function post(message: EnvironmentMessage): void {
  parentPort!.postMessage(message);
}

function captureConsole(): void {
  const capture =
    (level: LogLevel) =>
    (...values: unknown[]) =>
      post({ kind: 'log', level, text: format(...values), ...(requestId && { requestId }) });
  Object.assign(console, {
    debug: capture('info'),
    error: capture('error'),
    info: capture('info'),
    log: capture('info'),
    trace: capture('info'),
    warn: capture('warn'),
  });
}

function exitOnUncaught(): void {
  process.on('uncaughtException', (error) => {
    post({ kind: 'fatal', error: describe(error) });
    process.exit(129);
  });
  process.on('unhandledRejection', (reason) => {
    const error = { ...describe(reason), errorType: 'Runtime.UnhandledPromiseRejection' };
    post({ kind: 'fatal', error });
    process.exit(128);
  });
}

async function loadHandler(): Promise<Handler> {
  const module = (await import(pathToFileURL(modulePath).href)) as Record<string, unknown>;
  const handler = module[exportName];
  if (typeof handler !== 'function') {
    throw named('Runtime.HandlerNotFound', `${context['handler']} is undefined or not exported`);
  }
  // The Node.js 24 runtime refuses them at init, by their third parameter.
  if (handler.length >= 3) {
    throw named(
      'Runtime.CallbackHandlerDeprecated',
      'ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. You need to modify this function to use a supported handler signature to use Node.js 24 or later. For more information see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.',
    );
  }
  return handler as Handler;
}

async function handle(handler: Handler, message: InvocationMessage): Promise<void> {
  requestId = message.requestId;
  const answer = await run(handler, message);
  Atomics.store(running, 0, 0);
  post(answer);
  // Frozen until the next event, as on Lambda: timers and promises that nobody awaited stand still.
  Atomics.wait(running, 0, 0);
}

async function run(handler: Handler, message: InvocationMessage): Promise<EnvironmentMessage> {
  try {
    const result = await handler(JSON.parse(message.event), {
      ...context,
      functionVersion: '$LATEST',
      awsRequestId: message.requestId,
      getRemainingTimeInMillis: () => message.deadline - Date.now(),
    });
    return { kind: 'returned', payload: stringify(result) };
  } catch (error) {
    return { kind: 'error', error: describe(error) };
  }
}

function stringify(result: unknown): string {
  try {
    return JSON.stringify(result ?? null) ?? 'null';
  } catch {
    throw named('Runtime.JSONStringifyError', 'Unable to stringify response body');
  }
}

function describe(error: unknown): HandlerError {
  if (!(error instanceof Error)) return { errorType: typeof error, errorMessage: String(error), trace: [] };
  return { errorType: error.name, errorMessage: error.message, trace: error.stack?.split('\n') ?? [] };
}

function describeInit(error: unknown): HandlerError {
  const description = describe(error);
  if ((error as { code?: string } | undefined)?.code === 'ERR_MODULE_NOT_FOUND') {
    return { ...description, errorType: 'Runtime.ImportModuleError' };
  }
  if (error instanceof SyntaxError) return { ...description, errorType: 'Runtime.UserCodeSyntaxError' };
  return description;
}

function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}

async function start(): Promise<void> {
  captureConsole();
  exitOnUncaught();
  const startedAt = performance.now();
  try {
    const handler = await loadHandler();
    parentPort!.on('message', (message: InvocationMessage) => void handle(handler, message));
    post({ kind: 'ready', initMs: performance.now() - startedAt });
  } catch (error) {
    post({ kind: 'initError', error: describeInit(error) });
  }
}

void start();
