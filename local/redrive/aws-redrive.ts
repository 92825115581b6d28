// Redriving a deployed stack: SQS, DynamoDB Streams and Lambda, with the permissions of whoever runs it.
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import {
  DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
} from '@aws-sdk/client-dynamodb-streams';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { InvocationResult } from '../model.ts';
import { openQueue } from './aws-queue.ts';
import { toLambdaRecord } from './aws-records.ts';
import { findStack, type AwsStack } from './aws-stack.ts';
import { moveBack } from './dead-letters.ts';
import { redrive } from './redrive.ts';
import { total, type RedriveReport } from './report.ts';
import type { Stream } from './stream-range.ts';

export interface AwsClients {
  readonly cloudFormation: CloudFormationClient;
  readonly sqs: SQSClient;
  readonly streams: DynamoDBStreamsClient;
  readonly lambda: LambdaClient;
}

/** Region and credentials are found as every AWS tool finds them. */
export function connectToAws(region: string | undefined): AwsClients {
  const configuration = region === undefined ? {} : { region };
  return {
    cloudFormation: new CloudFormationClient(configuration),
    sqs: new SQSClient(configuration),
    streams: new DynamoDBStreamsClient(configuration),
    lambda: new LambdaClient(configuration),
  };
}

export async function redriveStack(clients: AwsClients, stackName: string): Promise<RedriveReport> {
  const stack = await findStack(clients, stackName);
  const failureQueues = new Set(stack.mappings.map(({ queueArn }) => queueArn));
  const reports: RedriveReport[] = [];
  for (const queueArn of failureQueues) reports.push(await redriveRanges(clients, stack, queueArn));
  for (const { arn } of stack.queues) {
    if (!failureQueues.has(arn)) reports.push(await redriveDeadLetters(clients, stack, arn));
  }
  return total(reports);
}

async function redriveRanges(
  { sqs, streams, lambda }: AwsClients,
  { mappings }: AwsStack,
  queueArn: string,
): Promise<RedriveReport> {
  return await redrive({
    queue: await openQueue(sqs, queueArn),
    stream: streamOf(streams),
    mappingOf: (range) =>
      mappings.find(
        ({ streamArn, functionArn }) => streamArn === range.streamArn && functionArn === range.functionArn,
      ),
    invoke: (functionName, event) => invoke(lambda, functionName, event),
  });
}

/** A queue that no other gives up to has none: it is not even looked at. */
async function redriveDeadLetters(
  { sqs }: AwsClients,
  { queues }: AwsStack,
  queueArn: string,
): Promise<RedriveReport> {
  const sources = queues.filter(({ deadLetterArn }) => deadLetterArn === queueArn);
  if (sources.length === 0) return total([]);
  return await moveBack({
    queue: await openQueue(sqs, queueArn),
    sourceArns: sources.map(({ arn }) => arn),
    async send(arn, body) {
      const { url } = sources.find((source) => source.arn === arn)!;
      await sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: body }));
    },
  });
}

function streamOf(client: DynamoDBStreamsClient): Stream {
  return {
    async *pages({ streamArn, shardId, startSequenceNumber }) {
      const start = await client.send(
        new GetShardIteratorCommand({
          StreamArn: streamArn,
          ShardId: shardId,
          ShardIteratorType: 'AT_SEQUENCE_NUMBER',
          SequenceNumber: startSequenceNumber,
        }),
      );
      let iterator = start.ShardIterator;
      while (iterator !== undefined) {
        const page = await client.send(new GetRecordsCommand({ ShardIterator: iterator }));
        yield (page.Records ?? []).map((record) => toLambdaRecord(record, streamArn));
        iterator = page.NextShardIterator;
      }
    },
  };
}

async function invoke(client: LambdaClient, functionName: string, event: object): Promise<InvocationResult> {
  const { FunctionError, Payload } = await client.send(
    new InvokeCommand({ FunctionName: functionName, Payload: JSON.stringify(event) }),
  );
  const text = Payload ? Buffer.from(Payload).toString() : 'null';
  const payload = JSON.parse(text || 'null') as unknown;
  if (FunctionError === undefined) return { outcome: 'returned', payload };
  const { errorType = FunctionError, errorMessage = text } = payload as Record<string, string | undefined>;
  return { outcome: 'error', errorType, errorMessage };
}
