// The template that deploys: what must hold of it whatever else changes.
import { readFile } from 'node:fs/promises';
import { App } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, test } from 'vitest';
import cdkJson from '../../cdk.json' with { type: 'json' };
import { buildWeb } from '../../scripts/build-web.ts';
import { ConfigError, readConfig } from '../../lib/config.ts';
import { ImStack } from '../../lib/im-stack.ts';
import { clientFrames } from '../../src/protocol/client-frames.ts';
import { serviceRoutes } from '../../src/protocol/service-routes.ts';
import { tableDefinitions } from '../../src/core/tables.ts';

function synthesize(context: Record<string, unknown> = {}): Template {
  const app = new App({ context: { ...cdkJson.context, ...context } });
  return Template.fromStack(new ImStack(app, 'test', readConfig(app.node)));
}

let template: Template;
beforeAll(() => {
  template = synthesize();
});

interface Part extends Record<string, unknown> {
  logicalId: string;
  Properties: Record<string, unknown>;
}

/** Of one of the two APIs. */
function partsOf(
  protocol: 'WEBSOCKET' | 'HTTP',
  kind: 'Integration' | 'Route' | 'RouteResponse' | 'Stage',
): Part[] {
  const apis = template.findResources('AWS::ApiGatewayV2::Api', { Properties: { ProtocolType: protocol } });
  const [apiId] = Object.keys(apis);
  const all = template.findResources(`AWS::ApiGatewayV2::${kind}`) as Record<string, Omit<Part, 'logicalId'>>;
  return Object.entries(all)
    .map(([logicalId, part]) => ({ ...part, logicalId }) as Part)
    .filter(({ Properties }) => (Properties['ApiId'] as { Ref?: string }).Ref === apiId);
}

interface Statement {
  Action: string | string[];
  Resource: unknown;
  Effect: string;
}
const statements = (): Statement[] =>
  Object.values(template.findResources('AWS::IAM::Policy')).flatMap(
    (policy) =>
      (policy as { Properties: { PolicyDocument: { Statement: Statement[] } } }).Properties.PolicyDocument
        .Statement,
  );

describe('tables', () => {
  test('are four, on demand, with TTL, point-in-time recovery and deletion protection, and outlive the stack', () => {
    const tables = template.findResources('AWS::DynamoDB::GlobalTable');
    expect(Object.keys(tables)).toHaveLength(4);
    template.allResourcesProperties('AWS::DynamoDB::GlobalTable', {
      BillingMode: 'PAY_PER_REQUEST',
      TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
      Replicas: [
        Match.objectLike({
          DeletionProtectionEnabled: true,
          PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        }),
      ],
    });
    template.allResources('AWS::DynamoDB::GlobalTable', { DeletionPolicy: 'Retain' });
  });

  test('have the streams that the definitions ask for', () => {
    const streams = Object.values(tableDefinitions).filter(({ stream }) => stream).length;
    template.resourcePropertiesCountIs(
      'AWS::DynamoDB::GlobalTable',
      { StreamSpecification: { StreamViewType: 'NEW_IMAGE' } },
      streams,
    );
  });

  test('of a disposable stage go with it', () => {
    synthesize({ disposable: 'true' }).allResources('AWS::DynamoDB::GlobalTable', {
      DeletionPolicy: 'Delete',
    });
  });
});

test('tables of an earlier stack are taken over by name', () => {
  const adopting = synthesize({ tableNames: '{"Messages":"im-TablesMessages-1ABC"}' });
  adopting.resourcePropertiesCountIs(
    'AWS::DynamoDB::GlobalTable',
    { TableName: 'im-TablesMessages-1ABC' },
    1,
  );
  template.resourcePropertiesCountIs('AWS::DynamoDB::GlobalTable', { TableName: Match.anyValue() }, 0);
});

