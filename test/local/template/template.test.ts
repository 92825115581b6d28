// What CloudFormation would make of a template, the local cloud makes of it, or says that it cannot.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CloudModel } from '../../../local/model.ts';
import { loadTemplate, type TemplateOptions } from '../../../local/template/template.ts';

type Json = Record<string, unknown>;
type Resource = { Type: string; Properties?: Json; [key: string]: unknown };

let directory: string;
let files = 0;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'template-'));
  await mkdir(join(directory, 'asset.1'));
  await writeFile(join(directory, 'asset.1', 'index.mjs'), 'export const handler = async () => {};');
});
afterAll(async () => await rm(directory, { recursive: true }));

async function load(template: Json, options: TemplateOptions = { parameters: {} }): Promise<CloudModel> {
  files += 1;
  const path = join(directory, `chat-${files}.template.json`);
  await writeFile(path, JSON.stringify(template));
  return await loadTemplate(path, { stackName: 'chat', ...options });
}

const at = (path: string, more: Json = {}) => ({ Metadata: { 'aws:cdk:path': path, ...more } });

const role: Resource = {
  Type: 'AWS::IAM::Role',
  Properties: {
    AssumeRolePolicyDocument: {},
    Policies: [
      {
        PolicyName: 'inline',
        PolicyDocument: { Statement: { Effect: 'Allow', Action: 'sqs:*', Resource: '*' } },
      },
    ],
  },
  ...at('chat/Api/send/Role/Resource'),
};

const send: Resource = {
  Type: 'AWS::Lambda::Function',
  Properties: {
    Code: { S3Bucket: 'b', S3Key: 'k' },
    Handler: 'index.handler',
    Role: { 'Fn::GetAtt': ['SendRole', 'Arn'] },
    Runtime: 'nodejs24.x',
  },
  ...at('chat/Api/send/Function/Resource', { 'aws:asset:path': 'asset.1' }),
};

const uri = {
  'Fn::Sub': 'arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Send.Arn}/invocations',
};

/** The least that runs: an API of one route and its function. */
const least = {
  Api: {
    Type: 'AWS::ApiGatewayV2::Api',
    Properties: { ProtocolType: 'WEBSOCKET', RouteSelectionExpression: '$request.body.action' },
    ...at('chat/Api/Resource'),
  },
  Stage: {
    Type: 'AWS::ApiGatewayV2::Stage',
    Properties: { ApiId: { Ref: 'Api' }, AutoDeploy: true, StageName: 'dev' },
    ...at('chat/Stage/Resource'),
  },
  SendRole: role,
  Send: send,
  Integration: {
    Type: 'AWS::ApiGatewayV2::Integration',
    Properties: { ApiId: { Ref: 'Api' }, IntegrationType: 'AWS_PROXY', IntegrationUri: uri },
    ...at('chat/Integration/Resource'),
  },
  Route: {
    Type: 'AWS::ApiGatewayV2::Route',
    Properties: {
      ApiId: { Ref: 'Api' },
      RouteKey: 'send',
      Target: { 'Fn::Join': ['/', ['integrations', { Ref: 'Integration' }]] },
    },
    ...at('chat/Route/Resource'),
  },
} satisfies Record<string, Resource>;

const permission = (sourceArn: unknown): Resource => ({
  Type: 'AWS::Lambda::Permission',
  Properties: {
    Action: 'lambda:InvokeFunction',
    FunctionName: { 'Fn::GetAtt': ['Send', 'Arn'] },
    Principal: 'apigateway.amazonaws.com',
    SourceArn: sourceArn,
  },
});

const executeApi = (path: string) => ({
  'Fn::Sub': `arn:aws:execute-api:\${AWS::Region}:\${AWS::AccountId}:\${Api}${path}`,
});

/** The least template with other properties of one resource. */
const changed = (name: keyof typeof least, properties: Json) => ({
  Resources: {
    ...least,
    [name]: { ...least[name], Properties: { ...least[name].Properties, ...properties } },
  },
});

