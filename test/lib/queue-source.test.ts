// A queue that invokes a function, as a template of its own.
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { beforeAll, expect, test } from 'vitest';
import { ImFunction } from '../../lib/im-function.ts';
import { QueueSource } from '../../lib/queue-source.ts';

let template: Template;
beforeAll(() => {
  const stack = new Stack(new App(), 'test');
  const consumer = new ImFunction(stack, 'fan-out', { description: 'takes', timeout: Duration.seconds(20) });
  const sender = new ImFunction(stack, 'send', { description: 'gives' });
  const { queue } = new QueueSource(stack, 'Chunks', { consumer, batchSize: 5, maxConcurrency: 8 });
  sender.useQueue(queue, 'CHUNKS_URL');
  template = Template.fromStack(stack);
});

const reference = (resource: string) => Match.stringLikeRegexp(resource);

test('hides messages for six times what the function may take, and gives up to dead letters', () => {
  template.hasResourceProperties('AWS::SQS::Queue', {
    VisibilityTimeout: 120,
    RedrivePolicy: {
      maxReceiveCount: 5,
      deadLetterTargetArn: { 'Fn::GetAtt': [reference('^ChunksChunksDeadLetters'), 'Arn'] },
    },
  });
  template.hasResourceProperties('AWS::SQS::Queue', { MessageRetentionPeriod: 14 * 24 * 3600 });
});

test('both queues are encrypted and speak TLS alone', () => {
  template.resourcePropertiesCountIs('AWS::SQS::Queue', { SqsManagedSseEnabled: true }, 2);
  const denial = Match.objectLike({
    Effect: 'Deny',
    Condition: { Bool: { 'aws:SecureTransport': 'false' } },
  });
  template.resourcePropertiesCountIs('AWS::SQS::QueuePolicy', { PolicyDocument: { Statement: [denial] } }, 2);
});

test('invokes the function, which tells what failed', () => {
  template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
    EventSourceArn: { 'Fn::GetAtt': [reference('^ChunksQueue'), 'Arn'] },
    FunctionName: { Ref: reference('^fanout') },
    BatchSize: 5,
    ScalingConfig: { MaximumConcurrency: 8 },
    FunctionResponseTypes: ['ReportBatchItemFailures'],
  });
});

test('grants polling to the one and sending to the other, and nothing more', () => {
  const statements = Object.values(template.findResources('AWS::IAM::Policy')).flatMap(
    (policy) =>
      (policy as { Properties: { PolicyDocument: { Statement: { Action: string | string[] }[] } } })
        .Properties.PolicyDocument.Statement,
  );
  const actions = statements
    .map(({ Action }) => [Action].flat().toSorted())
    .filter(([action]) => action?.startsWith('sqs:'));
  expect(actions.toSorted((left, right) => right.length - left.length)).toEqual([
    ['sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ReceiveMessage'],
    ['sqs:SendMessage'],
  ]);
  template.hasResourceProperties('AWS::Lambda::Function', {
    Environment: { Variables: Match.objectLike({ CHUNKS_URL: { Ref: reference('^ChunksQueue') } }) },
  });
});