describe('the service API', () => {
  test('is for who signs and has the policy, at every route that the protocol has', () => {
    const routes = partsOf('HTTP', 'Route').map(
      ({ Properties }) => Properties as { RouteKey: string; AuthorizationType: string },
    );
    expect(routes.map(({ RouteKey }) => RouteKey).toSorted()).toEqual(
      ['$default', ...Object.keys(serviceRoutes)].toSorted(),
    );
    expect(new Set(routes.map(({ AuthorizationType }) => AuthorizationType))).toEqual(new Set(['AWS_IAM']));
    const permissions = Object.values(template.findResources('AWS::Lambda::Permission'));
    const principals = new Set(permissions.map(({ Properties }) => Properties['Principal']));
    expect([...principals]).toEqual(['apigateway.amazonaws.com']);
    template.hasResourceProperties('AWS::IAM::ManagedPolicy', {
      PolicyDocument: { Statement: [{ Action: 'execute-api:Invoke', Effect: 'Allow' }] },
    });
    for (const output of ['ServiceUrl', 'ServiceCallersPolicy']) template.hasOutput(output, {});
  });
});

describe('functions', () => {
  test('run on arm64 and the newest Node, with a log group of their own', () => {
    template.allResourcesProperties('AWS::Lambda::Function', {
      Architectures: ['arm64'],
      Runtime: 'nodejs24.x',
      Handler: 'index.handler',
      LoggingConfig: { LogGroup: Match.anyValue() },
    });
    const functions = Object.keys(template.findResources('AWS::Lambda::Function')).length;
    // Two more are the access logs of the stages.
    template.resourceCountIs('AWS::Logs::LogGroup', functions + 2);
    template.resourceCountIs('AWS::IAM::Role', functions);
  });

  test('I10: no managed policy, no wildcard action, and no resource that is a bare wildcard', () => {
    template.allResourcesProperties('AWS::IAM::Role', { ManagedPolicyArns: Match.absent() });
    for (const { Action, Resource, Effect } of statements()) {
      expect(Effect).toBe('Allow');
      for (const action of [Action].flat()) expect(action).not.toContain('*');
      for (const resource of [Resource].flat()) expect(resource).not.toBe('*');
    }
  });

  test('I10: who disconnects may tell who watches, and neither end connections nor put items', async () => {
    const policy = JSON.stringify(
      Object.entries(template.findResources('AWS::IAM::Policy')).find(([id]) =>
        id.includes('disconnect'),
      )![1],
    );
    expect(policy).toContain('/POST/@connections/*');
    expect(policy).not.toContain('/DELETE/@connections');
    expect(policy).toContain('dynamodb:UpdateItem');
    expect(policy).not.toContain('dynamodb:PutItem');
  });
});

describe('files', () => {
  const buckets = (of: Template) => Object.values(of.findResources('AWS::S3::Bucket'));

  test('are in one private, encrypted bucket that outlives the stack, reached over TLS alone', () => {
    template.resourceCountIs('AWS::S3::Bucket', 1);
    template.allResources('AWS::S3::Bucket', {
      DeletionPolicy: 'Retain',
      Properties: Match.objectLike({
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
        },
      }),
    });
    template.hasResourceProperties('AWS::S3::BucketPolicy', {
      PolicyDocument: Match.objectLike({
        Statement: [
          Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
        ],
      }),
    });
    synthesize({ disposable: 'true' }).allResources('AWS::S3::Bucket', { DeletionPolicy: 'Delete' });
  });

  test('are put and got by pages of the allowed origins, and by no others', () => {
    expect(JSON.stringify(buckets(template))).not.toContain('CorsRules');
    synthesize({ allowedOrigins: 'https://chat.example.com' }).hasResourceProperties('AWS::S3::Bucket', {
      CorsConfiguration: {
        CorsRules: [
          Match.objectLike({ AllowedMethods: ['PUT', 'GET'], AllowedOrigins: ['https://chat.example.com'] }),
        ],
      },
    });
  });

  test('go after a day when no message names them, and with the messages; exports after a week', () => {
    const unnamed = Match.objectLike({
      ExpirationInDays: 1,
      Status: 'Enabled',
      TagFilters: [{ Key: 'state', Value: 'new' }],
    });
    const exported = Match.objectLike({ ExpirationInDays: 7, Status: 'Enabled', Prefix: 'x/' });
    template.hasResourceProperties('AWS::S3::Bucket', {
      LifecycleConfiguration: { Rules: [unnamed, exported] },
    });
    synthesize({ settings: '{"messageRetentionDays":30}' }).hasResourceProperties('AWS::S3::Bucket', {
      LifecycleConfiguration: {
        Rules: [unnamed, exported, Match.objectLike({ ExpirationInDays: 31, Prefix: 'c/' })],
      },
    });
  });
});

