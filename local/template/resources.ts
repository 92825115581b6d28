// The resource types that the local cloud runs, with the names and ARNs that CloudFormation would give them.
import { createHash } from 'node:crypto';

export interface Account {
  readonly stackName: string;
  readonly region: string;
  readonly accountId: string;
}

/** A resource of the template, its properties resolved. */
export interface Resource {
  readonly logicalId: string;
  readonly type: string;
  /** Where it is in the CDK app, e.g. `serverless-im-dev/WebSocket/send/Function/Resource`. */
  readonly constructPath: string;
  readonly ref: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly assetPath: string | undefined;
}

interface Identified {
  readonly logicalId: string;
  /** The explicit name, else `<stack>-<logical id>`. */
  readonly name: string;
  readonly account: Account;
}

interface ResourceType {
  /** The property that overrides the physical name. */
  readonly nameProperty?: string;
  /** Properties that the local cloud acts on. */
  readonly uses: readonly string[];
  /** Properties that change nothing on a laptop: backups, tags, retention, what people read. */
  readonly ignores: readonly string[];
  readonly ref?: (resource: Identified) => string;
  readonly attributes?: (resource: Identified) => Record<string, string>;
}

const table: ResourceType = {
  nameProperty: 'TableName',
  uses: [
    'KeySchema',
    'AttributeDefinitions',
    'GlobalSecondaryIndexes',
    'StreamSpecification',
    'TimeToLiveSpecification',
    'BillingMode',
  ],
  ignores: [
    'Replicas',
    'DeletionProtectionEnabled',
    'PointInTimeRecoverySpecification',
    'SSESpecification',
    'TableClass',
    'Tags',
    'WarmThroughput',
    'WriteOnDemandThroughputSettings',
  ],
  attributes: ({ name, account }) => {
    const tableArn = arn(account, 'dynamodb', `table/${name}`);
    return { Arn: tableArn, StreamArn: `${tableArn}/stream/2026-01-01T00:00:00.000` };
  },
};