const table = (properties: Json = {}): Resource => ({
  Type: 'AWS::DynamoDB::Table',
  Properties: {
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
    BillingMode: 'PAY_PER_REQUEST',
    ...properties,
  },
  ...at('chat/Tables/Messages/Resource'),
});

describe('references', () => {
  /** A value resolves where functions see it: in their environment. */
  async function resolve(value: unknown, template: Json = {}, options?: TemplateOptions): Promise<unknown> {
    const { Resources } = changed('Send', { Environment: { Variables: { VALUE: value } } });
    const model = await load({ ...template, Resources: { ...Resources, Table: table() } }, options);
    return model.functions[0]!.environment['VALUE'];
  }

  it.each([
    ['Ref to a table is its name', { Ref: 'Table' }, 'chat-Table'],
    ['Ref to a function is its name', { Ref: 'Stage' }, 'dev'],
    [
      'GetAtt as a list',
      { 'Fn::GetAtt': ['Table', 'Arn'] },
      'arn:aws:dynamodb:us-east-1:000000000000:table/chat-Table',
    ],
    [
      'GetAtt as a string',
      { 'Fn::GetAtt': 'Table.Arn' },
      'arn:aws:dynamodb:us-east-1:000000000000:table/chat-Table',
    ],
    ['Join', { 'Fn::Join': ['-', ['a', { Ref: 'AWS::Region' }]] }, 'a-us-east-1'],
    ['Join of a list that is resolved', { 'Fn::Join': ['+', { 'Fn::Split': ['-', 'a-b'] }] }, 'a+b'],
    ['Sub', { 'Fn::Sub': '${AWS::AccountId}/${Table}/${!Literal}' }, '000000000000/chat-Table/${Literal}'],
    [
      'Sub with variables',
      { 'Fn::Sub': ['${A}.${Table.Arn}', { A: { Ref: 'AWS::Partition' } }] },
      'aws.arn:aws:dynamodb:us-east-1:000000000000:table/chat-Table',
    ],
    ['Select', { 'Fn::Select': ['1', ['a', 'b']] }, 'b'],
    ['Select of Split', { 'Fn::Select': [0, { 'Fn::Split': ['.', 'a.b'] }] }, 'a'],
    ['If', { 'Fn::If': ['IsEast', { Ref: 'AWS::URLSuffix' }, 'b'] }, 'amazonaws.com'],
    ['If of a combined condition', { 'Fn::If': ['Combined', 'a', 'b'] }, 'b'],
    ['NoValue', { 'Fn::If': ['IsEast', { Ref: 'AWS::NoValue' }, 'b'] }, undefined],
  ])('%s', async (_case, value, expected) => {
    const Conditions = {
      IsEast: { 'Fn::Equals': [{ Ref: 'AWS::Region' }, 'us-east-1'] },
      Combined: {
        'Fn::And': [{ Condition: 'IsEast' }, { 'Fn::Not': [{ 'Fn::Or': [{ Condition: 'IsEast' }] }] }],
      },
    };
    expect(await resolve(value, { Conditions })).toEqual(expected);
  });

  it.each([
    [
      'Ref to nothing',
      { Ref: 'Nothing' },
      'Ref to Nothing, which the template does not hold (chat/Api/send/Function/Resource)',
    ],
    ['GetAtt of an unknown attribute', { 'Fn::GetAtt': ['Table', 'Color'] }, 'Fn::GetAtt of Table.Color'],
    [
      'an unknown function',
      { 'Fn::ImportValue': 'x' },
      'does not know the intrinsic function Fn::ImportValue',
    ],
    ['an unknown condition', { 'Fn::If': ['Nobody', 1, 2] }, 'No condition is named Nobody'],
    ['Select out of range', { 'Fn::Select': [2, ['a']] }, 'Fn::Select: no element 2 among 1'],
  ])('refuses %s', async (_case, value, message) => {
    await expect(resolve(value)).rejects.toThrow(message);
  });

  const Parameters = {
    Keys: { Type: 'String', AllowedPattern: '^https://.+$', Description: 'where keys are' },
    Bootstrap: { Type: 'AWS::SSM::Parameter::Value<String>', Default: '/cdk/version' },
  };

  it('takes parameters, and their defaults', async () => {
    const options = { parameters: { Keys: 'https://a' } };
    expect(await resolve({ 'Fn::Sub': '${Keys} ${Bootstrap}' }, { Parameters }, options)).toBe(
      'https://a /cdk/version',
    );
  });

  it.each([
    ['has no value', {}, 'Parameter Keys has no value and no default (where keys are)'],
    [
      'does not match its pattern',
      { Keys: 'http://a' },
      'Parameter Keys failed to satisfy constraint: must match pattern',
    ],
    ['is unknown', { Keys: 'https://a', Other: 'x' }, 'The template has no parameter Other'],
  ])('refuses a parameter that %s', async (_case, parameters: Record<string, string>, message) => {
    await expect(resolve('x', { Parameters }, { parameters })).rejects.toThrow(message);
  });
});