describe('the WebSocket API', () => {
  test('has a route for each action, two-way but for ack', () => {
    const routes = partsOf('WEBSOCKET', 'Route').map(({ Properties }) => Properties['RouteKey'] as string);
    const actions = Object.keys(clientFrames);
    expect(routes.toSorted()).toEqual([...actions, '$connect', '$default', '$disconnect'].toSorted());
    template.resourceCountIs('AWS::ApiGatewayV2::RouteResponse', actions.length - 1 + 1);
  });

  test('lets nobody in past the authorizer, which needs the subprotocol header', () => {
    template.hasResourceProperties('AWS::ApiGatewayV2::Route', {
      RouteKey: '$connect',
      AuthorizationType: 'CUSTOM',
      AuthorizerId: Match.anyValue(),
    });
    template.hasResourceProperties('AWS::ApiGatewayV2::Authorizer', {
      AuthorizerType: 'REQUEST',
      IdentitySource: ['route.request.header.Sec-WebSocket-Protocol'],
    });
    template.hasResourceProperties('AWS::ApiGatewayV2::Stage', { AutoDeploy: true });
  });

  test('is deployed by a stage that waits for every route and its answer', () => {
    const [stage] = partsOf('WEBSOCKET', 'Stage');
    const needed = (['Route', 'RouteResponse', 'Integration'] as const).flatMap((type) =>
      partsOf('WEBSOCKET', type).map(({ logicalId }) => logicalId),
    );
    expect(stage!['DependsOn']).toEqual(expect.arrayContaining(needed));
  });

  test('has a name of one’s own, where there is one with its certificate', () => {
    const certificateArn = 'arn:aws:acm:eu-central-1:111122223333:certificate/0a1b';
    const named = synthesize({ domainName: 'chat.example.com', certificateArn });
    named.hasResourceProperties('AWS::ApiGatewayV2::DomainName', {
      DomainName: 'chat.example.com',
      DomainNameConfigurations: [{ CertificateArn: certificateArn, EndpointType: 'REGIONAL' }],
    });
    named.resourceCountIs('AWS::ApiGatewayV2::ApiMapping', 1);
    named.hasOutput('*', { Value: 'wss://chat.example.com' });
    template.resourceCountIs('AWS::ApiGatewayV2::DomainName', 0);
    const others = [
      { domainName: 'chat.example.com' },
      { certificateArn },
      { domainName: 'https://chat.example.com', certificateArn },
      { domainName: 'chat.example.com', certificateArn: 'arn:aws:iam::1:x' },
    ];
    for (const context of others) expect(() => synthesize(context)).toThrow(ConfigError);
  });

  test('is throttled, each route as configured', () => {
    const routeThrottles = '{"send":{"rateLimit":50,"burstLimit":20}}';
    synthesize({ throttle: '{"rateLimit":200,"burstLimit":100}', routeThrottles }).hasResourceProperties(
      'AWS::ApiGatewayV2::Stage',
      {
        DefaultRouteSettings: { ThrottlingRateLimit: 200, ThrottlingBurstLimit: 100 },
        RouteSettings: { send: { ThrottlingRateLimit: 50, ThrottlingBurstLimit: 20 } },
      },
    );
    template.hasResourceProperties('AWS::ApiGatewayV2::Stage', {
      DefaultRouteSettings: { ThrottlingRateLimit: 5000, ThrottlingBurstLimit: 2500 },
      RouteSettings: { $connect: { ThrottlingRateLimit: 500, ThrottlingBurstLimit: 500 } },
    });
  });

  test('P1.2: no deployment is open by oversight: keys, issuer and audience of tokens have no default', () => {
    for (const name of ['TokenKeys', 'TokenIssuer', 'TokenAudience']) {
      const [parameter] = Object.values(template.findParameters(name));
      expect(parameter, name).toMatchObject({ Type: 'String' });
      expect(parameter, name).not.toHaveProperty('Default');
      expect('', name).not.toMatch(new RegExp(String(parameter!['AllowedPattern'])));
    }
  });
});

