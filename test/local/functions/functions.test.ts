// Lambda's execution environments. Sources: L/ = docs.aws.amazon.com/lambda/latest/dg/, and the Node.js runtime itself,
// RIC = github.com/aws/aws-lambda-nodejs-runtime-interface-client.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { BroadcastChannel } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import type { FunctionModel, InvocationResult } from '../../../local/model.ts';
import { startSandbox, type FunctionSource, type Sandbox, type SandboxOptions } from '../sandbox.ts';

let sandbox: Sandbox;
const gate = new BroadcastChannel('gate');

async function start(
  source: string | FunctionSource,
  options: Partial<SandboxOptions> = {},
): Promise<Sandbox> {
  sandbox = await startSandbox({ functions: { task: source }, ...options });
  return sandbox;
}

async function startWith(definition: Partial<FunctionModel>, source: string): Promise<Sandbox> {
  return await start({ source, ...definition });
}

afterEach(async () => await sandbox.close());

/** Answers with its thread and how many events that has had. */
const counting = `
  import { threadId } from 'node:worker_threads';
  let events = 0;
  export const handler = async () => ({ threadId, events: ++events });`;

/** Waits for the test to open the gate: the test decides what is under way at the same time. */
const gated = `
  import { BroadcastChannel, threadId } from 'node:worker_threads';
  export const handler = async () => {
    const channel = new BroadcastChannel('gate');
    await new Promise((open) => { channel.onmessage = open; console.log('waiting'); });
    channel.close();
    return threadId;
  };`;

const never = `export const handler = async () => { console.log('waiting'); await new Promise(() => {}); };`;

function payloadOf(result: InvocationResult): unknown {
  expect(result).toMatchObject({ outcome: 'returned' });
  return (result as { payload: unknown }).payload;
}

describe('an environment', () => {
  it('stays warm: module state lives on to the next event (L/lambda-runtime-environment.html)', async () => {
    const { invoke, metering } = await start(counting);
    const first = payloadOf(await invoke('task', {})) as { threadId: number };
    expect(payloadOf(await invoke('task', {}))).toEqual({ threadId: first.threadId, events: 2 });
    expect(metering.snapshot().lambda['task']).toMatchObject({ invocations: 2, coldStarts: 1, errors: 0 });
  });

  it('takes one event at a time: concurrency grows environments (L/lambda-concurrency.html)', async () => {
    const { invoke, nextLine, metering, lines } = await start(gated);
    const invocations = [invoke('task', {}), invoke('task', {})];
    await Promise.all([nextLine('task'), nextLine('task')]);
    gate.postMessage('open');
    const threads = (await Promise.all(invocations)).map(payloadOf);
    expect(new Set(threads).size).toBe(2);
    expect(metering.snapshot().lambda['task']).toMatchObject({ invocations: 2, coldStarts: 2 });
    const coldStarts = lines.filter(({ message }) => message === 'cold start');
    expect(coldStarts.map(({ details }) => typeof details['initMs'])).toEqual(['number', 'number']);
  });

  it('is waited for when the laptop has no more of them', async () => {
    const { invoke, nextLine } = await start(gated, { maxEnvironments: 1 });
    const invocations = [invoke('task', {}), invoke('task', {})];
    for (let opened = 0; opened < 2; opened += 1) {
      await nextLine('task');
      gate.postMessage('open');
    }
    const threads = (await Promise.all(invocations)).map(payloadOf);
    expect(new Set(threads).size).toBe(1);
  });

  it('is frozen between events: what nobody awaited stands still (L/lambda-runtime-environment.html)', async () => {
    const spinning = `
      let turns = 0;
      const spin = () => { turns += 1; setImmediate(spin); };
      export const handler = async ({ spins }) => { if (spins) spin(); return turns; };`;
    const { invoke } = await start(spinning, { functions: { task: spinning, other: counting } });
    await invoke('task', { spins: true });
    for (let event = 0; event < 20; event += 1) await invoke('other', {});
    expect(payloadOf(await invoke('task', {}))).toBeLessThan(10);
  });

  it('has the variables of the template and of Lambda, and nothing of the laptop', async () => {
    const source = 'export const handler = async () => process.env;';
    await startWith({ environment: { IM_SETTINGS: '{}' }, runtime: 'nodejs22.x' }, source);
    const variables = payloadOf(await sandbox.invoke('task', {})) as Record<string, string>;
    expect(Object.keys(variables).toSorted()).toEqual(
      [
        'AWS_ACCESS_KEY_ID',
        'AWS_CONFIG_FILE',
        'AWS_DEFAULT_REGION',
        'AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI',
        'AWS_ENDPOINT_URL_DYNAMODB',
        'AWS_ENDPOINT_URL_EVENTBRIDGE',
        'AWS_ENDPOINT_URL_S3',
        'AWS_ENDPOINT_URL_SECRETS_MANAGER',
        'AWS_ENDPOINT_URL_SQS',
        'AWS_EXECUTION_ENV',
        'AWS_LAMBDA_FUNCTION_MEMORY_SIZE',
        'AWS_LAMBDA_FUNCTION_NAME',
        'AWS_LAMBDA_FUNCTION_VERSION',
        'AWS_LAMBDA_INITIALIZATION_TYPE',
        'AWS_LAMBDA_LOG_GROUP_NAME',
        'AWS_LAMBDA_LOG_STREAM_NAME',
        'AWS_REGION',
        'AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED',
        'AWS_SECRET_ACCESS_KEY',
        'AWS_SESSION_TOKEN',
        'AWS_SHARED_CREDENTIALS_FILE',
        'IM_SETTINGS',
        'LAMBDA_TASK_ROOT',
        'LANG',
        'NOTIFICATION_JOURNAL_URL',
        'TZ',
        '_HANDLER',
      ].toSorted(),
    );
    expect(variables).toMatchObject({
      AWS_REGION: 'us-east-1',
      AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs22.x',
      IM_SETTINGS: '{}',
      AWS_LAMBDA_FUNCTION_NAME: 'sandbox-task',
    });
  });

  it('takes overrides of its variables', async () => {
    const { invoke } = await start(
      {
        source: 'export const handler = async () => process.env.IM_SETTINGS;',
        environment: { IM_SETTINGS: '{}' },
      },
      { environmentOverrides: { IM_SETTINGS: '{"settleMs":1}' } },
    );
    expect(payloadOf(await invoke('task', {}))).toBe('{"settleMs":1}');
  });

  it.each([
    ['--enable-source-maps', true],
    ['', false],
  ])('honours NODE_OPTIONS %j (L/configuration-envvars.html)', async (NODE_OPTIONS, sourceMaps) => {
    await startWith(
      { environment: { NODE_OPTIONS } },
      'export const handler = async () => Boolean(process.sourceMapsEnabled);',
    );
    expect(payloadOf(await sandbox.invoke('task', {}))).toBe(sourceMaps);
  });
});

