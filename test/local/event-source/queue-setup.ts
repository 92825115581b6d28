// One queue and a function that the test writes; no database.
import { afterEach, expect } from 'vitest';
import { startEventSources } from '../../../local/event-source/event-source.ts';
import type { QueueRecord } from '../../../local/event-source/queue-record.ts';
import { Faults } from '../../../local/faults/faults.ts';
import { createIdentities } from '../../../local/iam/roles.ts';
import { Metering } from '../../../local/metering.ts';
import type { InvocationResult, Invoke } from '../../../local/model.ts';
import { Queues } from '../../../local/sqs/queues.ts';
import { smallQueueModel, type QueueModelOptions } from '../small-model.ts';

export type QueueHandler = (records: QueueRecord[]) => unknown;

export interface QueueSetupOptions extends QueueModelOptions {
  readonly functionTimeoutMs?: number;
  readonly plan?: object;
  /** Sent before anybody polls. */
  readonly before?: readonly string[];
}

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (let closer = closers.pop(); closer; closer = closers.pop()) await closer();
});

export const bodiesOf = (records: readonly { body: string }[]) => records.map(({ body }) => body);

export const throttled: InvocationResult = {
  outcome: 'throttled',
  errorType: 'TooManyRequestsException',
  errorMessage: 'Rate Exceeded.',
};

/** What the handler throws is an error of the function; `throttled` is returned as what it is. */
export async function setUpQueue(handler: QueueHandler, options: QueueSetupOptions = {}) {
  const small = smallQueueModel(options);
  const { functionTimeoutMs: timeoutMs } = options;
  const functions = small.functions.map((model) => ({
    ...model,
    ...(timeoutMs !== undefined && { timeoutMs }),
  }));
  const model = { ...small, functions };
  const metering = new Metering();
  const faults = new Faults();
  if (options.plan) faults.set(options.plan);
  const queues = await Queues.open({ model, metering });
  const send = async (body: string, delayMs?: number) =>
    await queues.send(model.chunks.arn, body, { senderId: 'writer-role:writer', delayMs });
  for (const body of options.before ?? []) await send(body);

  const batches: string[][] = [];
  const records: QueueRecord[] = [];
  const invoke: Invoke = async (functionName, event) => {
    expect(functionName).toBe('consumer');
    const batch = (event as { Records: QueueRecord[] }).Records;
    batches.push(bodiesOf(batch));
    records.push(...batch);
    try {
      const payload = await handler(batch);
      return payload === throttled ? throttled : { outcome: 'returned', payload };
    } catch (error) {
      return { outcome: 'error', errorType: 'Error', errorMessage: String(error) };
    }
  };
  const sources = await startEventSources({
    model,
    engine: { endpoint: 'http://127.0.0.1:9' } as Parameters<typeof startEventSources>[0]['engine'],
    identities: createIdentities(model),
    metering,
    faults,
    queues,
    invoke,
    log: { info: () => {}, warn: () => {}, error: (source, message) => expect.fail(`${source}: ${message}`) },
  });
  closers.push(() => sources.close());
  return {
    batches,
    records,
    faults,
    metering,
    model,
    queues,
    send,
    sources,
    deadLetters: () => bodiesOf(queues.messages('DeadLetters')),
    usage: () => metering.snapshot().sqs.queues['Chunks'],
  };
}

/** Resolves from outside. */
export function gate() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}
