// What functions take for SQS: knows the caller, checks its role, and puts messages into the template's queues.
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FunctionRequest, Identities, Identity } from '../iam/roles.ts';
import type { Log } from '../log.ts';
import type { CloudModel, QueueModel } from '../model.ts';
import { isOfPage, parseObject, readBody, startServiceServer, type ServiceServer } from '../service-http.ts';
import { commonRefusal, refusal, write, type Answer } from './answers.ts';
import { batchRefusal, problemOf, type MessageInput } from './messages.ts';
import type { Queues } from './queues.ts';

export interface SqsEndpointOptions {
  readonly model: CloudModel;
  readonly queues: Pick<Queues, 'find' | 'send'>;
  readonly identities: Pick<Identities, 'identify' | 'authorize'>;
  readonly log: Log;
  readonly onRequest?: ((request: FunctionRequest) => void) | undefined;
}

interface Call {
  readonly queue: QueueModel;
  readonly input: Readonly<Record<string, unknown>>;
  readonly senderId: string;
}

interface Operation {
  /** Batches need the permission of what they are made of, as on AWS. */
  readonly action: string;
  readonly carryOut: (call: Call, queues: SqsEndpointOptions['queues']) => Promise<Answer> | Answer;
}

/** Ten messages, each character escaped as JSON makes it. */
const maximumRequestBytes = 8 * 1024 * 1024;

const operations: Readonly<Record<string, Operation>> = {
  SendMessage: { action: 'sqs:SendMessage', carryOut: sendMessage },
  SendMessageBatch: { action: 'sqs:SendMessage', carryOut: sendMessageBatch },
  GetQueueAttributes: { action: 'sqs:GetQueueAttributes', carryOut: getQueueAttributes },
};

export async function startSqsEndpoint(options: SqsEndpointOptions): Promise<ServiceServer> {
  return await startServiceServer((request, response) => {
    answer(request, options).then(
      (result) => write(response, result),
      (error: unknown) => {
        if (!request.destroyed) options.log.error('sqs', String(error));
        response.destroy();
      },
    );
  });
}

async function answer(request: IncomingMessage, options: SqsEndpointOptions): Promise<Answer> {
  const { identities, model, queues, log, onRequest } = options;
  if (isOfPage(request)) return commonRefusal('AccessDeniedException', 'Web pages have no access', 403);
  const body = await readBody(request, maximumRequestBytes);
  if (body === undefined) return refusal('InvalidParameterValue', 'Request too large');
  if (!request.headers.authorization) {
    return commonRefusal(
      'MissingAuthenticationTokenException',
      'Request is missing Authentication Token',
      403,
    );
  }
  const identity = identities.identify(request.headers);
  if (!identity) {
    const message = 'The security token included in the request is invalid.';
    return commonRefusal('UnrecognizedClientException', message, 403);
  }
  const target = String(request.headers['x-amz-target'] ?? '');
  const { method = '', url: path = '' } = request;
  onRequest?.({ functionName: identity.functionName, method, path, target, body });
  const name = /^AmazonSQS\.(\w+)$/.exec(target)?.[1] ?? '';
  const operation = operations[name];
  if (!operation) {
    const known = Object.keys(operations).join(', ');
    return refusal(
      'UnsupportedOperation',
      `The local cloud does not know ${target || 'this'}; it knows ${known}`,
    );
  }
  const input = parseObject(body);
  if (!input) return commonRefusal('SerializationException', '');
  const arn = arnOf(input['QueueUrl'], model);
  const verdict = identities.authorize(identity, operation.action, arn);
  if (!verdict.allowed) {
    log.warn(identity.functionName, verdict.message);
    return commonRefusal('AccessDeniedException', verdict.message, 403);
  }
  const queue = queues.find(arn)?.model;
  if (!queue) {
    const message = 'The specified queue does not exist.';
    return refusal('QueueDoesNotExist', message, 'AWS.SimpleQueueService.NonExistentQueue');
  }
  return await operation.carryOut({ queue, input, senderId: senderIdOf(identity) }, queues);
}

/** `https://sqs.REGION.amazonaws.com/ACCOUNT/NAME` */
function arnOf(url: unknown, { region, accountId }: CloudModel): string {
  const name = typeof url === 'string' ? url.split('/').at(-1) : undefined;
  return `arn:aws:sqs:${region}:${accountId}:${name || '*'}`;
}

/** AWS gives the unique id of the role before the session's name; ours have none but their names. */
function senderIdOf({ arn }: Identity): string {
  return arn.split('/').slice(1).join(':');
}

async function sendMessage({ queue, input, senderId }: Call, queues: Pick<Queues, 'send'>): Promise<Answer> {
  const problem = problemOf(input, queue);
  if (problem) return refusal(problem.code, problem.message);
  return { status: 200, body: await put(input, { queue, senderId }, queues) };
}

async function sendMessageBatch(
  { queue, input, senderId }: Call,
  queues: Pick<Queues, 'send'>,
): Promise<Answer> {
  const entries = Array.isArray(input['Entries']) ? (input['Entries'] as MessageInput[]) : [];
  const refused = batchRefusal(entries);
  if (refused) return refused;
  const problems = entries.map((entry) => ({ entry, problem: problemOf(entry, queue) }));
  const Failed = problems.flatMap(({ entry: { Id }, problem }) =>
    problem ? [{ Id, Code: problem.code, Message: problem.message, SenderFault: true }] : [],
  );
  const taken = problems.filter(({ problem }) => problem === undefined);
  const Successful = await Promise.all(
    taken.map(async ({ entry }) => ({ Id: entry.Id, ...(await put(entry, { queue, senderId }, queues)) })),
  );
  return { status: 200, body: { Successful, ...(Failed.length > 0 && { Failed }) } };
}

async function put(
  { MessageBody, DelaySeconds }: MessageInput,
  { queue, senderId }: Pick<Call, 'queue' | 'senderId'>,
  queues: Pick<Queues, 'send'>,
): Promise<{ MessageId: string; MD5OfMessageBody: string }> {
  const body = MessageBody as string;
  const delayMs = DelaySeconds === undefined ? undefined : DelaySeconds * 1000;
  const { messageId } = await queues.send(queue.arn, body, { senderId, delayMs });
  return { MessageId: messageId, MD5OfMessageBody: md5(body) };
}

function getQueueAttributes({ queue, input }: Call, queues: Pick<Queues, 'find'>): Answer {
  const { visible, delayed, inFlight } = queues.find(queue.arn)!.counts();
  const { redrive } = queue;
  const attributes: Record<string, unknown> = {
    ApproximateNumberOfMessages: visible,
    ApproximateNumberOfMessagesDelayed: delayed,
    ApproximateNumberOfMessagesNotVisible: inFlight,
    DelaySeconds: queue.delayMs / 1000,
    MaximumMessageSize: queue.maximumMessageBytes,
    MessageRetentionPeriod: queue.retentionMs / 1000,
    QueueArn: queue.arn,
    VisibilityTimeout: queue.visibilityTimeoutMs / 1000,
    ...(redrive && {
      RedrivePolicy: JSON.stringify({
        deadLetterTargetArn: redrive.deadLetterArn,
        maxReceiveCount: redrive.maxReceiveCount,
      }),
    }),
  };
  const asked = Array.isArray(input['AttributeNames']) ? (input['AttributeNames'] as unknown[]) : [];
  const given = Object.entries(attributes).filter(([name]) => asked.includes('All') || asked.includes(name));
  return {
    status: 200,
    body: { Attributes: Object.fromEntries(given.map(([name, value]) => [name, String(value)])) },
  };
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}