describe('the handler', () => {
  it('gets the context object (L/nodejs-context.html)', async () => {
    await startWith(
      { timeoutMs: 7_000, memoryMb: 256 },
      'export const handler = async (event, context) => ({ ...context, remainingMs: context.getRemainingTimeInMillis() });',
    );
    const context = payloadOf(await sandbox.invoke('task', {})) as { remainingMs: number };
    expect(context).toMatchObject({
      awsRequestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      functionName: 'sandbox-task',
      functionVersion: '$LATEST',
      invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:sandbox-task',
      memoryLimitInMB: '256',
      logGroupName: '/aws/lambda/sandbox-task',
    });
    expect(context.remainingMs).toBeGreaterThan(0);
    expect(context.remainingMs).toBeLessThanOrEqual(7_000);
  });

  it('writes to the log under its name, with the request id', async () => {
    const { invoke, nextLine } = await start(
      `export const handler = async (event, { awsRequestId }) => { console.log('sent %d', 3); return awsRequestId; };`,
    );
    const requestId = payloadOf(await invoke('task', {}));
    expect(await nextLine('task')).toEqual({ source: 'task', message: 'sent 3', details: { requestId } });
  });

  it('is heard when it writes past the console, too', async () => {
    const { invoke, nextLine } = await start(
      `export const handler = async () => { process.stdout.write('raw\\n'); };`,
    );
    await invoke('task', {});
    expect(await nextLine('task')).toMatchObject({ message: 'raw' });
  });

  it('answers nothing: null (RIC, JSON of an undefined result)', async () => {
    const { invoke } = await start('export const handler = async () => {};');
    expect(payloadOf(await invoke('task', {}))).toBeNull();
  });

  it('throws: errorType and errorMessage, and the environment lives on (L/nodejs-exceptions.html)', async () => {
    const { invoke, metering } = await start(`
      let events = 0;
      export const handler = async () => { if (++events === 1) throw new RangeError('too far'); return events; };`);
    expect(await invoke('task', {})).toEqual({
      outcome: 'error',
      errorType: 'RangeError',
      errorMessage: 'too far',
    });
    expect(payloadOf(await invoke('task', {}))).toBe(2);
    expect(metering.snapshot().lambda['task']).toMatchObject({ errors: 1, coldStarts: 1 });
  });

  it('throws what is no Error: its type is the errorType (RIC)', async () => {
    const { invoke } = await start(`export const handler = async () => { throw 'plain'; };`);
    expect(await invoke('task', {})).toEqual({
      outcome: 'error',
      errorType: 'string',
      errorMessage: 'plain',
    });
  });

  it('answers with what is no JSON: an error (RIC, Runtime.JSONStringifyError)', async () => {
    const { invoke } = await start('export const handler = async () => ({ seq: 1n });');
    expect(await invoke('task', {})).toMatchObject({
      outcome: 'error',
      errorType: 'Runtime.JSONStringifyError',
    });
  });

  it('answers with more than 6 MB: an error (L/gettingstarted-limits.html)', async () => {
    const { invoke } = await start(`export const handler = async () => 'x'.repeat(6 * 1024 * 1024);`);
    expect(await invoke('task', {})).toMatchObject({
      outcome: 'error',
      errorType: 'Function.ResponseSizeTooLarge',
    });
  });

  it('is not called with more than 6 MB (L/gettingstarted-limits.html)', async () => {
    const { invoke, metering } = await start(counting);
    const result = await invoke('task', 'x'.repeat(6 * 1024 * 1024));
    expect(result).toMatchObject({ outcome: 'error', errorType: 'RequestTooLargeException' });
    expect(metering.snapshot().lambda['task']).toBeUndefined();
  });
});

