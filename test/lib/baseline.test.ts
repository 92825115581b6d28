// The security baseline: no finding of cdk-nag that nobody has answered for, and what holds of every log, queue and stage.
import { App, Validations } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { AwsSolutionsChecks } from 'cdk-nag';
import { beforeAll, describe, expect, test } from 'vitest';
import cdkJson from '../../cdk.json' with { type: 'json' };
import { buildWeb } from '../../scripts/build-web.ts';
import { ConfigError, readConfig } from '../../lib/config.ts';
import { ImStack } from '../../lib/im-stack.ts';

const kmsKey = 'arn:aws:kms:us-east-1:123456789012:key/0b1c2d3e-0000-4000-8000-000000000000';

function makeStack(context: Record<string, unknown> = {}): { app: App; stack: ImStack } {
  const app = new App({ context: { ...cdkJson.context, ...context } });
  return { app, stack: new ImStack(app, 'im', readConfig(app.node)) };
}

const synthesize = (context?: Record<string, unknown>) => Template.fromStack(makeStack(context).stack);

/** `<rule>: <path>` of each. */
function findingsOf(checks: AwsSolutionsChecks, app: App): string[] {
  // References are written as they are in the template: one has to be made first.
  app.synth();
  return checks
    .validateScope(app)
    .violations.flatMap(({ ruleName, violatingResources }) =>
      violatingResources.map(
        (resource) => `${ruleName}: ${resource.constructPath ?? resource.resourceLogicalId}`,
      ),
    );
}

/** As if nobody had acknowledged anything. */
const strict = () => Object.assign(new AwsSolutionsChecks(), { isAcknowledged: () => false });

const everything = {
  accountLogRole: true,
  afterSendUrl: 'https://example.com/told',
  beforeSendFunction: 'arn:aws:lambda:us-east-1:123456789012:function:moderate',
  fanOutReservedConcurrency: 20,
  kmsKey,
  certificateArn: 'arn:aws:acm:us-east-1:123456789012:certificate/0b1c2d3e-0000-4000-8000-000000000000',
  domainName: 'chat.example.com',
  pushWebhookUrl: 'https://example.com/push',
  pushSns: { ios: 'arn:aws:sns:us-east-1:123456789012:app/APNS/chat' },
  alarmEmail: 'ops@example.com',
  tracing: true,
};

let template: Template;
beforeAll(async () => {
  await buildWeb();
  template = synthesize();
});

describe('cdk-nag', () => {
  test.each([
    ['by default', {}],
    ['with all that can be switched on', everything],
    ['with the web chat', { webChat: 'true' }],
  ])('finds nothing that nobody has answered for, %s', (_, context) => {
    expect(findingsOf(new AwsSolutionsChecks(), makeStack(context).app)).toEqual([]);
  });

  test('finds what is listed, each with its reason: what is new there is to be mended, or answered for', async () => {
    const { app } = makeStack();
    const found = findingsOf(strict(), app);
    const reasons = new Map<string, string>();
    for (const node of app.node.findAll()) {
      for (const { type, data } of node.node.metadata) {
        if (type !== Validations.ACKNOWLEDGED_RULES_METADATA_KEY) continue;
        for (const [rule, reason] of Object.entries(data as Record<string, string>)) {
          reasons.set(`${rule}: ${node.node.path}`, reason);
        }
      }
    }
    expect([...reasons.keys()].filter((finding) => finding.includes('$connect'))).toEqual([]);
    const answered = [...reasons].map(([finding, reason]) => {
      const [rule, path] = split(finding);
      const of = found.filter(
        (each) => split(each)[0] === rule && `${split(each)[1]}/`.startsWith(`${path}/`),
      );
      // Nothing is acknowledged that is not there.
      expect(of, finding).not.toEqual([]);
      return `${rule.replace('AwsSolutions-', '')} at ${path}: ${reason}`;
    });
    // `npx vitest run test/lib/baseline -u` writes it anew.
    const listed = new Set(answered.map((line) => line.replace(/[\w$]+-Route:/, '*-Route:')));
    await expect(`${[...listed].toSorted().join('\n')}\n`).toMatchFileSnapshot('acknowledged.txt');
  });
});

function split(finding: string): [rule: string, path: string] {
  const at = finding.lastIndexOf(': ');
  return [finding.slice(0, at).replace(/^.*::(?=AwsSolutions-)/, ''), finding.slice(at + 2)];
}

describe('logs', () => {
  interface Stage {
    Properties: { AccessLogSettings?: { Format: string; DestinationArn: unknown } };
  }

  test('of both stages say who asked for what and how it went, and hold no token', () => {
    const stages = Object.values(template.findResources('AWS::ApiGatewayV2::Stage')) as Stage[];
    expect(stages).toHaveLength(2);
    for (const { Properties } of stages) {
      const format = JSON.parse(Properties.AccessLogSettings!.Format) as Record<string, string>;
      expect(Object.keys(format)).toEqual(
        expect.arrayContaining(['requestId', 'routeKey', 'sourceIp', 'status']),
      );
      // Tokens are in the query, in headers and in the subprotocol; paths name users.
      const variables = Object.values(format).join(' ');
      expect(variables).not.toMatch(/query|header|protocol|path|body|token|authorizer/i);
      expect(JSON.stringify(Properties.AccessLogSettings!.DestinationArn)).not.toContain(':*');
    }
  });

  test('go after a month, all of them', () => {
    template.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 30 });
    template.allResourcesProperties('AWS::Lambda::Function', { LoggingConfig: Match.anyValue() });
  });

  test('are written by a role of the account where one is asked for, and it stays', () => {
    template.resourceCountIs('AWS::ApiGateway::Account', 0);
    const made = synthesize({ accountLogRole: 'true' });
    made.allResources('AWS::ApiGateway::Account', { DeletionPolicy: 'Retain' });
    const [account] = Object.keys(made.findResources('AWS::ApiGateway::Account'));
    made.hasResource('AWS::ApiGatewayV2::Stage', { DependsOn: Match.arrayWith([account]) });
  });
});

