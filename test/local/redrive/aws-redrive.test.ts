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
import { startAwsServices, type AwsServices } from './aws-services.ts';
import { startTrimmedStream } from './trimmed-stream.ts';

const stackName = 'serverless-im-prod';
const functionArn = 'arn:aws:lambda:us-east-1:000000000000:function:fan-out';

interface Deployed extends Setup {
  readonly services: AwsServices;
  readonly clients: AwsClients;
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
  const services = await startAwsServices({
    stackName,
    queueName: 'failures',
    mappings: {
      'mapping-without-a-queue': { EventSourceArn: streamArn, FunctionArn: functionArn },
      'mapping-1': {
        EventSourceArn: streamArn,
        FunctionArn: functionArn,
        BatchSize: 2,
        FunctionResponseTypes: ['ReportBatchItemFailures'],
        FilterCriteria: { Filters: [{ Pattern: '{"eventName":["INSERT"]}' }] },
        DestinationConfig: { OnFailure: { Destination: 'arn:aws:sqs:us-east-1:000000000000:failures' } },
      },
    },
    invoke: async (name, event) => {
      expect(name).toBe(functionArn);
      return setup.invoke('consumer', event);
    },
  });
  closers.push(() => services.close());
  const clients = connect(services.url, setup.endpoint);
  return {
    ...setup,
    services,
    clients,
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
      return services.put(JSON.stringify(message));
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
    expect(report).toEqual({ redriven: 12, records: 14, kept: [] });
    expect(stack.batches.slice(0, 3)).toEqual([['1', '2'], ['3'], ['5']]);
    expect(stack.services.messages()).toEqual([]);
  });

  it('keeps what fails, narrowed to where it failed, and gives it back to whoever looks next', async () => {
    const stack = await deploy(reportFailed('4'));
    await stack.failed(1, 5);
    await stack.failed(4, 4);
    const report = await redriveStack(stack.clients, stackName);
    expect(report).toMatchObject({ redriven: 0, records: 3, kept: [{}, {}] });
    const left = stack.services.messages();
    expect(left.map(({ visible }) => visible)).toEqual([true, true]);
    expect(left.map(({ body }) => JSON.parse(body) as unknown)).toMatchObject([
      { DDBStreamBatchInfo: { batchSize: 1 } },
      { version: '1.0', requestContext: { functionArn }, DDBStreamBatchInfo: { batchSize: 2 } },
    ]);
    // Neither of them was tried twice.
    expect(stack.batches).toEqual([['1', '2'], ['3', '4'], ['4']]);
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
    expect(stack.services.messages()).toMatchObject([{ visible: true }]);
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
    expect(stack.services.messages()).toMatchObject([{ visible: true }]);
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