describe('functions', () => {
  it('have their names, code, limits, variables and role', async () => {
    const { functions } = await load(
      changed('Send', {
        MemorySize: 512,
        Timeout: 7,
        ReservedConcurrentExecutions: 2,
        Environment: { Variables: { A: 'b' } },
      }),
    );
    expect(functions).toEqual([
      {
        name: 'send',
        functionName: 'chat-Send',
        arn: 'arn:aws:lambda:us-east-1:000000000000:function:chat-Send',
        modulePath: join(directory, 'asset.1', 'index.mjs'),
        exportName: 'handler',
        runtime: 'nodejs24.x',
        timeoutMs: 7_000,
        memoryMb: 512,
        environment: { A: 'b' },
        reservedConcurrency: 2,
        role: {
          name: 'chat-SendRole',
          statements: [{ effect: 'Allow', actions: ['sqs:*'], resources: ['*'] }],
        },
      },
    ]);
  });

  // docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-lambda-function.html
  it('have 3 s and 128 MB unless they say otherwise', async () => {
    const { functions } = await load({ Resources: least });
    expect(functions[0]).toMatchObject({ timeoutMs: 3_000, memoryMb: 128, environment: {} });
  });

  it('have the statements of attached policies, with their conditions', async () => {
    const policy: Resource = {
      Type: 'AWS::IAM::Policy',
      Properties: {
        PolicyName: 'p',
        Roles: [{ Ref: 'SendRole' }],
        PolicyDocument: {
          Statement: [
            {
              Effect: 'Deny',
              Action: ['dynamodb:GetItem'],
              Resource: [{ 'Fn::GetAtt': ['Table', 'Arn'] }],
              Condition: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['u#*'] } },
            },
          ],
        },
      },
    };
    const { functions } = await load({ Resources: { ...least, Table: table(), Policy: policy } });
    expect(functions[0]!.role.statements[1]).toEqual({
      effect: 'Deny',
      actions: ['dynamodb:GetItem'],
      resources: ['arn:aws:dynamodb:us-east-1:000000000000:table/chat-Table'],
      conditions: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['u#*'] } },
    });
  });

  it('have the names of construct paths that end in the construct itself', async () => {
    const { functions } = await load({
      Resources: {
        ...least,
        Send: { ...send, ...at('chat/Api/post/Resource', { 'aws:asset:path': 'asset.1' }) },
      },
    });
    expect(functions[0]!.name).toBe('post');
  });

  it.each([
    [
      'another runtime',
      { Runtime: 'python3.13' },
      'runs Node.js only, not python3.13 (chat/Api/send/Function/Resource)',
    ],
    ['a module that is not there', { Handler: 'other.handler' }, 'There is no'],
    [
      'a role from elsewhere',
      { Role: 'arn:aws:iam::1:role/x' },
      'The role arn:aws:iam::1:role/x is not in the template',
    ],
    [
      'a property without a meaning here',
      { VpcConfig: {} },
      'does not know the property VpcConfig of AWS::Lambda::Function (chat/Api/send/Function/Resource)',
    ],
  ])('are refused with %s', async (_case, properties, message) => {
    await expect(load(changed('Send', properties))).rejects.toThrow(message);
  });

  it('are refused when two have one name', async () => {
    await expect(load({ Resources: { ...least, Again: send } })).rejects.toThrow(
      'Two functions are called send',
    );
  });

  it('are refused when their policy says what is not evaluated here', async () => {
    const PolicyDocument = { Statement: { Effect: 'Allow', NotAction: 'x', Resource: '*' } };
    await expect(load(changed('SendRole', { Policies: [{ PolicyDocument }] }))).rejects.toThrow(
      'does not know NotAction in a policy (chat/Api/send/Role/Resource)',
    );
  });
});

