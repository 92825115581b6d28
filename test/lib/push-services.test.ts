// The push services in the template: what each is configured by, and what the notifier may do for it.
import { App } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import cdkJson from '../../cdk.json' with { type: 'json' };
import { readConfig } from '../../lib/config.ts';
import { ImStack } from '../../lib/im-stack.ts';

function synthesize(context: Record<string, unknown> = {}): Template {
  const app = new App({ context: { ...cdkJson.context, ...context } });
  return Template.fromStack(new ImStack(app, 'test', readConfig(app.node)));
}

const ARN = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:push-AbCdEf';

function expectVariable(template: Template, name: string, value: string): void {
  template.resourcePropertiesCountIs(
    'AWS::Lambda::Function',
    { Environment: { Variables: Match.objectLike({ [name]: value }) } },
    1,
  );
}

function expectGrant(template: Template, Action: string, Resource: unknown): void {
  template.resourcePropertiesCountIs(
    'AWS::IAM::Policy',
    { PolicyDocument: { Statement: Match.arrayWith([{ Action, Effect: 'Allow', Resource }]) } },
    1,
  );
}

describe.each([
  ['pushWebPush', 'PUSH_WEB_PUSH_SECRET_ARN'],
  ['pushApns', 'PUSH_APNS_SECRET_ARN'],
  ['pushFcm', 'PUSH_FCM_SECRET_ARN'],
])('%s', (key, variable) => {
  test('lets the notifier read that secret', () => {
    const template = synthesize({ [key]: ARN });
    expectVariable(template, variable, ARN);
    expectGrant(template, 'secretsmanager:GetSecretValue', ARN);
  });

  test('takes nothing but the ARN of a secret', () => {
    expect(() => synthesize({ [key]: 'arn:aws:sns:eu-west-1:123456789012:x' })).toThrow(
      `${key}: must be an ARN of secretsmanager`,
    );
  });
});

describe('pushSns', () => {
  const app = (name: string) => `arn:aws:sns:eu-west-1:123456789012:app/${name}`;
  const endpoints = (name: string) => `arn:aws:sns:eu-west-1:123456789012:endpoint/${name}/*`;

  test('lets the notifier make endpoints of these applications, and publish to them', () => {
    const pushSns = JSON.stringify({ ios: app('APNS/chat'), android: app('GCM/chat') });
    const template = synthesize({ pushSns });
    expectVariable(template, 'PUSH_SNS', pushSns);
    expectGrant(template, 'sns:CreatePlatformEndpoint', [app('APNS/chat'), app('GCM/chat')]);
    expectGrant(template, 'sns:Publish', [endpoints('APNS/chat'), endpoints('GCM/chat')]);
  });

  test('takes nothing but platform applications of platforms', () => {
    const topic = { ios: 'arn:aws:sns:eu-west-1:123456789012:topic' };
    expect(() => synthesize({ pushSns: topic })).toThrow('pushSns.ios: must be the ARN of a platform');
    expect(() => synthesize({ pushSns: { phone: app('GCM/chat') } })).toThrow('must be one of ios');
  });
});

test('where none is configured nothing is granted or named', () => {
  const text = JSON.stringify(synthesize().toJSON());
  expect(text).not.toContain('PUSH_');
  expect(text).not.toContain('secretsmanager:GetSecretValue');
  expect(text).not.toContain('"sns:');
});