describe('P1.2: the parameter TokenKeys', () => {
  const allowed = (value: string) => {
    const { AllowedPattern } = template.findParameters('TokenKeys')['TokenKeys']!;
    return new RegExp(`^(?:${AllowedPattern})$`).test(value);
  };
  const jwk = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y', kid: 'd', use: 'sig', key_ops: ['verify'] };

  test.each([
    ['a private key', JSON.stringify({ ...jwk, d: 'secret' })],
    ['a private key in other words', '{"kty":"RSA","n":"n","e":"AQAB", "p" : "secret"}'],
    ['a secret', '{"kty":"oct","k":"secret"}'],
    ['a key for encryption', JSON.stringify({ ...jwk, use: 'enc' })],
    ['a URL without TLS', 'http://id.example.com/jwks.json'],
  ])('does not take %s', (_, value) => expect(allowed(value)).toBe(false));

  test.each(['https://id.example.com/jwks.json?d=1', JSON.stringify(jwk)])('takes %s', (value) =>
    expect(allowed(value)).toBe(true),
  );
});

test('fan-out takes inserted messages, no voids and none that were imported, in batches that fail by record and end somewhere', () => {
  template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
    BatchSize: 100,
    BisectBatchOnFunctionError: true,
    FunctionResponseTypes: ['ReportBatchItemFailures'],
    MaximumRetryAttempts: 5,
    MaximumRecordAgeInSeconds: 3600,
    ParallelizationFactor: 1,
    StartingPosition: 'TRIM_HORIZON',
    DestinationConfig: { OnFailure: { Destination: Match.anyValue() } },
    FilterCriteria: {
      Filters: [
        {
          Pattern: JSON.stringify({
            eventName: ['INSERT'],
            dynamodb: {
              NewImage: { type: { S: [{ exists: true }] }, imported: { BOOL: [{ exists: false }] } },
            },
          }),
        },
      ],
    },
  });
});

test('what is done for large groups is taken from a queue one by one, and what fails ends somewhere', () => {
  template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
    BatchSize: 1,
    FunctionResponseTypes: ['ReportBatchItemFailures'],
  });
  template.hasResourceProperties('AWS::SQS::Queue', {
    VisibilityTimeout: 60,
    RedrivePolicy: { maxReceiveCount: 5, deadLetterTargetArn: Match.anyValue() },
  });
});

describe('configuration', () => {
  const read = (context: Record<string, unknown>) => readConfig(new App({ context }).node);

  test('that is wrong is refused in one line, with the name of each value and why', () => {
    expect(() =>
      read({ stage: 'no spaces', settings: '{"settleMs":-1}', fanOutParallelization: 11 }),
    ).toThrow(/^configuration: stage: [^\n]*fanOutParallelization: [^\n]*settings\.settleMs: [^\n]*$/);
  });

  test.each([
    [{ allowedOrigin: 'https://a.example' }, 'configuration: allowedOrigin: there is no such setting'],
    [{ tokenIssuer: 'https://id.example' }, 'configuration: tokenIssuer: there is no such setting'],
    [{ 'allowed-origins': 'x' }, 'configuration: allowed-origins: there is no such setting'],
    [
      { settings: '{"mesageRetentionDays":3}' },
      'configuration: settings.mesageRetentionDays: there is no such setting',
    ],
    [{ settings: '{' }, 'configuration: settings: is no JSON: {'],
    [{ tableNames: { Mesages: 'x' } }, 'configuration: tableNames.Mesages: there is no such setting'],
    [{ devicesPerPlatform: '{"iso":2}' }, 'configuration: devicesPerPlatform.iso: there is no such setting'],
  ])('%j is refused', (context, message) => {
    expect(() => read(context)).toThrow(new ConfigError(message));
  });

  test('of route throttles names routes that there are', () => {
    expect(() => read({ routeThrottles: '{"sent":{"rateLimit":1,"burstLimit":1}}' })).toThrow(
      /routeThrottles\.sent: must be one of send, sync/,
    );
  });

  test('of tokens reaches the authorizer', () => {
    const byDefault = { TOKEN_USER_CLAIM: 'sub', TOKEN_MAX_HOURS: '24' };
    const variables = (expected: object) => ({ Environment: { Variables: Match.objectLike(expected) } });
    template.hasResourceProperties('AWS::Lambda::Function', variables(byDefault));
    synthesize({ userClaim: 'email', maxTokenHours: '0.5' }).hasResourceProperties(
      'AWS::Lambda::Function',
      variables({ TOKEN_USER_CLAIM: 'email', TOKEN_MAX_HOURS: '0.5' }),
    );
  });

  test.each([0, -1, '', 'a day', Infinity])('of a maximum token lifetime is no %j', (maxTokenHours) => {
    expect(() => read({ maxTokenHours })).toThrow(/maxTokenHours/);
  });

  test('of devices per platform is a number, or one for each platform', () => {
    expect(read({ devicesPerPlatform: '2' }).settings).toEqual({ devicesPerPlatform: 2 });
    expect(read({ contactsOnly: 'true' }).settings).toEqual({ contactsOnly: true });
    expect(read({ devicesPerPlatform: '{"web":3}' }).settings).toMatchObject({
      devicesPerPlatform: { web: 3, ios: 1 },
    });
  });

  test('P1.3: origins are kept in their serialised form', () => {
    const allowedOrigins = 'https://Two.example.com/, http://localhost:80,capacitor://Localhost';
    expect(read({ allowedOrigins }).allowedOrigins).toEqual([
      'https://two.example.com',
      'http://localhost',
      'capacitor://localhost',
    ]);
  });

  test.each([
    'two.example.com',
    '*',
    'https://*.example.com',
    'null',
    'https://a.example/chat',
    'https://u@a.example',
    '',
  ])('P1.3: %j is no origin', (origin) => {
    expect(() => read({ allowedOrigins: [origin] })).toThrow(/allowedOrigins\.0: ".*" is no origin/);
  });

  test('is read by nobody else', async () => {
    for (const file of ['im-stack', 'websocket-api', 'fan-out', 'tables', 'im-function']) {
      const source = await readFile(new URL(`../../lib/${file}.ts`, import.meta.url), 'utf8');
      expect(source).not.toMatch(/tryGetContext|process\.env/);
    }
  });
});