describe('the API', () => {
  it('has its id, stage, routes and variables', async () => {
    const { api } = await load(changed('Stage', { StageVariables: { color: 'blue' } }));
    expect(api).toEqual({
      apiId: expect.stringMatching(/^[a-z0-9]{10}$/),
      stageName: 'dev',
      routeSelectionExpression: '$request.body.action',
      stageVariables: { color: 'blue' },
      routes: [{ routeKey: 'send', functionName: 'send', returnsResponse: false, mayInvoke: false }],
    });
  });

  it('has the throttles of its routes: their own over those of the stage', async () => {
    const DefaultRouteSettings = { ThrottlingRateLimit: 100, ThrottlingBurstLimit: 50 };
    const throttle = async (stage: Record<string, unknown>) =>
      (await load(changed('Stage', stage))).api.routes[0]?.throttle;
    expect(await throttle({ DefaultRouteSettings })).toEqual({ ratePerSecond: 100, burstLimit: 50 });
    const RouteSettings = { send: { ThrottlingRateLimit: 7 } };
    expect(await throttle({ DefaultRouteSettings, RouteSettings })).toEqual({
      ratePerSecond: 7,
      burstLimit: 50,
    });
    expect(await throttle({ RouteSettings })).toBeUndefined();
  });

  it('has two-way routes where there is a route response', async () => {
    const response: Resource = {
      Type: 'AWS::ApiGatewayV2::RouteResponse',
      Properties: { ApiId: { Ref: 'Api' }, RouteId: { Ref: 'Route' }, RouteResponseKey: '$default' },
    };
    const { api } = await load({ Resources: { ...least, Response: response } });
    expect(api.routes[0]).toMatchObject({ returnsResponse: true });
  });

  it('has the timeout of an integration', async () => {
    const { api } = await load(changed('Integration', { TimeoutInMillis: 5_000 }));
    expect(api.routes[0]).toMatchObject({ integrationTimeoutMs: 5_000 });
  });

  it.each([
    ['for the route', executeApi('/*send'), true],
    ['for the stage and the route', executeApi('/dev/send'), true],
    ['for another route', executeApi('/*sync'), false],
    ['for another API', 'arn:aws:execute-api:us-east-1:000000000000:other/*', false],
  ])('may invoke the function with a permission %s: %s', async (_case, sourceArn, mayInvoke) => {
    const { api } = await load({ Resources: { ...least, Permission: permission(sourceArn) } });
    expect(api.routes[0]).toMatchObject({ mayInvoke });
  });

  it('has its authorizer, which needs a permission of its own', async () => {
    const authorizer: Resource = {
      Type: 'AWS::ApiGatewayV2::Authorizer',
      Properties: {
        ApiId: { Ref: 'Api' },
        AuthorizerType: 'REQUEST',
        AuthorizerUri: uri,
        IdentitySource: ['route.request.header.Authorization'],
        Name: 'a',
      },
    };
    const { Resources } = changed('Route', {
      RouteKey: '$connect',
      AuthorizationType: 'CUSTOM',
      AuthorizerId: { Ref: 'Authorizer' },
    });
    const resources = { ...Resources, Authorizer: authorizer };
    const authorizerOf = async (more: Json) =>
      (await load({ Resources: { ...resources, ...more } })).api.routes[0]!.authorizer;
    const expected = { functionName: 'send', identitySources: ['route.request.header.Authorization'] };
    expect(await authorizerOf({})).toEqual({ ...expected, mayInvoke: false });
    const allowed = permission(executeApi('/authorizers/${Authorizer}'));
    expect(await authorizerOf({ Permission: allowed })).toEqual({ ...expected, mayInvoke: true });
  });

  it.each([
    ['of another protocol', 'Api', { ProtocolType: 'HTTP' }, 'exactly one WebSocket API'],
    [
      'that selects by a header',
      'Api',
      { RouteSelectionExpression: '$request.header.x' },
      'selects routes by $request.body',
    ],
    ['that is not deployed', 'Stage', { AutoDeploy: false }, 'The stage is not deployed'],
    [
      'with another integration',
      'Integration',
      { IntegrationType: 'HTTP_PROXY' },
      'Lambda proxy integrations only',
    ],
    [
      'with another authorization',
      'Route',
      { AuthorizationType: 'AWS_IAM' },
      'does not know the authorization AWS_IAM',
    ],
    [
      'with a target that is nowhere',
      'Route',
      { Target: 'integrations/x' },
      'No AWS::ApiGatewayV2::Integration x',
    ],
  ] as const)('is refused %s', async (_case, name, properties, message) => {
    await expect(load(changed(name, properties))).rejects.toThrow(message);
  });

  it('must be the only one', async () => {
    await expect(load({ Resources: { ...least, Second: least.Api } })).rejects.toThrow(
      'exactly one WebSocket API',
    );
  });
});

