// One event source on a real engine, with a function that the test writes.
import { randomUUID } from 'node:crypto';
import { afterEach, expect, inject } from 'vitest';
import { EngineClient } from '../../../local/dynamodb/engines/client.ts';
import { createTables, startEngine } from '../../../local/dynamodb/engines/engine.ts';
import { startEventSources, type EventSources } from '../../../local/event-source/event-source.ts';
import { Faults } from '../../../local/faults/faults.ts';
import { Metering } from '../../../local/metering.ts';
import type { InvocationResult, Invoke } from '../../../local/model.ts';
import { Queues } from '../../../local/sqs/queues.ts';
import type { StreamRecord } from '../../../local/event-source/stream-record.ts';
import { createIdentities } from '../../../local/iam/roles.ts';
import { smallModel, type SmallModelOptions } from '../small-model.ts';

export type Handler = (records: StreamRecord[]) => unknown;

export interface Setup {
  /** Batches in the order of their invocations, each record by its sort key. */
  readonly batches: string[][];
  readonly records: StreamRecord[];
  readonly faults: Faults;
  readonly metering: Metering;
  readonly queues: Queues;
  readonly sources: EventSources;
  /** URL of the engine. */
  readonly endpoint: string;
  readonly invoke: Invoke;
  readonly model: ReturnType<typeof smallModel>;
  readonly put: (...sortKeys: number[]) => Promise<void>;
  readonly write: (operation: 'PutItem' | 'DeleteItem', input: object) => Promise<void>;
}

interface SetupOptions {
  readonly eventSource?: SmallModelOptions['eventSource'];
  readonly viewType?: string;
  readonly prefix?: string;
  readonly roles?: SmallModelOptions['roles'];
  readonly dataDirectory?: string;
  readonly clock?: () => number;
  /** Faults from the start on. */
  readonly plan?: object;
  /** Written before the event source starts. */
  readonly before?: (setup: Pick<Setup, 'put' | 'write'>) => Promise<void>;
}

export const closers: (() => Promise<unknown> | void)[] = [];

afterEach(async () => {
  for (let closer = closers.pop(); closer; closer = closers.pop()) await closer();
});

/** What the handler throws is an error of the function; `throttled` is returned as what it is. */
export const throttled: InvocationResult = {
  outcome: 'throttled',
  errorType: 'TooManyRequestsException',
  errorMessage: 'Rate Exceeded.',
};

export async function setUp(handler: Handler, options: SetupOptions = {}): Promise<Setup> {
  const { eventSource = {}, viewType = 'NEW_IMAGE', prefix = `t${randomUUID().slice(0, 8)}` } = options;
  const model = smallModel({ eventSource, viewType, prefix, ...(options.roles && { roles: options.roles }) });
  const engine = await startEngine({ db: inject('db') });
  closers.push(() => engine.close());
  await createTables(engine, model);
  const client = new EngineClient(engine.endpoint);
  closers.push(() => client.close());
  const { tableName } = model.orders;
  let running: EventSources | undefined;
  const write: Setup['write'] = async (operation, input) => {
    await client.call(operation, { TableName: tableName, ...input });
    running?.nudge(tableName);
  };
  const put = async (...sortKeys: number[]) => {
    for (const sk of sortKeys) await write('PutItem', { Item: item(sk) });
  };
  await options.before?.({ put, write });

  const batches: string[][] = [];
  const records: StreamRecord[] = [];
  const queues = await Queues.open({ model });
  const faults = new Faults();
  if (options.plan) faults.set(options.plan);
  const metering = new Metering();
  const invoke: Invoke = async (functionName, event) => {
    expect(functionName).toBe('consumer');
    const batch = (event as { Records: StreamRecord[] }).Records;
    batches.push(batch.map(sortKeyOf));
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
    engine,
    identities: createIdentities(model),
    metering,
    faults,
    queues,
    log: { info: () => {}, warn: () => {}, error: (source, message) => expect.fail(`${source}: ${message}`) },
    invoke,
    ...(options.dataDirectory !== undefined && { dataDirectory: options.dataDirectory }),
    ...(options.clock && { clock: options.clock }),
  });
  closers.push(() => sources.close());
  running = sources;
  const { endpoint } = engine;
  return { batches, records, faults, metering, queues, sources, endpoint, invoke, model, put, write };
}

export const item = (sk: number, pk = 'a') => ({ pk: { S: pk }, sk: { N: String(sk) } });
export const sortKeyOf = (record: StreamRecord) => String(record.dynamodb.Keys['sk']?.['N']);
export const succeed: Handler = () => undefined;
export const failOn =
  (...poison: string[]): Handler =>
  (records) => {
    if (records.some((record) => poison.includes(sortKeyOf(record)))) throw new Error('poison');
  };
export const reportFailed =
  (...poison: string[]): Handler =>
  (records) => ({
    batchItemFailures: records
      .filter((record) => poison.includes(sortKeyOf(record)))
      .map((record) => ({ itemIdentifier: record.dynamodb.SequenceNumber })),
  });
export const failuresOf = ({ queues }: Setup) =>
  queues.messages('Failures').map(({ body }) => JSON.parse(body) as FailureMetadata);

export interface FailureMetadata {
  requestContext: { condition: string; approximateInvokeCount: number };
  DDBStreamBatchInfo: { batchSize: number; startSequenceNumber: string; endSequenceNumber: string };
}
