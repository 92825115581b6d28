// From the gateway's request id to the line of fan-out: on real tables, without a gateway.
import { marshall } from '@aws-sdk/util-dynamodb';
import type { DynamoDBStreamEvent, SQSEvent } from 'aws-lambda';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Caller, Context, Delivery } from '../../src/core/context.ts';
import { createGroup } from '../../src/core/groups/create-group.ts';
import { send } from '../../src/core/send.ts';
import { traceAttribute } from '../../src/core/tables.ts';
import { sendFrame } from '../../src/protocol/client-frames.ts';
import type { WebSocketEvent } from '../../src/runtime/caller.ts';
import { route } from '../../src/runtime/route.ts';
import { messageStream } from '../../src/runtime/stream.ts';
import { taskQueue } from '../../src/runtime/tasks.ts';
import { startTables, type TestTables } from '../support/tables.ts';

let tables: TestTables;
beforeAll(async () => {
  tables = await startTables();
});
afterAll(() => tables.close());

function frameOf(caller: Caller, requestId: string, frame: object): WebSocketEvent {
  const { userId: principalId, deviceId, platform, connectionId, connectedAt, expiresAt, arrivedAt } = caller;
  return {
    requestContext: {
      routeKey: 'send',
      eventType: 'MESSAGE',
      connectionId,
      requestId,
      connectedAt,
      requestTimeEpoch: arrivedAt,
      authorizer: { principalId, deviceId, platform, expiresAt },
    },
    body: JSON.stringify({ action: 'send', id: 'r', ...frame }),
  };
}

async function storedFrom(userId: string) {
  return (await tables.scan('Messages')).filter((item) => item['from'] === userId);
}

const message = (to: string, clientMsgId: string) => ({
  to: `user:${to}`,
  clientMsgId,
  type: 'text',
  body: { text: 'hi' },
});

test('P9.1 a message keeps the id of the request that stored it; a repeat stores nothing', async () => {
  const [alice] = [await tables.connect('alice'), await tables.connect('bob')];
  const answer = route({ send: [sendFrame, send] }, tables.context());
  await answer(frameOf(alice, 'first-request', message('bob', 'message-1')));
  await answer(frameOf(alice, 'its-repeat', message('bob', 'message-1')));
  await answer(frameOf(alice, 'second-request', message('bob', 'message-2')));
  const traces = new Map((await storedFrom('alice')).map((item) => [item['seq'], item[traceAttribute]]));
  expect(Object.fromEntries(traces)).toEqual({ 1: 'first-request', 2: 'second-request' });
});

test.each(['accepted', 'gone', 'failed'] as const)(
  'P9.1 pushes are counted by what became of them: %s',
  async (delivery: Delivery) => {
    const names = { from: `from-${delivery}`, to: `to-${delivery}` };
    const [from] = [await tables.connect(names.from), await tables.connect(names.to)];
    await route(
      { send: [sendFrame, send] },
      tables.context(),
    )(frameOf(from, `request-${delivery}`, message(names.to, 'message-1')));
    const lines: unknown[] = [];
    const ctx: Context = {
      ...tables.context({ push: async () => delivery }),
      log: { info: (event, fields) => lines.push({ event, ...fields }), warn: () => {}, error: () => {} },
    };
    const [item] = await storedFrom(names.from);
    const record = { SequenceNumber: '1', NewImage: marshall(item!) };
    const event = { Records: [{ dynamodb: record }] } as unknown as DynamoDBStreamEvent;
    expect(await messageStream(ctx)(event, { awsRequestId: 'an-invocation' })).toEqual({
      batchItemFailures: [],
    });
    expect(lines).toEqual([
      {
        event: 'fanned out',
        invocation: 'an-invocation',
        messages: [
          { requestId: `request-${delivery}`, conversationId: `d:${names.from}:${names.to}`, seq: 1 },
        ],
        recipients: 2,
        pushes: { accepted: 0, gone: 0, failed: 0, stalled: 0, [delivery]: 1 },
        tasks: 0,
        undelivered: 0,
      },
    ]);
  },
);

test('P9.1 of a part of a large group it is logged what it was about, and what it pushed', async () => {
  const [owner] = [await tables.connect('owner'), await tables.connect('member')];
  const created = await createGroup(tables.context(), owner, {
    action: 'createGroup',
    id: 'c',
    clientGroupId: 'traced-group',
    title: 'Traced',
    members: ['member'],
  });
  const { conversationId } = created as { conversationId: string };
  const lines: unknown[] = [];
  const ctx: Context = {
    ...tables.context(),
    log: { info: (event, fields) => lines.push({ event, ...fields }), warn: () => {}, error: () => {} },
  };
  const users = { from: 'member', to: 'member' };
  const task = { kind: 'deliver', conversationId, seqs: [1], users };
  const event = { Records: [{ messageId: 'm', body: JSON.stringify(task) }] } as unknown as SQSEvent;
  expect(await taskQueue(ctx)(event, { awsRequestId: 'an-invocation' })).toEqual({ batchItemFailures: [] });
  expect(lines).toEqual([
    {
      event: 'task done',
      invocation: 'an-invocation',
      kind: 'deliver',
      conversationId,
      seqs: [1],
      pushes: { accepted: 1, gone: 0, failed: 0, stalled: 0 },
      tasks: 0,
    },
  ]);
});