describe('tables, streams and queues', () => {
  const streaming = table({
    StreamSpecification: { StreamViewType: 'NEW_IMAGE' },
    TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
  });
  const mapping = (properties: Json = {}): Resource => ({
    Type: 'AWS::Lambda::EventSourceMapping',
    Properties: {
      EventSourceArn: { 'Fn::GetAtt': ['Table', 'StreamArn'] },
      FunctionName: { Ref: 'Send' },
      StartingPosition: 'TRIM_HORIZON',
      ...properties,
    },
    ...at('chat/Mapping/Resource'),
  });
  const queue: Resource = { Type: 'AWS::SQS::Queue', ...at('chat/FanOut/Failures/Resource') };

  it('are tables with keys, TTL and stream', async () => {
    const { tables } = await load({
      Resources: { ...least, Table: { ...streaming, Type: 'AWS::DynamoDB::GlobalTable' } },
    });
    const arn = 'arn:aws:dynamodb:us-east-1:000000000000:table/chat-Table';
    expect(tables).toEqual([
      {
        name: 'Messages',
        tableName: 'chat-Table',
        arn,
        keySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
        attributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
        indexes: [],
        ttlAttribute: 'expiresAt',
        stream: { viewType: 'NEW_IMAGE', arn: `${arn}/stream/2026-01-01T00:00:00.000` },
      },
    ]);
  });

  it('are tables with the name that they ask for', async () => {
    const { tables } = await load({
      Resources: { ...least, Table: table({ TableName: { 'Fn::Sub': '${AWS::StackName}-x' } }) },
    });
    expect(tables[0]).toMatchObject({ tableName: 'chat-x' });
  });

  it('are queues', async () => {
    const { queues } = await load({ Resources: { ...least, Queue: queue } });
    expect(queues).toEqual([
      {
        name: 'Failures',
        queueName: 'chat-Queue',
        arn: 'arn:aws:sqs:us-east-1:000000000000:chat-Queue',
        url: 'https://sqs.us-east-1.amazonaws.com/000000000000/chat-Queue',
        visibilityTimeoutMs: 30_000,
        delayMs: 0,
        retentionMs: 345_600_000,
        maximumMessageBytes: 1_048_576,
      },
    ]);
  });

  it('are queues with all that they say', async () => {
    const properties = {
      DelaySeconds: 5,
      MaximumMessageSize: 2048,
      MessageRetentionPeriod: 60,
      VisibilityTimeout: 90,
      RedrivePolicy: { deadLetterTargetArn: { 'Fn::GetAtt': ['Dead', 'Arn'] }, maxReceiveCount: 4 },
    };
    const dead: Resource = { Type: 'AWS::SQS::Queue', ...at('chat/FanOut/Dead/Resource') };
    const { queues } = await load({
      Resources: { ...least, Queue: { ...queue, Properties: properties }, Dead: dead },
    });
    expect(queues[0]).toMatchObject({
      delayMs: 5_000,
      maximumMessageBytes: 2048,
      retentionMs: 60_000,
      visibilityTimeoutMs: 90_000,
      redrive: { deadLetterArn: queues[1]!.arn, maxReceiveCount: 4 },
    });
  });

  it.each([
    ['are FIFO', { FifoQueue: true }, 'runs no FIFO queues (chat/FanOut/Failures/Resource)'],
    [
      'give up to a queue elsewhere',
      { RedrivePolicy: { deadLetterTargetArn: 'arn:aws:sqs:us-east-1:1:x', maxReceiveCount: 1 } },
      'The dead letter queue of Failures, arn:aws:sqs:us-east-1:1:x, is not in the template',
    ],
  ])('are refused where queues %s', async (_, Properties, problem) => {
    await expect(load({ Resources: { ...least, Queue: { ...queue, Properties } } })).rejects.toThrow(problem);
  });

  it('are refused where two queues have one name', async () => {
    await expect(load({ Resources: { ...least, Queue: queue, Other: queue } })).rejects.toThrow(
      'Two queues are called Failures',
    );
  });

  const secret = (properties: Json): Resource => ({
    Type: 'AWS::SecretsManager::Secret',
    Properties: properties,
    ...at('chat/Push/WebhookSecret/Resource'),
  });

  it('are secrets, whose Ref is an ARN of six characters more than the name', async () => {
    const variables = { SECRET_ARN: { Ref: 'Secret' } };
    const { secrets, functions } = await load({
      Resources: {
        ...changed('Send', { Environment: { Variables: variables } }).Resources,
        Secret: secret({ GenerateSecretString: { ExcludePunctuation: true, PasswordLength: 40 } }),
      },
    });
    expect(secrets).toEqual([
      {
        name: 'WebhookSecret',
        secretName: 'chat-Secret',
        arn: expect.stringMatching(
          /^arn:aws:secretsmanager:us-east-1:000000000000:secret:chat-Secret-[a-z\d]{6}$/,
        ),
        source: {
          kind: 'generated',
          password: {
            length: 40,
            alphabets: ['abcdefghijklmnopqrstuvwxyz', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', '0123456789'],
            requireEachAlphabet: true,
          },
        },
      },
    ]);
    expect(functions[0]!.environment).toEqual({ SECRET_ARN: secrets[0]!.arn });
  });

  it('are secrets with a name and a value, or a value in a template', async () => {
    const generate = {
      SecretStringTemplate: '{"user":"im"}',
      GenerateStringKey: 'password',
      ExcludeCharacters: 'abc"',
      ExcludeUppercase: true,
      ExcludeNumbers: true,
      IncludeSpace: true,
      RequireEachIncludedType: false,
    };
    const { secrets } = await load({
      Resources: {
        ...least,
        Given: secret({ Name: 'push/webhook', SecretString: 'hush' }),
        Made: secret({ GenerateSecretString: generate }),
      },
    });
    expect(secrets).toMatchObject([
      { secretName: 'push/webhook', source: { kind: 'given', value: 'hush' } },
      {
        source: {
          kind: 'generated',
          placedIn: { content: { user: 'im' }, key: 'password' },
          password: {
            length: 32,
            alphabets: ['defghijklmnopqrstuvwxyz', "!#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", ' '],
            requireEachAlphabet: false,
          },
        },
      },
    ]);
  });

  it.each([
    ['neither a value nor a recipe', {}, 'either a SecretString or a GenerateSecretString'],
    ['both', { SecretString: 'x', GenerateSecretString: {} }, 'either a SecretString or'],
    ['an unknown setting', { GenerateSecretString: { Length: 3 } }, 'does not know Length in Generate'],
    ['a length that is too short', { GenerateSecretString: { PasswordLength: 3 } }, 'from 4 to 4096'],
    ['a template without a key', { GenerateSecretString: { SecretStringTemplate: '{}' } }, 'go together'],
    [
      'a template that is no object',
      { GenerateSecretString: { SecretStringTemplate: '[]', GenerateStringKey: 'k' } },
      'SecretStringTemplate is no JSON object (chat/Push/WebhookSecret/Resource)',
    ],
    ['replicas', { SecretString: 'x', ReplicaRegions: [] }, 'does not know the property ReplicaRegions'],
  ])('are refused where secrets have %s', async (_, properties, problem) => {
    await expect(load({ Resources: { ...least, Secret: secret(properties) } })).rejects.toThrow(problem);
  });

  const queueMapping = (properties: Json = {}): Resource => ({
    Type: 'AWS::Lambda::EventSourceMapping',
    Properties: {
      EventSourceArn: { 'Fn::GetAtt': ['Queue', 'Arn'] },
      FunctionName: { Ref: 'Send' },
      ...properties,
    },
    ...at('chat/Mapping/Resource'),
  });

  it('are queues that invoke functions, with the defaults of Lambda (services-sqs-parameters.html)', async () => {
    const { queueSources, eventSources } = await load({
      Resources: { ...least, Queue: queue, Mapping: queueMapping() },
    });
    expect(queueSources).toEqual([
      {
        id: 'Mapping',
        queueArn: 'arn:aws:sqs:us-east-1:000000000000:chat-Queue',
        functionName: 'send',
        batchSize: 10,
        batchingWindowMs: 0,
        reportBatchItemFailures: false,
        filters: [],
      },
    ]);
    expect(eventSources).toEqual([]);
  });

  it('are queues that invoke functions, with all that their mappings say', async () => {
    const properties = {
      BatchSize: 100,
      MaximumBatchingWindowInSeconds: 2,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      FilterCriteria: { Filters: [{ Pattern: '{"body":{"kind":["chunk"]}}' }] },
      ScalingConfig: { MaximumConcurrency: 7 },
    };
    const { queueSources } = await load({
      Resources: { ...least, Queue: queue, Mapping: queueMapping(properties) },
    });
    expect(queueSources[0]).toMatchObject({
      batchSize: 100,
      batchingWindowMs: 2_000,
      reportBatchItemFailures: true,
      filters: [{ body: { kind: ['chunk'] } }],
      maximumConcurrency: 7,
    });
  });

  it.each([
    [{ BatchSize: 11 }, 'needs a batching window (chat/Mapping/Resource)'],
    [{ ScalingConfig: { MaximumConcurrency: 1 } }, 'MaximumConcurrency must be from 2 to 1000'],
    [{ ParallelizationFactor: 2 }, 'ParallelizationFactor is for streams, not for queues'],
    [
      { EventSourceArn: 'arn:aws:sqs:us-east-1:1:x' },
      'arn:aws:sqs:us-east-1:1:x is no queue of the template',
    ],
  ])('are refused where the mapping of a queue says %j', async (properties, problem) => {
    const resources = { ...least, Queue: queue, Mapping: queueMapping(properties) };
    await expect(load({ Resources: resources })).rejects.toThrow(problem);
  });

  it('are refused where a stream is to scale as queues do', async () => {
    const resources = { ...least, Table: streaming, Mapping: mapping({ ScalingConfig: {} }) };
    await expect(load({ Resources: resources })).rejects.toThrow('no ScalingConfig (chat/Mapping/Resource)');
  });

  it('are event source mappings with the defaults of Lambda (services-ddb-params.html)', async () => {
    const { eventSources } = await load({ Resources: { ...least, Table: streaming, Mapping: mapping() } });
    expect(eventSources).toEqual([
      {
        id: 'Mapping',
        tableName: 'chat-Table',
        functionName: 'send',
        batchSize: 100,
        batchingWindowMs: 0,
        parallelizationFactor: 1,
        bisectOnError: false,
        reportBatchItemFailures: false,
        maximumRetryAttempts: -1,
        maximumRecordAgeMs: -1,
        startingPosition: 'TRIM_HORIZON',
        filters: [],
      },
    ]);
  });

  it('are event source mappings with all that they say', async () => {
    const properties = {
      BatchSize: 10,
      MaximumBatchingWindowInSeconds: 2,
      ParallelizationFactor: 3,
      BisectBatchOnFunctionError: true,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      MaximumRetryAttempts: 5,
      MaximumRecordAgeInSeconds: 3_600,
      FilterCriteria: { Filters: [{ Pattern: '{"eventName":["INSERT"]}' }] },
      DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': ['Queue', 'Arn'] } } },
    };
    const resources = { ...least, Table: streaming, Queue: queue, Mapping: mapping(properties) };
    expect((await load({ Resources: resources })).eventSources[0]).toMatchObject({
      batchSize: 10,
      batchingWindowMs: 2_000,
      parallelizationFactor: 3,
      bisectOnError: true,
      reportBatchItemFailures: true,
      maximumRetryAttempts: 5,
      maximumRecordAgeMs: 3_600_000,
      filters: [{ eventName: ['INSERT'] }],
      onFailureArn: 'arn:aws:sqs:us-east-1:000000000000:chat-Queue',
    });
  });

  it('are not the mappings that are switched off', async () => {
    const { eventSources } = await load({
      Resources: { ...least, Table: streaming, Mapping: mapping({ Enabled: false }) },
    });
    expect(eventSources).toEqual([]);
  });

  it('are refused where a mapping reads no stream', async () => {
    await expect(load({ Resources: { ...least, Table: table(), Mapping: mapping() } })).rejects.toThrow(
      "is no table's stream (chat/Mapping/Resource)",
    );
  });

  it('are refused with a local index, which no table here has', async () => {
    await expect(
      load({ Resources: { ...least, Table: table({ LocalSecondaryIndexes: [] }) } }),
    ).rejects.toThrow(
      'does not know the property LocalSecondaryIndexes of AWS::DynamoDB::Table (chat/Tables/Messages/Resource)',
    );
  });
});

describe('nothing is silently ignored', () => {
  it('an unknown resource type is named, with its construct path', async () => {
    const bucket: Resource = { Type: 'AWS::Kinesis::Stream', ...at('chat/Files/Resource') };
    await expect(load({ Resources: { ...least, Bucket: bucket } })).rejects.toThrow(
      'The local cloud does not know the resource type AWS::Kinesis::Stream (chat/Files/Resource)',
    );
  });

  it('unless its condition is false', async () => {
    const bucket: Resource = {
      Type: 'AWS::Kinesis::Stream',
      Condition: 'Never',
      ...at('chat/Files/Resource'),
    };
    const Conditions = { Never: { 'Fn::Equals': ['a', 'b'] } };
    await expect(load({ Conditions, Resources: { ...least, Bucket: bucket } })).resolves.toBeDefined();
  });

  it('an unknown section is named', async () => {
    await expect(load({ Transform: 'x', Resources: least })).rejects.toThrow('template section Transform');
  });
});