describe('P8.30: the hook', () => {
  const url = 'https://example.com/ask';
  const functionArn = 'arn:aws:lambda:eu-central-1:123456789012:function:moderate';

  test('is nowhere to be found where none is configured', () => {
    expect(JSON.stringify(template.toJSON())).not.toContain('BEFORE_SEND');
    template.resourceCountIs('AWS::SecretsManager::Secret', 0);
    const granted = statements().flatMap(({ Action: action }) => action);
    expect(granted.filter((action) => action.startsWith('lambda:'))).toEqual([]);
  });

  test('is asked by those who store what users say, and by nobody else', () => {
    for (const context of [{ beforeSendUrl: url }, { beforeSendFunction: functionArn }]) {
      const functions = synthesize(context).findResources('AWS::Lambda::Function', {
        Properties: { Environment: { Variables: { BEFORE_SEND_FAILURE: 'open' } } },
      });
      const names = Object.keys(functions).map((name) => name.replace(/Function[\dA-F]+$/, ''));
      expect(names.toSorted()).toEqual(['WebSocketchanges', 'WebSocketsend']);
    }
  });

  test('is one function that may be invoked', () => {
    synthesize({ beforeSendFunction: functionArn }).hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          { Effect: 'Allow', Action: 'lambda:InvokeFunction', Resource: functionArn },
        ]),
      },
    });
  });

  test('is a URL or a function, over TLS', () => {
    expect(() => synthesize({ beforeSendUrl: url, beforeSendFunction: functionArn })).toThrow(ConfigError);
    expect(() => synthesize({ beforeSendUrl: 'http://example.com/' })).toThrow(
      /beforeSendUrl: must be an https/,
    );
    expect(() => synthesize({ beforeSendUrl: url, beforeSendFailure: 'maybe' })).toThrow(/beforeSendFailure/);
  });
});