test('the stage of the service API is throttled as configured', () => {
  template.hasResourceProperties('AWS::ApiGatewayV2::Stage', {
    StageName: '$default',
    DefaultRouteSettings: { ThrottlingRateLimit: 1000, ThrottlingBurstLimit: 500 },
  });
  synthesize({ serviceThrottle: '{"rateLimit":20,"burstLimit":10}' }).hasResourceProperties(
    'AWS::ApiGatewayV2::Stage',
    { StageName: '$default', DefaultRouteSettings: { ThrottlingRateLimit: 20, ThrottlingBurstLimit: 10 } },
  );
});

describe('what fails again and again', () => {
  interface Mapping {
    Properties: {
      EventSourceArn: { 'Fn::GetAtt': [string, string] };
      DestinationConfig?: { OnFailure: { Destination: unknown } };
    };
  }

  test('ends in a queue, on every path that nobody waits for', () => {
    const all = synthesize(everything);
    const mappings = Object.values(all.findResources('AWS::Lambda::EventSourceMapping')) as Mapping[];
    const queues = all.findResources('AWS::SQS::Queue') as Record<string, { Properties: object }>;
    expect(mappings.length).toBeGreaterThan(6);
    for (const { Properties } of mappings) {
      const [source] = Properties.EventSourceArn['Fn::GetAtt'];
      if (source in queues) expect(queues[source]!.Properties, source).toHaveProperty('RedrivePolicy');
      else expect(Properties.DestinationConfig?.OnFailure.Destination, source).toBeDefined();
    }
  });
});

describe('a key of the operator’s own', () => {
  test('encrypts tables, queues, files and logs; the functions may use it through those stores alone', () => {
    const own = synthesize({ kmsKey });
    own.allResourcesProperties('AWS::DynamoDB::GlobalTable', {
      SSESpecification: { SSEEnabled: true, SSEType: 'KMS' },
      Replicas: [Match.objectLike({ SSESpecification: { KMSMasterKeyId: kmsKey } })],
    });
    own.allResourcesProperties('AWS::SQS::Queue', { KmsMasterKeyId: kmsKey });
    own.allResourcesProperties('AWS::Logs::LogGroup', { KmsKeyId: kmsKey });
    own.allResourcesProperties('AWS::S3::Bucket', {
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [
          Match.objectLike({
            ServerSideEncryptionByDefault: { KMSMasterKeyID: kmsKey, SSEAlgorithm: 'aws:kms' },
          }),
        ],
      },
    });
    own.allResourcesProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Resource: kmsKey,
            Condition: { StringEquals: { 'kms:ViaService': Match.anyValue() } },
          }),
        ]),
      },
    });
    expect(JSON.stringify(template.toJSON())).not.toContain('kms');
  });

  test('is named by its ARN, not by an alias', () => {
    expect(() => synthesize({ kmsKey: 'arn:aws:kms:us-east-1:123456789012:alias/im' })).toThrow(ConfigError);
  });
});

test('fan-out has concurrency of its own where that is asked for', () => {
  const { Properties } = Object.values(
    synthesize({ fanOutReservedConcurrency: '20' }).findResources('AWS::Lambda::Function', {
      Properties: { ReservedConcurrentExecutions: 20 },
    }),
  )[0] as { Properties: { Description: string } };
  expect(Properties.Description).toMatch(/pointers/);
  template.allResourcesProperties('AWS::Lambda::Function', { ReservedConcurrentExecutions: Match.absent() });
});

test('the notifier works at as many batches at once as it is let', () => {
  const mapping = (maximum: number) => ({ ScalingConfig: { MaximumConcurrency: maximum } });
  template.hasResourceProperties('AWS::Lambda::EventSourceMapping', mapping(50));
  synthesize({ notifierConcurrency: '200' }).hasResourceProperties(
    'AWS::Lambda::EventSourceMapping',
    mapping(200),
  );
});

test('traces are written where they are asked for', () => {
  template.allResourcesProperties('AWS::Lambda::Function', { TracingConfig: Match.absent() });
  synthesize({ tracing: 'true' }).allResourcesProperties('AWS::Lambda::Function', {
    TracingConfig: { Mode: 'Active' },
  });
});

test('what can have tags says which project and which stage it belongs to', () => {
  const tags = Match.arrayWith([
    { Key: 'project', Value: 'serverless-im' },
    { Key: 'stage', Value: 'dev' },
  ]);
  for (const type of ['Lambda::Function', 'SQS::Queue', 'S3::Bucket', 'Logs::LogGroup', 'IAM::Role']) {
    template.allResourcesProperties(`AWS::${type}`, { Tags: tags });
  }
});

test('the web chat’s own functions have their logs kept for a month, too', () => {
  synthesize({ webChat: 'true' }).allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 30 });
});
