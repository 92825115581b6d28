// The AWS half, as far as a laptop can show it: the SDK's own clients against the engine's streams, and against
// servers that speak the protocols of SQS, Lambda and CloudFormation. Only AWS itself shows permissions and retention.
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { DynamoDBStreamsClient, type _Record } from '@aws-sdk/client-dynamodb-streams';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, it } from 'vitest';
import { EngineClient } from '../../../local/dynamodb/engines/client.ts';
import { toLambdaRecord } from '../../../local/redrive/aws-records.ts';
import { redriveStack, type AwsClients } from '../../../local/redrive/aws-redrive.ts';
import { findStreamArn } from '../../../local/event-source/stream-record.ts';
import { closers, reportFailed, setUp, type Handler, type Setup } from '../event-source/setup.ts';
import { queueArn, startAwsServices, type AwsServices } from './aws-services.ts';
import { startTrimmedStream } from './trimmed-stream.ts';

const stackName = 'serverless-im-prod';
const functionArn = 'arn:aws:lambda:us-east-1:000000000000:function:fan-out';
const otherFunctionArn = 'arn:aws:lambda:us-east-1:000000000000:function:wake-notifier';

interface Deployed extends Setup {
  readonly services: AwsServices;
  readonly clients: AwsClients;
  /** Functions, in the order of their invocations. */
  readonly invoked: readonly string[];
  /** A message about the records that have these sort keys. */
  failed(first: number, last: number, change?: object): Promise<string>;
}

/** A stack whose stream holds five records, and whose function is `handler`. */
async function deploy(handler: Handler): Promise<Deployed> {
  const setup = await setUp(handler, { before: ({ put }) => put(1, 2, 3, 4, 5) });
  await setup.sources.settled();
  setup.batches.splice(0);
  const numbers = setup.records.map(({ dynamodb }) => dynamodb.SequenceNumber);
  const engine = new EngineClient(setup.endpoint);
  closers.push(() => engine.close());
  const streamArn = await findStreamArn(engine, setup.model.orders.tableName);
  const { StreamDescription: stream } = await engine.call<{
    StreamDescription: { Shards: { ShardId: string }[] };
  }>('DescribeStream', { StreamArn: streamArn });
  const invoked: string[] = [];
  const services = await startAwsServices({
    stackName,
    queues: {
      failures: undefined,
      parts: queueArn('dead'),
      notes: queueArn('dead'),
      dead: undefined,
    },
    mappings: {
      'mapping-without-a-queue': { EventSourceArn: streamArn, FunctionArn: functionArn },
      'mapping-1': {
        EventSourceArn: streamArn,
        FunctionArn: functionArn,
        BatchSize: 2,
        FunctionResponseTypes: ['ReportBatchItemFailures'],
        FilterCriteria: { Filters: [{ Pattern: '{"eventName":["INSERT"]}' }] },
        DestinationConfig: { OnFailure: { Destination: queueArn('failures') } },
      },
      'mapping-2': {
        EventSourceArn: `${streamArn}/of-another-table`,
        FunctionArn: otherFunctionArn,
        DestinationConfig: { OnFailure: { Destination: queueArn('failures') } },
      },
    },
    invoke: async (name, event) => {
      invoked.push(name);
      return setup.invoke('consumer', event);
    },
  });
  closers.push(() => services.close());
  const clients = connect(services.url, setup.endpoint);
  return {
    ...setup,
    services,
    clients,
    invoked,
    async failed(first, last, change = {}) {
      const DDBStreamBatchInfo = {
        shardId: stream.Shards[0]!.ShardId,
        startSequenceNumber: numbers[first - 1],
        endSequenceNumber: numbers[last - 1],
        batchSize: last - first + 1,
        streamArn,
        ...change,
      };
      const message = { requestContext: { functionArn }, version: '1.0', DDBStreamBatchInfo };
      return services.put('failures', JSON.stringify(message));
    },
  };
}