const resourceTypes: Readonly<Record<string, ResourceType>> = {
  'AWS::DynamoDB::GlobalTable': table,
  'AWS::DynamoDB::Table': table,
  'AWS::Lambda::Function': {
    nameProperty: 'FunctionName',
    uses: [
      'Code',
      'Environment',
      'Handler',
      'MemorySize',
      'ReservedConcurrentExecutions',
      'Role',
      'Runtime',
      'Timeout',
    ],
    ignores: ['Architectures', 'Description', 'LoggingConfig', 'RecursiveLoop', 'Tags', 'TracingConfig'],
    attributes: ({ name, account }) => ({ Arn: arn(account, 'lambda', `function:${name}`) }),
  },
  'AWS::Lambda::Permission': { uses: ['Action', 'FunctionName', 'Principal', 'SourceArn'], ignores: [] },
  'AWS::Lambda::EventSourceMapping': {
    uses: [
      'BatchSize',
      'BisectBatchOnFunctionError',
      'DestinationConfig',
      'Enabled',
      'EventSourceArn',
      'FilterCriteria',
      'FunctionName',
      'FunctionResponseTypes',
      'MaximumBatchingWindowInSeconds',
      'MaximumRecordAgeInSeconds',
      'MaximumRetryAttempts',
      'ParallelizationFactor',
      'ScalingConfig',
      'StartingPosition',
    ],
    ignores: ['MetricsConfig', 'Tags'],
  },
  'AWS::IAM::Role': {
    nameProperty: 'RoleName',
    uses: ['Policies'],
    ignores: ['AssumeRolePolicyDocument', 'Description', 'Tags'],
    attributes: ({ name, account }) => ({ Arn: `arn:aws:iam::${account.accountId}:role/${name}` }),
  },
  'AWS::IAM::Policy': { uses: ['PolicyDocument', 'Roles'], ignores: ['PolicyName'] },
  // To be attached by who deploys: nobody in the template has it.
  'AWS::IAM::ManagedPolicy': {
    nameProperty: 'ManagedPolicyName',
    uses: ['PolicyDocument'],
    ignores: ['Description', 'Path'],
    ref: ({ name, account }) => `arn:aws:iam::${account.accountId}:policy/${name}`,
  },
  'AWS::ApiGatewayV2::Api': {
    uses: ['ProtocolType', 'RouteSelectionExpression'],
    ignores: ['Description', 'IpAddressType', 'Name', 'Tags'],
    ref: shortId,
    attributes: (resource) => ({ ApiId: shortId(resource), ApiEndpoint: endpoint(resource) }),
  },
  'AWS::ApiGatewayV2::Route': {
    uses: [
      'ApiId',
      'AuthorizationType',
      'AuthorizerId',
      'RouteKey',
      'RouteResponseSelectionExpression',
      'Target',
    ],
    ignores: ['OperationName'],
    ref: shortId,
    attributes: (resource) => ({ RouteId: shortId(resource) }),
  },
  'AWS::ApiGatewayV2::RouteResponse': { uses: ['ApiId', 'RouteId', 'RouteResponseKey'], ignores: [] },
  'AWS::ApiGatewayV2::Integration': {
    uses: ['ApiId', 'IntegrationType', 'IntegrationUri', 'PayloadFormatVersion', 'TimeoutInMillis'],
    ignores: ['Description', 'IntegrationMethod'],
    ref: shortId,
    attributes: (resource) => ({ IntegrationId: shortId(resource) }),
  },
  'AWS::ApiGatewayV2::Authorizer': {
    uses: ['ApiId', 'AuthorizerType', 'AuthorizerUri', 'IdentitySource'],
    ignores: ['Name'],
    ref: shortId,
    attributes: (resource) => ({ AuthorizerId: shortId(resource) }),
  },
  'AWS::ApiGatewayV2::Stage': {
    nameProperty: 'StageName',
    uses: ['ApiId', 'AutoDeploy', 'DeploymentId', 'StageVariables'],
    // Throttling is for many clients; here there are testers, who ask for it by a fault plan.
    ignores: ['AccessLogSettings', 'DefaultRouteSettings', 'Description', 'RouteSettings', 'Tags'],
  },
  // The role that logs of an account's APIs are written with.
  'AWS::ApiGateway::Account': { uses: [], ignores: ['CloudWatchRoleArn'] },
  'AWS::ApiGatewayV2::Deployment': { uses: ['ApiId'], ignores: ['Description', 'StageName'], ref: shortId },
  'AWS::SQS::Queue': {
    nameProperty: 'QueueName',
    uses: [
      'DelaySeconds',
      'FifoQueue',
      'MaximumMessageSize',
      'MessageRetentionPeriod',
      'RedrivePolicy',
      'VisibilityTimeout',
    ],
    // How long a poll waits for a message: whoever polls here hears of it at once.
    ignores: ['KmsMasterKeyId', 'ReceiveMessageWaitTimeSeconds', 'SqsManagedSseEnabled', 'Tags'],
    ref: ({ name, account }) => `https://sqs.${account.region}.amazonaws.com/${account.accountId}/${name}`,
    attributes: ({ name, account }) => ({ Arn: arn(account, 'sqs', name), QueueName: name }),
  },
  'AWS::SecretsManager::Secret': {
    nameProperty: 'Name',
    uses: ['GenerateSecretString', 'SecretString'],
    ignores: ['Description', 'KmsKeyId', 'Tags'],
    ref: secretArn,
    attributes: (resource) => ({ Id: secretArn(resource) }),
  },
  // Only functions reach a local queue, over no network: a policy on secure transport has nothing to do.
  'AWS::SQS::QueuePolicy': { uses: [], ignores: ['PolicyDocument', 'Queues'] },
  'AWS::S3::Bucket': {
    nameProperty: 'BucketName',
    uses: ['CorsConfiguration', 'LifecycleConfiguration'],
    // Nobody reaches a local bucket but by signatures that roles allow.
    ignores: ['BucketEncryption', 'OwnershipControls', 'PublicAccessBlockConfiguration', 'Tags'],
    ref: bucketName,
    attributes: (resource) => ({
      Arn: `arn:aws:s3:::${bucketName(resource)}`,
      DomainName: `${bucketName(resource)}.s3.amazonaws.com`,
      RegionalDomainName: `${bucketName(resource)}.s3.${resource.account.region}.amazonaws.com`,
    }),
  },
  // As of queues: over no network, a policy on secure transport has nothing to do.
  'AWS::S3::BucketPolicy': { uses: [], ignores: ['Bucket', 'PolicyDocument'] },
  'AWS::Logs::LogGroup': {
    nameProperty: 'LogGroupName',
    uses: [],
    ignores: ['RetentionInDays', 'Tags', 'KmsKeyId'],
    attributes: ({ name, account }) => ({ Arn: arn(account, 'logs', `log-group:${name}:*`) }),
  },
  // What operators look at, and are told by: nobody operates a laptop.
  'AWS::Logs::MetricFilter': {
    uses: [],
    ignores: ['FilterPattern', 'LogGroupName', 'MetricTransformations'],
  },
  'AWS::CloudWatch::Dashboard': { uses: [], ignores: ['DashboardBody', 'DashboardName', 'Tags'] },
  'AWS::CloudWatch::Alarm': {
    uses: [],
    ignores: [
      'AlarmActions',
      'AlarmDescription',
      'ComparisonOperator',
      'Dimensions',
      'EvaluationPeriods',
      'ExtendedStatistic',
      'MetricName',
      'Metrics',
      'Namespace',
      'Period',
      'Statistic',
      'Tags',
      'Threshold',
      'TreatMissingData',
    ],
  },
  'AWS::SNS::Topic': {
    nameProperty: 'TopicName',
    uses: [],
    ignores: ['KmsMasterKeyId', 'Tags'],
    ref: ({ name, account }) => arn(account, 'sns', name),
  },
  'AWS::SNS::TopicPolicy': { uses: [], ignores: ['PolicyDocument', 'Topics'] },
  'AWS::SNS::Subscription': { uses: [], ignores: ['Endpoint', 'Protocol', 'TopicArn'] },
  'AWS::CDK::Metadata': { uses: [], ignores: ['Analytics'] },
};

