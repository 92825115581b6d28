// Just enough of SQS, Lambda and CloudFormation, over the wire protocols that the AWS SDK speaks with them.
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { InvocationResult } from '../../../local/model.ts';

type Json = Record<string, unknown>;

export interface AwsServicesOptions {
  readonly stackName: string;
  /** By UUID, as GetEventSourceMapping answers; the stack has these, a table and the queues. */
  readonly mappings: Readonly<Record<string, Json>>;
  /** By name, with the ARN of the queue that each gives up to. */
  readonly queues: Readonly<Record<string, string | undefined>>;
  readonly invoke: (functionName: string, event: unknown) => Promise<InvocationResult>;
}

interface StoredMessage {
  readonly messageId: string;
  readonly body: string;
  /** ARN of the queue that gave it up. */
  readonly sourceArn: string | undefined;
  receiptHandle: string | undefined;
}

export type AwsServices = Awaited<ReturnType<typeof startAwsServices>>;

export async function startAwsServices(options: AwsServicesOptions) {
  const queues = new Map(Object.keys(options.queues).map((name) => [name, [] as StoredMessage[]]));
  const put = (queueName: string, body: string, sourceArn?: string) => {
    const messageId = randomUUID();
    queues.get(queueName)!.push({ messageId, body, sourceArn, receiptHandle: undefined });
    return messageId;
  };
  const urlOf = (queueName: string) => `${url}/000000000000/${queueName}`;
  const server = createServer((request, response) => {
    void answer(request).then(
      ({ status = 200, type = 'application/json', body, headers = {} }) =>
        response.writeHead(status, { 'content-type': type, ...headers }).end(body),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });

  async function answer(request: IncomingMessage): Promise<Answer> {
    const text = await readText(request);
    const url = decodeURIComponent(request.url ?? '/');
    const target = request.headers['x-amz-target'];
    if (typeof target === 'string') return json(sqs(target.split('.')[1]!, JSON.parse(text) as Json));
    const [, functionName] = /^\/2015-03-31\/functions\/([^/]+)\/invocations/.exec(url) ?? [];
    if (functionName) return lambda(await options.invoke(functionName, JSON.parse(text)));
    const [, uuid] = /^\/2015-03-31\/event-source-mappings\/(.+)$/.exec(url) ?? [];
    if (uuid) return json({ UUID: uuid, ...options.mappings[uuid] });
    return { type: 'text/xml', body: stackResources(new URLSearchParams(text)) };
  }

  function sqs(action: string, input: Json): Json {
    const { QueueName, QueueUrl = '' } = input as { QueueName?: string; QueueUrl?: string };
    const name = QueueName ?? QueueUrl.split('/').at(-1)!;
    const queue = queues.get(name);
    if (!queue) throw new Error(`No queue ${name}`);
    const held = queue.find(({ receiptHandle }) => receiptHandle === input['ReceiptHandle'] && receiptHandle);
    switch (action) {
      case 'GetQueueUrl':
        return { QueueUrl: urlOf(name) };
      case 'GetQueueAttributes':
        return { Attributes: attributesOf(name, options.queues[name]) };
      case 'ReceiveMessage':
        return { Messages: receive(queue, input) };
      case 'SendMessage': {
        const body = String(input['MessageBody']);
        return { MessageId: put(name, body), MD5OfMessageBody: md5(body) };
      }
      case 'DeleteMessage':
        if (!held) throw new Error('No such receipt');
        queue.splice(queue.indexOf(held), 1);
        return {};
      case 'ChangeMessageVisibility':
        if (input['VisibilityTimeout'] === 0) held!.receiptHandle = undefined;
        return {};
      default:
        throw new Error(`SQS has no ${action} here`);
    }
  }

  /** In two pages, as long lists come. */
  function stackResources(query: URLSearchParams): string {
    if (query.get('Action') !== 'ListStackResources' || query.get('StackName') !== options.stackName)
      throw new Error(`CloudFormation was asked for ${query.toString()}`);
    const uuids = Object.keys(options.mappings);
    const page =
      query.get('NextToken') === null
        ? [
            member('AWS::DynamoDB::GlobalTable', 'messages'),
            ...[...queues.keys()].map((name) => member('AWS::SQS::Queue', urlOf(name))),
          ].join('')
        : uuids.map((uuid) => member('AWS::Lambda::EventSourceMapping', uuid)).join('');
    const next = query.get('NextToken') === null ? '<NextToken>more</NextToken>' : '';
    return `<ListStackResourcesResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><ListStackResourcesResult><StackResourceSummaries>${page}</StackResourceSummaries>${next}</ListStackResourcesResult></ListStackResourcesResponse>`;
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    put,
    /** Everything that is not deleted, and whether somebody may receive it. */
    messages: (queueName: string) =>
      queues
        .get(queueName)!
        .map(({ body, receiptHandle }) => ({ body, visible: receiptHandle === undefined })),
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

interface Answer {
  readonly status?: number;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

const json = (value: unknown): Answer => ({ body: JSON.stringify(value) });
const md5 = (text: string) => createHash('md5').update(text).digest('hex');

export const queueArn = (name: string) => `arn:aws:sqs:us-east-1:000000000000:${name}`;

function attributesOf(name: string, deadLetterTargetArn: string | undefined): Json {
  const policy = { deadLetterTargetArn, maxReceiveCount: 5 };
  return { QueueArn: queueArn(name), ...(deadLetterTargetArn && { RedrivePolicy: JSON.stringify(policy) }) };
}

function receive(queue: StoredMessage[], input: Json): Json[] {
  const asked = (input['MessageSystemAttributeNames'] ?? []) as string[];
  const count = Number(input['MaxNumberOfMessages']);
  const visible = queue.filter(({ receiptHandle }) => receiptHandle === undefined).slice(0, count);
  return visible.map((message) => {
    message.receiptHandle = randomUUID();
    const { messageId: MessageId, body: Body, receiptHandle: ReceiptHandle, sourceArn } = message;
    const told = sourceArn !== undefined && asked.includes('DeadLetterQueueSourceArn');
    const Attributes = { DeadLetterQueueSourceArn: sourceArn };
    return { MessageId, Body, ReceiptHandle, MD5OfBody: md5(Body), ...(told && { Attributes }) };
  });
}

/** A function that fails is answered 200, with a header that says so. */
function lambda(result: InvocationResult): Answer {
  if (result.outcome === 'returned') return json(result.payload ?? null);
  const { errorType, errorMessage } = result;
  return { ...json({ errorType, errorMessage }), headers: { 'x-amz-function-error': 'Unhandled' } };
}

function member(type: string, physicalId: string): string {
  return `<member><LogicalResourceId>x</LogicalResourceId><PhysicalResourceId>${physicalId}</PhysicalResourceId><ResourceType>${type}</ResourceType><LastUpdatedTimestamp>2026-11-22T00:00:00Z</LastUpdatedTimestamp><ResourceStatus>CREATE_COMPLETE</ResourceStatus></member>`;
}

async function readText(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += String(chunk);
  return text;
}
