// What functions take for SQS, asked by the AWS SDK, which checks the digests of what it sends.
import {
  GetQueueAttributesCommand,
  PurgeQueueCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterEach, describe, expect, it } from 'vitest';
import { createIdentities } from '../../../local/iam/roles.ts';
import { Metering } from '../../../local/metering.ts';
import { startSqs } from '../../../local/sqs/sqs.ts';
import { smallQueueModel } from '../small-model.ts';

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (let closer = closers.pop(); closer; closer = closers.pop()) await closer();
});

async function setUp() {
  const model = smallQueueModel();
  const identities = createIdentities(model);
  const warnings: string[] = [];
  const log = {
    info: () => {},
    warn: (_: string, text: string) => void warnings.push(text),
    error: (_: string, text: string) => expect.fail(text),
  };
  const sqs = await startSqs({ model, identities, metering: new Metering(), log });
  closers.push(() => sqs.close());
  const clientOf = (functionName: string) => {
    const credentials = identities.credentialsFor(functionName, 'test');
    const client = new SQSClient({ region: model.region, endpoint: sqs.url, credentials, maxAttempts: 1 });
    closers.push(() => client.destroy());
    return client;
  };
  const { queues, url } = sqs;
  return { model, queues, url, warnings, clientOf, writer: clientOf('writer'), QueueUrl: model.chunks.url };
}

const entries = (count: number, body = 'x') =>
  Array.from({ length: count }, (_, index) => ({ Id: String(index), MessageBody: body }));

describe('SendMessage', () => {
  it('puts a message into the queue that the URL names, from whom the credentials are of', async () => {
    const { writer, queues, model, QueueUrl } = await setUp();
    const { MessageId } = await writer.send(new SendMessageCommand({ QueueUrl, MessageBody: 'häppchen 🍪' }));
    expect(queues.messages('Chunks')).toMatchObject([{ messageId: MessageId, body: 'häppchen 🍪' }]);
    const received = queues.find(model.chunks.arn)!.receive();
    expect(received?.senderId).toBe(`${model.stackName}-writer-role:${model.stackName}-writer`);
  });

  it('takes a delay of up to 900 seconds', async () => {
    const { writer, queues, model, QueueUrl } = await setUp();
    await writer.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x', DelaySeconds: 900 }));
    expect(queues.find(model.chunks.arn)!.counts()).toEqual({ visible: 0, delayed: 1, inFlight: 0 });
    await expect(
      writer.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x', DelaySeconds: 901 })),
    ).rejects.toThrow(/DelaySeconds must be >= 0 and <= 900/);
  });

  it.each([
    ['more than 1 MiB', 'x'.repeat(1024 * 1024 + 1), /shorter than 1048576 bytes/],
    ['characters that XML does not have', 'a\u0000b', /Invalid characters/],
    ['nothing', '', /MessageBody/],
  ])('refuses %s', async (_, MessageBody, problem) => {
    const { writer, queues, QueueUrl } = await setUp();
    await expect(writer.send(new SendMessageCommand({ QueueUrl, MessageBody }))).rejects.toThrow(problem);
    expect(queues.messages('Chunks')).toEqual([]);
  });

  it('takes 1 MiB', async () => {
    const { writer, queues, QueueUrl } = await setUp();
    await writer.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x'.repeat(1024 * 1024) }));
    expect(queues.messages('Chunks')).toHaveLength(1);
  });
});

describe('SendMessageBatch', () => {
  it('takes what is good and names what is not', async () => {
    const { writer, queues, QueueUrl } = await setUp();
    const Entries = [
      { Id: 'good', MessageBody: '1' },
      { Id: 'bad', MessageBody: '2', DelaySeconds: -1 },
    ];
    const { Successful, Failed } = await writer.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    expect(Successful).toMatchObject([{ Id: 'good' }]);
    expect(Failed).toMatchObject([{ Id: 'bad', Code: 'InvalidParameterValue', SenderFault: true }]);
    expect(queues.messages('Chunks').map(({ body }) => body)).toEqual(['1']);
  });

  it.each([
    ['TooManyEntriesInBatchRequest', entries(11)],
    ['EmptyBatchRequest', []],
    ['BatchEntryIdsNotDistinct', [...entries(1), ...entries(1)]],
    ['InvalidBatchEntryId', [{ Id: 'a b', MessageBody: 'x' }]],
    ['BatchRequestTooLong', entries(2, 'x'.repeat(600 * 1024))],
  ])('refuses a batch as a whole: %s', async (name, Entries) => {
    const { writer, queues, QueueUrl } = await setUp();
    await expect(writer.send(new SendMessageBatchCommand({ QueueUrl, Entries }))).rejects.toMatchObject({
      name: expect.stringContaining(name),
    });
    expect(queues.messages('Chunks')).toEqual([]);
  });
});

describe('who may', () => {
  it('is a function whose role allows it, for this queue alone', async () => {
    const { writer, clientOf, model, warnings, QueueUrl } = await setUp();
    const refused = {
      name: expect.stringContaining('AccessDenied'),
      message: expect.stringContaining('sqs:SendMessage on resource'),
    };
    const other = { QueueUrl: model.deadLetters.url, MessageBody: 'x' };
    await expect(writer.send(new SendMessageCommand(other))).rejects.toMatchObject(refused);
    await expect(
      clientOf('consumer').send(new SendMessageCommand({ QueueUrl, MessageBody: 'x' })),
    ).rejects.toMatchObject(refused);
    expect(warnings).toHaveLength(2);
  });

  it('is nobody without known credentials, and no web page', async () => {
    const { url, QueueUrl } = await setUp();
    const ask = async (headers: Record<string, string>) => {
      const body = JSON.stringify({ QueueUrl, MessageBody: 'x' });
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'x-amz-target': 'AmazonSQS.SendMessage', ...headers },
        body,
      });
      return await response.text();
    };
    expect(await ask({})).toMatch(/MissingAuthenticationToken/);
    expect(
      await ask({ authorization: 'AWS4-HMAC-SHA256 Credential=ASIAX/1/us-east-1/sqs/aws4_request' }),
    ).toMatch(/UnrecognizedClient/);
    expect(await ask({ origin: 'https://evil.example' })).toMatch(/AccessDenied/);
  });
});

it('GetQueueAttributes tells counts and settings', async () => {
  const { clientOf, model, queues, QueueUrl } = await setUp();
  for (const delayMs of [0, 0, 60_000]) await queues.send(model.chunks.arn, 'x', { senderId: 's', delayMs });
  queues.find(model.chunks.arn)!.receive();
  const { Attributes } = await clientOf('consumer').send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }),
  );
  expect(Attributes).toMatchObject({
    ApproximateNumberOfMessages: '1',
    ApproximateNumberOfMessagesDelayed: '1',
    ApproximateNumberOfMessagesNotVisible: '1',
    QueueArn: model.chunks.arn,
    VisibilityTimeout: '30',
  });
});

it('what is not known here is refused by name', async () => {
  const { writer, QueueUrl } = await setUp();
  await expect(writer.send(new PurgeQueueCommand({ QueueUrl }))).rejects.toThrow(
    /does not know AmazonSQS.PurgeQueue/,
  );
  const MessageAttributes = { a: { DataType: 'String', StringValue: 'b' } };
  await expect(
    writer.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x', MessageAttributes })),
  ).rejects.toThrow(/does not know MessageAttributes/);
});