/** @throws Error for a type, or a property, that nothing here gives a meaning to. */
export function identifyResource(
  declared: { logicalId: string; type: string; constructPath: string; propertyNames: readonly string[] },
  explicitName: (property: string) => string | undefined,
  account: Account,
): Pick<Resource, 'ref' | 'attributes'> {
  const { logicalId, type, constructPath, propertyNames } = declared;
  const resourceType = resourceTypes[type];
  if (!resourceType)
    throw new Error(`The local cloud does not know the resource type ${type} (${constructPath})`);
  const { nameProperty, uses, ignores } = resourceType;
  const known = new Set([nameProperty, ...uses, ...ignores]);
  const unknown = propertyNames.find((property) => !known.has(property));
  if (unknown)
    throw new Error(`The local cloud does not know the property ${unknown} of ${type} (${constructPath})`);

  const name = (nameProperty && explicitName(nameProperty)) ?? `${account.stackName}-${logicalId}`;
  const identified = { logicalId, name, account };
  return {
    ref: resourceType.ref?.(identified) ?? name,
    attributes: resourceType.attributes?.(identified) ?? {},
  };
}

/** The last telling name of a construct path: `…/send/Function/Resource` is `send`. */
export function shortName(constructPath: string): string {
  const generic = new Set(['Resource', 'Function', 'Queue', 'Default']);
  const names = constructPath.split('/');
  return names.findLast((name) => !generic.has(name)) ?? constructPath;
}

/** Ten letters and digits, as API Gateway's ids; the same in every run. */
function shortId({ logicalId, account }: Identified): string {
  const digest = createHash('sha256').update(`${account.stackName}/${logicalId}`).digest('hex');
  return BigInt(`0x${digest}`).toString(36).slice(0, 10);
}

/** Six characters that nobody chose end it, as on AWS; the same in every run. */
function secretArn(resource: Identified): string {
  return arn(resource.account, 'secretsmanager', `secret:${resource.name}-${shortId(resource).slice(0, 6)}`);
}

/** Lower case, as S3 has them. */
function bucketName({ name }: Identified): string {
  return name.toLowerCase();
}

function endpoint(resource: Identified): string {
  return `wss://${shortId(resource)}.execute-api.${resource.account.region}.amazonaws.com`;
}

function arn({ region, accountId }: Account, service: string, resource: string): string {
  return `arn:aws:${service}:${region}:${accountId}:${resource}`;
}