function connect(url: string, streamsUrl: string): AwsClients {
  const common = {
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  };
  const clients = {
    cloudFormation: new CloudFormationClient({ ...common, endpoint: url }),
    sqs: new SQSClient({ ...common, endpoint: url }),
    lambda: new LambdaClient({ ...common, endpoint: url }),
    streams: new DynamoDBStreamsClient({ ...common, endpoint: streamsUrl }),
  };
  closers.push(() => {
    for (const client of Object.values(clients)) client.destroy();
  });
  return clients;
}

describe('a stack', () => {
  it('is redriven in batches of its mapping, from every page of its queue', async () => {
    const stack = await deploy(() => ({ batchItemFailures: [] }));
    await stack.failed(1, 3);
    for (let n = 1; n <= 11; n += 1) await stack.failed(5, 5);
    const report = await redriveStack(stack.clients, stackName);
    expect(report).toEqual({ redriven: 12, records: 14, moved: 0, kept: [] });
    expect(stack.batches.slice(0, 3)).toEqual([['1', '2'], ['3'], ['5']]);
    expect(new Set(stack.invoked)).toEqual(new Set([functionArn]));
    expect(stack.services.messages('failures')).toEqual([]);
  });

  it('keeps what fails, narrowed to where it failed, and gives it back to whoever looks next', async () => {
    const stack = await deploy(reportFailed('4'));
    await stack.failed(1, 5);
    await stack.failed(4, 4);
    const report = await redriveStack(stack.clients, stackName);
    expect(report).toMatchObject({ redriven: 0, records: 3, kept: [{}, {}] });
    const left = stack.services.messages('failures');
    expect(left.map(({ visible }) => visible)).toEqual([true, true]);
    expect(left.map(({ body }) => JSON.parse(body) as unknown)).toMatchObject([
      { DDBStreamBatchInfo: { batchSize: 1 } },
      { version: '1.0', requestContext: { functionArn }, DDBStreamBatchInfo: { batchSize: 2 } },
    ]);
    // Neither of them was tried twice.
    expect(stack.batches).toEqual([['1', '2'], ['3', '4'], ['4']]);
  });

  it('moves dead letters back to the queue that gave each of them up', async () => {
    const { services, clients } = await deploy(() => undefined);
    for (let n = 1; n <= 12; n += 1) services.put('dead', `part ${n}`, queueArn('parts'));
    services.put('dead', 'note', queueArn('notes'));
    expect(await redriveStack(clients, stackName)).toEqual({ redriven: 0, records: 0, moved: 13, kept: [] });
    expect(services.messages('parts').map(({ body }) => body)).toEqual(
      Array.from({ length: 12 }, (_, index) => `part ${index + 1}`),
    );
    expect(services.messages('notes')).toEqual([{ body: 'note', visible: true }]);
    expect(services.messages('dead')).toEqual([]);
  });

  it('keeps dead letters whose queue is not known, and gives them back', async () => {
    const { services, clients } = await deploy(() => undefined);
    const ids = [services.put('dead', 'by hand'), services.put('dead', 'foreign', queueArn('elsewhere'))];
    expect(await redriveStack(clients, stackName)).toEqual({
      redriven: 0,
      records: 0,
      moved: 0,
      kept: [
        { messageId: ids[0], reason: expect.stringContaining('which it came from is not known') },
        { messageId: ids[1], reason: expect.stringContaining(`${queueArn('elsewhere')}, which gave it up`) },
      ],
    });
    expect(services.messages('dead').map(({ visible }) => visible)).toEqual([true, true]);
  });

  it('hands a range to the function that its message names, of all mappings of the stack', async () => {
    const stack = await deploy(() => ({ batchItemFailures: [] }));
    const { messages, put } = stack.services;
    await stack.failed(2, 2);
    const { body } = messages('failures')[0]!;
    const { DDBStreamBatchInfo: range } = JSON.parse(body) as { DDBStreamBatchInfo: { streamArn: string } };
    const streamArn = `${range.streamArn}/of-another-table`;
    const requestContext = { functionArn: otherFunctionArn };
    put('failures', JSON.stringify({ requestContext, DDBStreamBatchInfo: { ...range, streamArn } }));
    const { streams } = stack.clients;
    // The engine has one stream: both names stand for it.
    streams.middlewareStack.add(
      (next) => (args) => {
        const input = args.input as { StreamArn?: string };
        if (input.StreamArn) input.StreamArn = range.streamArn;
        return next(args);
      },
      { step: 'initialize' },
    );
    expect(await redriveStack(stack.clients, stackName)).toMatchObject({ redriven: 2, records: 2, kept: [] });
    expect(stack.invoked).toEqual([functionArn, otherFunctionArn]);
    expect(stack.records.at(-1)?.eventSourceARN).toBe(streamArn);
  });

  it('keeps what makes the function throw, with what it said', async () => {
    let broken = false;
    const stack = await deploy((records) => {
      if (broken) throw new Error(`cannot deliver ${records.length}`);
    });
    broken = true;
    await stack.failed(1, 2);
    expect(await redriveStack(stack.clients, stackName)).toMatchObject({
      redriven: 0,
      kept: [{ reason: `${functionArn} failed (error): Error: cannot deliver 2` }],
    });
    expect(stack.services.messages('failures')).toMatchObject([{ visible: true }]);
  });

  it('keeps and names what the stream has trimmed', async () => {
    const stack = await deploy(() => undefined);
    await stack.failed(1, 1);
    const stream = await startTrimmedStream();
    closers.push(() => stream.close());
    const { streams } = connect(stack.services.url, stream.url);
    expect(await redriveStack({ ...stack.clients, streams }, stackName)).toMatchObject({
      redriven: 0,
      kept: [{ reason: 'trimmed: the stream no longer has these records' }],
    });
    expect(stack.services.messages('failures')).toMatchObject([{ visible: true }]);
    expect(stack.batches).toEqual([]);
  });
});