describe('P8.32: whoever is told of stored messages', () => {
  const url = 'https://example.com/told';
  const mapping = (context: Record<string, string>) => {
    const { Properties: properties } = Object.entries(
      synthesize(context).findResources('AWS::Lambda::EventSourceMapping'),
    ).find(([id]) => id.includes('aftersend'))![1] as { Properties: Record<string, unknown> };
    return properties;
  };

  test('is nowhere to be found where nobody is configured', () => {
    expect(JSON.stringify(template.toJSON())).not.toMatch(/after-?send|AFTER_SEND|events:PutEvents/i);
  });

  test('hears from the stream of messages, one batch of a shard after the other, until it takes them', () => {
    const properties = mapping({ afterSendUrl: url });
    expect(properties).toMatchObject({
      StartingPosition: 'LATEST',
      BatchSize: 100,
      ParallelizationFactor: 1,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      MaximumRecordAgeInSeconds: 12 * 3_600,
      DestinationConfig: { OnFailure: { Destination: expect.anything() } },
    });
    // Without end, and in order: nothing is split.
    for (const name of ['MaximumRetryAttempts', 'BisectBatchOnFunctionError']) {
      expect(properties).not.toHaveProperty(name);
    }
    const [{ Pattern }] = (properties['FilterCriteria'] as { Filters: [{ Pattern: string }] }).Filters;
    expect(JSON.parse(Pattern)).toEqual({
      eventName: ['INSERT'],
      dynamodb: {
        NewImage: {
          type: { S: [{ exists: true }] },
          imported: { BOOL: [{ exists: false }] },
          fromHook: { BOOL: [{ exists: false }] },
        },
      },
    });
    expect(mapping({ afterSendUrl: url, afterSendMaxAgeMinutes: '90' })).toMatchObject({
      MaximumRecordAgeInSeconds: 5_400,
    });
  });

  test('may put events on just that bus', () => {
    const arn = 'arn:aws:events:eu-central-1:123456789012:event-bus/chat';
    synthesize({ afterSendBus: arn }).hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: Match.arrayWith([{ Effect: 'Allow', Action: 'events:PutEvents', Resource: arn }]),
      },
    });
    const named = JSON.stringify(synthesize({ afterSendBus: 'chat' }).toJSON());
    expect(named).toContain(':event-bus/chat');
    expect(named).not.toContain('AfterSendSecret');
  });

  test('is a URL or a bus, and given up before the stream forgets', () => {
    expect(() => synthesize({ afterSendUrl: url, afterSendBus: 'chat' })).toThrow(ConfigError);
    expect(() => synthesize({ afterSendUrl: 'http://example.com/' })).toThrow(
      /afterSendUrl: must be an https/,
    );
    expect(() => synthesize({ afterSendBus: 'no bus' })).toThrow(/afterSendBus/);
    expect(() => synthesize({ afterSendUrl: url, afterSendMaxAgeMinutes: '1440' })).toThrow(
      /afterSendMaxAgeMinutes/,
    );
  });
});

test('no bundle is above 200 KB', async () => {
  const { readdir, stat } = await import('node:fs/promises');
  const { bundleDirectory } = await import('../../scripts/build.ts');
  for (const name of await readdir(bundleDirectory)) {
    const { size } = await stat(`${bundleDirectory}/${name}/index.mjs`);
    expect(size, name).toBeLessThanOrEqual(200_000);
  }
});

describe('the web chat', () => {
  test('is deployed where it is wanted: private, over TLS, and let in by its own name', async () => {
    await buildWeb();
    const wanted = synthesize({ webChat: 'true', allowedOrigins: 'https://chat.example.com' });
    wanted.hasResourceProperties('AWS::CloudFront::Distribution', {
      DistributionConfig: Match.objectLike({
        DefaultRootObject: 'index.html',
        DefaultCacheBehavior: Match.objectLike({ ViewerProtocolPolicy: 'redirect-to-https' }),
        Origins: [Match.objectLike({ OriginAccessControlId: Match.anyValue() })],
      }),
    });
    const origins = {
      'Fn::Join': [
        '',
        ['https://chat.example.com,https://', { 'Fn::GetAtt': Match.arrayWith(['DomainName']) }],
      ],
    };
    wanted.hasResourceProperties('AWS::Lambda::Function', {
      Environment: { Variables: Match.objectLike({ ALLOWED_ORIGINS: origins }) },
    });
    for (const bucket of Object.values(wanted.findResources('AWS::S3::Bucket'))) {
      expect(bucket['Properties']).toMatchObject({
        PublicAccessBlockConfiguration: { BlockPublicAcls: true, RestrictPublicBuckets: true },
      });
    }
    wanted.resourceCountIs('Custom::CDKBucketDeployment', 1);
  });

  test('is not there otherwise', () => {
    template.resourceCountIs('AWS::CloudFront::Distribution', 0);
    template.resourceCountIs('Custom::CDKBucketDeployment', 0);
  });
});