describe('an environment ends', () => {
  it('when the function times out, in mid-flight; the next event starts a new one (L/configuration-timeout.html)', async () => {
    await startWith(
      { timeoutMs: 200 },
      `let events = 0; export const handler = async ({ hang }) => { events += 1; if (hang) await new Promise(() => {}); return events; };`,
    );
    expect(payloadOf(await sandbox.invoke('task', {}))).toBe(1);
    expect(await sandbox.invoke('task', { hang: true })).toEqual({
      outcome: 'timeout',
      errorType: 'Sandbox.Timedout',
      errorMessage: expect.stringMatching(
        /^RequestId: [0-9a-f-]{36} Error: Task timed out after 0\.20 seconds$/,
      ),
    });
    expect(payloadOf(await sandbox.invoke('task', {}))).toBe(1);
    expect(sandbox.metering.snapshot().lambda['task']).toMatchObject({ timeouts: 1, coldStarts: 2 });
  });

  it('even when the handler never yields', async () => {
    await startWith({ timeoutMs: 200 }, 'export const handler = async () => { for (;;); };');
    expect(await sandbox.invoke('task', {})).toMatchObject({ outcome: 'timeout' });
  });

  it('when the handler exits the process: Runtime.ExitError (L/troubleshooting-invocation.html)', async () => {
    const { invoke } = await start('export const handler = async () => process.exit(3);');
    expect(await invoke('task', {})).toEqual({
      outcome: 'crash',
      errorType: 'Runtime.ExitError',
      errorMessage: expect.stringMatching(/^RequestId: .+ Error: Runtime exited with error: exit status 3$/),
    });
  });

  it('when a rejection is not handled: Runtime.UnhandledPromiseRejection (RIC)', async () => {
    const { invoke } = await start(
      `export const handler = async () => { void Promise.reject(new Error('lost')); await new Promise(() => {}); };`,
    );
    expect(await invoke('task', {})).toEqual({
      outcome: 'crash',
      errorType: 'Runtime.UnhandledPromiseRejection',
      errorMessage: 'lost',
    });
  });

  it('when it needs more memory than the function has (L/configuration-memory.html)', async () => {
    await startWith(
      { memoryMb: 16 },
      'export const handler = async () => { const all = []; for (;;) all.push(new Array(10_000).fill({}).map(() => ({}))); };',
    );
    expect(await sandbox.invoke('task', {})).toMatchObject({
      outcome: 'crash',
      errorType: 'Runtime.OutOfMemory',
    });
  });

  it('when it is crashed, and its credentials with it', async () => {
    const { invoke, functions, nextLine } = await start(never);
    const invocation = invoke('task', {});
    await nextLine('task');
    functions.crashEnvironment('task-1');
    expect(await invocation).toMatchObject({
      outcome: 'crash',
      errorType: 'Runtime.ExitError',
      errorMessage: expect.stringContaining('Runtime exited with error: signal: killed'),
    });
  });

  it('when everything closes: what was under way comes to a crash, what waits never starts', async () => {
    const { invoke, functions, nextLine } = await start(never, { maxEnvironments: 1 });
    const invocations = [invoke('task', {}), invoke('task', {})];
    await nextLine('task');
    await functions.close();
    expect((await Promise.all(invocations)).map(({ outcome }) => outcome)).toEqual(['crash', 'crash']);
  });
});