describe('a record', () => {
  // API_streams_Record and the example event of "Using Lambda with Amazon DynamoDB": what differs is tested.
  it('becomes the event that Lambda makes of it', () => {
    const record: _Record = {
      eventID: 'c81e728d9d4c2f636f067f89cc14862c',
      eventName: 'REMOVE',
      eventVersion: '1.1',
      eventSource: 'aws:dynamodb',
      awsRegion: 'us-east-1',
      userIdentity: { PrincipalId: 'dynamodb.amazonaws.com', Type: 'Service' },
      dynamodb: {
        ApproximateCreationDateTime: new Date('2026-11-22T12:00:00.250Z'),
        Keys: { pk: { S: 'a' } },
        OldImage: {
          pk: { S: 'a' },
          bytes: { B: Uint8Array.of(0, 1, 2) },
          deep: { L: [{ M: { set: { BS: [Buffer.from('hi')] } } }] },
        },
        SequenceNumber: '17',
        SizeBytes: 42,
        StreamViewType: 'OLD_IMAGE',
      },
    };
    expect(toLambdaRecord(record, 'arn:stream')).toEqual({
      eventID: 'c81e728d9d4c2f636f067f89cc14862c',
      eventName: 'REMOVE',
      eventVersion: '1.1',
      eventSource: 'aws:dynamodb',
      awsRegion: 'us-east-1',
      userIdentity: { principalId: 'dynamodb.amazonaws.com', type: 'Service' },
      dynamodb: {
        ApproximateCreationDateTime: Date.parse('2026-11-22T12:00:00Z') / 1000,
        Keys: { pk: { S: 'a' } },
        OldImage: { pk: { S: 'a' }, bytes: { B: 'AAEC' }, deep: { L: [{ M: { set: { BS: ['aGk='] } } }] } },
        SequenceNumber: '17',
        SizeBytes: 42,
        StreamViewType: 'OLD_IMAGE',
      },
      eventSourceARN: 'arn:stream',
    });
  });
});
