// Two tables with streams, a function behind each: each gets its own, is metered by itself, and is redriven by itself.
import { inject, expect, it } from 'vitest';
import { EngineClient } from '../../../local/dynamodb/engines/client.ts';
import { createTables, startEngine } from '../../../local/dynamodb/engines/engine.ts';
import { TtlDeletions } from '../../../local/dynamodb/ttl.ts';
import { startEventSources } from '../../../local/event-source/event-source.ts';
import type { StreamRecord } from '../../../local/event-source/stream-record.ts';
import { Faults } from '../../../local/faults/faults.ts';
import { createIdentities } from '../../../local/iam/roles.ts';
import { Metering } from '../../../local/metering.ts';
import type { CloudModel, Invoke } from '../../../local/model.ts';
import { createLocalRedrive } from '../../../local/redrive/local-redrive.ts';
import { Queues } from '../../../local/sqs/queues.ts';
import { closers, item, sortKeyOf } from '../event-source/setup.ts';
import { allow, smallModel } from '../small-model.ts';

/** `Orders` invokes `consumer`, `Notes` invokes `writer`. */
function twoStreams() {
  const small = smallModel({ eventSource: { maximumRetryAttempts: 0 } });
  const arn = `${small.notes.arn}/stream/2026-11-26T00:00:00.000`;
  const notes = { ...small.notes, stream: { viewType: 'NEW_IMAGE', arn } };
  const [toConsumer] = small.eventSources;
  const toWriter = {
    ...toConsumer!,
    id: 'notes-to-writer',
    tableName: notes.tableName,
    functionName: 'writer',
  };
  const reads = ['DescribeStream', 'GetRecords', 'GetShardIterator', 'ListStreams'];
  const sends = { effect: 'Allow' as const, actions: ['sqs:SendMessage'], resources: ['*'] };
  const functions = small.functions.map((definition) =>
    definition.name === 'writer'
      ? { ...definition, role: { ...definition.role, statements: [allow(reads, arn), sends] } }
      : definition,
  );
  const model: CloudModel = {
    ...small,
    tables: [small.orders, notes],
    functions,
    eventSources: [toConsumer!, toWriter],
  };
  return { model, orders: small.orders, notes };
}

it('what either gives up is read from its own stream again, by its own function', async () => {
  const { model, orders, notes } = twoStreams();
  const engine = await startEngine({ db: inject('db') });
  closers.push(() => engine.close());
  await createTables(engine, model);
  const client = new EngineClient(engine.endpoint);
  closers.push(() => client.close());
  const put = async (tableName: string, sk: number) =>
    await client.call('PutItem', { TableName: tableName, Item: item(sk) });

  let broken = true;
  const got: Record<string, string[]> = { consumer: [], writer: [] };
  const invoke: Invoke = async (functionName, event) => {
    if (broken) return { outcome: 'error', errorType: 'Error', errorMessage: 'not yet' };
    got[functionName]!.push(...(event as { Records: StreamRecord[] }).Records.map(sortKeyOf));
    return { outcome: 'returned', payload: null };
  };
  await put(orders.tableName, 1);
  await put(notes.tableName, 2);
  await put(notes.tableName, 3);
  const metering = new Metering();
  const queues = await Queues.open({ model });
  const log = { info: () => {}, warn: () => {}, error: (_: string, text: string) => expect.fail(text) };
  const parts = { model, engine, identities: createIdentities(model), metering, queues, invoke, log };
  const sources = await startEventSources({ ...parts, faults: new Faults() });
  closers.push(() => sources.close());
  await sources.settled();
  expect(metering.snapshot().eventSources).toMatchObject({
    'orders-to-consumer': { invoked: 1, onFailureDestinationDelivered: 1 },
    'notes-to-writer': { invoked: 2, onFailureDestinationDelivered: 2 },
  });
  expect(queues.messages('Failures')).toHaveLength(2);

  broken = false;
  const redrive = createLocalRedrive({ ...parts, deletions: new TtlDeletions() });
  closers.push(() => redrive.close());
  expect(await redrive.run()).toEqual({ redriven: 2, records: 3, moved: 0, kept: [] });
  expect(got).toEqual({ consumer: ['1'], writer: ['2', '3'] });
  expect(queues.messages('Failures')).toEqual([]);

  await put(orders.tableName, 4);
  sources.nudge(orders.tableName);
  await put(notes.tableName, 5);
  sources.nudge(notes.tableName);
  await sources.settled();
  expect(got).toEqual({ consumer: ['1', '4'], writer: ['2', '3', '5'] });
});