describe('init', () => {
  it('fails on a module that does not load: Runtime.ImportModuleError (RIC)', async () => {
    const { invoke } = await start(`import 'no-such-package'; export const handler = async () => {};`);
    expect(await invoke('task', {})).toMatchObject({
      outcome: 'error',
      errorType: 'Runtime.ImportModuleError',
    });
  });

  it('fails on a syntax error: Runtime.UserCodeSyntaxError (RIC)', async () => {
    const { invoke } = await start('export const handler = async ( => {};');
    expect(await invoke('task', {})).toMatchObject({
      outcome: 'error',
      errorType: 'Runtime.UserCodeSyntaxError',
    });
  });

  it('fails on what the module throws, and is tried again with the next event', async () => {
    const { invoke, metering } = await start(`throw new TypeError('no settings');`);
    const failure = { outcome: 'error', errorType: 'TypeError', errorMessage: 'no settings' };
    expect(await invoke('task', {})).toEqual(failure);
    expect(await invoke('task', {})).toEqual(failure);
    expect(metering.snapshot().lambda['task']).toMatchObject({ coldStarts: 2, errors: 2 });
  });

  it('fails without the handler: Runtime.HandlerNotFound (RIC)', async () => {
    const { invoke } = await start('export const other = 1;');
    expect(await invoke('task', {})).toMatchObject({
      outcome: 'error',
      errorType: 'Runtime.HandlerNotFound',
    });
  });

  // https://github.com/arithmetric/aws-lambda-ses-forwarder/issues/154
  it('fails on a handler with a callback: Node.js 24 took them away', async () => {
    const { invoke } = await start('export const handler = (event, context, callback) => callback(null, 1);');
    expect(await invoke('task', {})).toMatchObject({
      outcome: 'error',
      errorType: 'Runtime.CallbackHandlerDeprecated',
    });
  });
});

it('recursion ends where it ends in a main thread, as on Lambda', async () => {
  const deepest =
    'function deepest() { let depth = 0; const down = () => { depth += 1; down(); }; try { down(); } catch {} return depth; }';
  const { invoke } = await start(`${deepest} export const handler = async () => deepest();`);
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', `${deepest} console.log(deepest())`]);
  const inMainThread = Number(stdout);
  const here = payloadOf(await invoke('task', {})) as number;
  expect(here).toBeGreaterThan(0.9 * inMainThread);
  expect(here).toBeLessThan(1.1 * inMainThread);
});

describe('reserved concurrency', () => {
  it('throttles what is above it (L/configuration-concurrency.html)', async () => {
    await startWith({ reservedConcurrency: 1 }, gated);
    const first = sandbox.invoke('task', {});
    await sandbox.nextLine('task');
    expect(await sandbox.invoke('task', {})).toEqual({
      outcome: 'throttled',
      errorType: 'TooManyRequestsException',
      errorMessage: 'Rate Exceeded.',
    });
    gate.postMessage('open');
    expect(await first).toMatchObject({ outcome: 'returned' });
  });

  it('of zero throttles everything (L/configuration-concurrency.html)', async () => {
    await startWith({ reservedConcurrency: 0 }, counting);
    expect(await sandbox.invoke('task', {})).toMatchObject({ outcome: 'throttled' });
  });
});

// L/lambda-concurrency.html
describe('the concurrency of the account', () => {
  it('is shared by all functions: what is above it is throttled, and none of it is lost', async () => {
    sandbox = await startSandbox({ functions: { task: gated, other: counting }, accountConcurrency: 1 });
    const first = sandbox.invoke('task', {});
    await sandbox.nextLine('task');
    expect(await sandbox.invoke('other', {})).toMatchObject({ outcome: 'throttled' });
    gate.postMessage('open');
    await first;
    expect(await sandbox.invoke('other', {})).toMatchObject({ outcome: 'returned' });
    expect(sandbox.metering.snapshot().lambda['other']).toMatchObject({
      invocations: 1,
      errors: 0,
      throttles: 1,
    });
  });
});

describe('a fault plan', () => {
  const telling = `export const handler = async () => { console.log('ran'); return 1; };`;

  it('crashBefore: the environment dies before the handler runs', async () => {
    const { invoke, faults, lines } = await start(telling);
    faults.set({ lambda: { crashBefore: 1 } });
    expect(await invoke('task', {})).toMatchObject({ outcome: 'crash', errorType: 'Runtime.ExitError' });
    expect(lines.filter(({ message }) => message === 'ran')).toEqual([]);
  });

  it('crashAfter: the handler has run, and its result is lost', async () => {
    const { invoke, faults, nextLine, metering } = await start(telling);
    faults.set({ lambda: { crashAfter: 1 } });
    expect(await invoke('task', {})).toMatchObject({ outcome: 'crash', errorType: 'Runtime.ExitError' });
    expect(await nextLine('task')).toMatchObject({ message: 'ran' });
    faults.clear();
    expect(payloadOf(await invoke('task', {}))).toBe(1);
    expect(metering.snapshot().lambda['task']).toMatchObject({ coldStarts: 2, errors: 1 });
  });
});

it('refuses to invoke a function that the template does not have', async () => {
  const { invoke } = await start(counting);
  await expect(invoke('nobody', {})).rejects.toThrow('No function is called nobody');
});
