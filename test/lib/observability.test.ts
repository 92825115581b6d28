// What operators see and are told: each alarm with its page, every queue of what was given up, and who is mailed.
import { readdir, readFile } from 'node:fs/promises';
import { App } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { beforeAll, expect, test } from 'vitest';
import cdkJson from '../../cdk.json' with { type: 'json' };
import { readConfig } from '../../lib/config.ts';
import { ImStack } from '../../lib/im-stack.ts';
import { loggedEvents } from '../../lib/observability.ts';

interface Alarm {
  Properties: {
    AlarmDescription: string;
    AlarmActions?: unknown[];
    Metrics?: { MetricStat?: { Metric: { Dimensions: { Value: { Ref: string } }[] } } }[];
  };
}

const synthesize = (context: Record<string, unknown> = {}) => {
  const app = new App({ context: { ...cdkJson.context, ...context } });
  return Template.fromStack(new ImStack(app, 'im', readConfig(app.node)));
};
const alarmsOf = (template: Template) =>
  Object.values(template.findResources('AWS::CloudWatch::Alarm')) as Alarm[];

const withHook = { afterSendUrl: 'https://example.com/told' };

let template: Template;
beforeAll(() => {
  template = synthesize();
});

test('each alarm names a section of the runbook, and each section is an alarm’s', async () => {
  const runbook = await readFile(new URL('../../docs/runbook.md', import.meta.url), 'utf8');
  const sections = [...runbook.matchAll(/^## (\S+)$/gm)].map(([, section]) => section);
  const named = alarmsOf(synthesize(withHook)).map(
    ({ Properties }) => /^docs\/runbook\.md#([\w-]+)/.exec(Properties.AlarmDescription)?.[1],
  );
  expect(new Set(named)).toEqual(new Set(sections));
});

test('the log groups that operators are sent to are the stack’s', async () => {
  const operations = await readFile(new URL('../../docs/operations.md', import.meta.url), 'utf8');
  const named = [...operations.matchAll(/serverless-im-<stage>-(\w+Logs)/g)].map(([, name]) => name!);
  const logicalIds = Object.keys(template.findResources('AWS::Logs::LogGroup'));
  const found = named.map((name) => logicalIds.filter((id) => id.startsWith(name)).length);
  expect(found).toEqual(named.map(() => 1));
  expect(named.length).toBeGreaterThan(3);
});

test('every function that reads a stream has an alarm for being late', () => {
  const whole = synthesize(withHook);
  const reading = Object.values(
    whole.findResources('AWS::Lambda::EventSourceMapping', {
      Properties: { StartingPosition: Match.anyValue() },
    }),
  ).map(({ Properties }) => (Properties as { FunctionName: { Ref: string } }).FunctionName.Ref);
  const late = Object.values(
    whole.findResources('AWS::CloudWatch::Alarm', { Properties: { MetricName: 'IteratorAge' } }),
  ).map(
    ({ Properties }) => (Properties as { Dimensions: { Value: { Ref: string } }[] }).Dimensions[0]!.Value.Ref,
  );
  expect(reading).toHaveLength(3);
  expect(late.toSorted()).toEqual(reading.toSorted());
});

test('every queue that nothing is moved on from has an alarm', () => {
  const ends = Object.entries(template.findResources('AWS::SQS::Queue'))
    .filter(([, { Properties }]) => !Object.hasOwn(Properties as object, 'RedrivePolicy'))
    .map(([logicalId]) => logicalId);
  const watched = alarmsOf(template)
    .filter(({ Properties }) => Properties.AlarmDescription.includes('something-was-given-up'))
    .map(({ Properties }) => /"Fn::GetAtt":\["(\w+)","QueueName"\]/.exec(JSON.stringify(Properties))![1]);
  expect(ends.length).toBeGreaterThan(4);
  expect(new Set(watched)).toEqual(new Set(ends));
});

test.each(['functions-fail', 'functions-are-throttled'])('%s is about every function', (page) => {
  const watched = alarmsOf(template)
    .filter(({ Properties }) => Properties.AlarmDescription.includes(page))
    .flatMap(({ Properties }) => Properties.Metrics!)
    .flatMap(({ MetricStat }) => (MetricStat ? [MetricStat.Metric.Dimensions[0]!.Value.Ref] : []));
  expect(watched.toSorted()).toEqual(Object.keys(template.findResources('AWS::Lambda::Function')).toSorted());
});

test('alarms tell nobody by default, and by mail who is named', () => {
  template.resourceCountIs('AWS::SNS::Topic', 0);
  const mailing = synthesize({ alarmEmail: 'ops@example.com' });
  mailing.hasResourceProperties('AWS::SNS::Subscription', { Protocol: 'email', Endpoint: 'ops@example.com' });
  const [topic] = Object.keys(mailing.findResources('AWS::SNS::Topic'));
  for (const { Properties } of alarmsOf(mailing)) expect(Properties.AlarmActions).toEqual([{ Ref: topic }]);
  mailing.hasResourceProperties('AWS::SNS::TopicPolicy', {
    PolicyDocument: {
      Statement: Match.arrayWith([
        Match.objectLike({
          Effect: 'Allow',
          Principal: { Service: 'cloudwatch.amazonaws.com' },
          Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
        }),
      ]),
    },
  });
  expect(() => synthesize({ alarmEmail: 'nobody' })).toThrow(/alarmEmail: must be an address of mail/);
});

test('what is counted from logs is logged by those functions, and voids by no other', async () => {
  const { VoidsFenced, StaleConnections } = loggedEvents;
  for (const { event, functions } of [VoidsFenced, StaleConnections]) {
    const filters = template.findResources('AWS::Logs::MetricFilter', {
      Properties: { FilterPattern: `"${event}"` },
    });
    expect(Object.keys(filters)).toHaveLength(functions.length);
  }
  const bundles = new URL('../../dist/functions/', import.meta.url);
  const logging = async (event: string) => {
    const names: string[] = [];
    for (const name of await readdir(bundles)) {
      const code = await readFile(new URL(`${name}/index.mjs`, bundles), 'utf8');
      if (code.includes(event)) names.push(name);
    }
    return names.toSorted();
  };
  expect(await logging(VoidsFenced.event)).toEqual(VoidsFenced.functions.toSorted());
  expect(await logging(StaleConnections.event)).toEqual(
    expect.arrayContaining([...StaleConnections.functions]),
  );
});
