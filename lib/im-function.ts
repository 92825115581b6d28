// Our Lambda defaults, and the bindings: an environment variable together with the grant that it needs.
import { Duration, Stack } from 'aws-cdk-lib';
import type { IWebSocketApi } from 'aws-cdk-lib/aws-apigatewayv2';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Function, RecursiveLoop, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { tableDefinitions, type TableName } from '../src/core/tables.ts';
import { acknowledge, acknowledgeWildcard } from './acknowledged.ts';
import { baselineOf, logGroup } from './baseline.ts';
import type { Tables } from './tables.ts';

export interface ImFunctionProps {
  description: string;
  timeout?: Duration;
  /** It has itself invoked again, by a queue: Lambda would end that after some times. */
  continuesItself?: boolean;
  /** None: it takes what is free in the account. */
  reservedConcurrency?: number | undefined;
  environment?: Record<string, string>;
}

export interface QueueConsumption {
  /** 10 unless said otherwise; more needs a batching window. */
  batchSize?: number;
  maxBatchingWindow?: Duration;
  /** Batches at the same time, 2–1000. */
  maxConcurrency?: number;
}

type TableAction =
  | 'BatchGetItem'
  | 'ConditionCheckItem'
  | 'DeleteItem'
  | 'GetItem'
  | 'PutItem'
  | 'Query'
  | 'UpdateItem';

type ObjectAction = 'DeleteObject' | 'DeleteObjectTagging' | 'GetObject' | 'PutObject' | 'PutObjectTagging';

/** A function whose bundle is `dist/functions/<id>`; its role allows nothing but its own logs and what is bound. */
export class ImFunction extends Construct {
  readonly function: Function;
  readonly logs: LogGroup;
  private readonly role: Role;

  constructor(scope: Construct, id: string, props: ImFunctionProps) {
    super(scope, id);
    const { tracing, key } = baselineOf(this);
    this.logs = logGroup(this, 'Logs');
    this.role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    this.function = new Function(this, 'Function', {
      description: props.description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: 512,
      timeout: props.timeout ?? Duration.seconds(10),
      code: Code.fromAsset(`dist/functions/${id}`),
      handler: 'index.handler',
      role: this.role,
      logGroup: this.logs,
      ...(tracing && { tracing: Tracing.ACTIVE }),
      ...(props.reservedConcurrency !== undefined && {
        reservedConcurrentExecutions: props.reservedConcurrency,
      }),
      ...(props.continuesItself && { recursiveLoop: RecursiveLoop.ALLOW }),
      environment: { NODE_OPTIONS: '--enable-source-maps', ...props.environment },
    });
    this.allow(['logs:CreateLogStream', 'logs:PutLogEvents'], [this.logs.logGroupArn]);
    if (tracing) acknowledge(this.role, 'IAM5[Resource::*]', 'X-Ray takes traces for no resource');
    if (key) this.useKey(key);
  }

  /** Allows just these actions on one table and names the table in the environment. */
  useTable(tables: Tables, name: TableName, ...actions: TableAction[]): this {
    const table = tables.get(name);
    this.function.addEnvironment(tableDefinitions[name].variable, table.tableName);
    this.allow(
      actions.map((action) => `dynamodb:${action}`),
      [table.tableArn],
    );
    return this;
  }

  /** Allows looking items up in the index of a table. */
  useIndex(tables: Tables, name: 'Users'): this {
    const { tableArn } = tables.get(name);
    this.allow(['dynamodb:Query'], [`${tableArn}/index/${tableDefinitions[name].index.name}`]);
    return this;
  }

  /**
   * Allows posting to, or closing, connections of one stage. The URL is made of the API's id, not of the stage
   * object: the stage depends on the routes, the routes on this function, and that circle would not deploy.
   */
  useConnections(api: IWebSocketApi, stageName: string, ...methods: ('POST' | 'DELETE')[]): this {
    const { region, urlSuffix } = Stack.of(this);
    const url = `https://${api.apiId}.execute-api.${region}.${urlSuffix}/${stageName}`;
    this.function.addEnvironment('CONNECTIONS_URL', url);
    const arn = (method: string) =>
      Stack.of(this).formatArn({
        service: 'execute-api',
        resource: api.apiId,
        resourceName: `${stageName}/${method}/@connections/*`,
      });
    this.allow(['execute-api:ManageConnections'], methods.map(arn));
    for (const method of methods) {
      acknowledgeWildcard(this.role, arn(method), 'Ids of connections are known at run time alone');
    }
    return this;
  }

  /** Allows just these actions on objects whose keys begin so; and to be told what is not there, where that is asked for. */
  useBucket(
    bucket: Bucket,
    grants: Readonly<Record<string, readonly ObjectAction[]>>,
    { isToldOfMissing = true } = {},
  ): this {
    for (const [prefix, actions] of Object.entries(grants)) {
      this.allow(
        actions.map((action) => `s3:${action}`),
        [bucket.arnForObjects(`${prefix}*`)],
      );
      acknowledgeWildcard(
        this.role,
        bucket.arnForObjects(`${prefix}*`),
        'Files of one kind, named at run time',
      );
    }
    if (isToldOfMissing) this.allow(['s3:ListBucket'], [bucket.bucketArn]);
    return this.setVariable('MEDIA_BUCKET', bucket.bucketName).setVariable(
      'MEDIA_URL',
      `https://${bucket.bucketRegionalDomainName}`,
    );
  }

  setVariable(name: string, value: string): this {
    this.function.addEnvironment(name, value);
    return this;
  }

  /** Allows reading a secret, and names it in the environment. */
  useSecret(arn: string, environmentVariable: string): this {
    this.allow(['secretsmanager:GetSecretValue'], [arn]);
    return this.setVariable(environmentVariable, arn);
  }

  /** Allows invoking another function, and names it in the environment. */
  useFunction(arn: string, environmentVariable: string): this {
    this.allow(['lambda:InvokeFunction'], [arn]);
    return this.setVariable(environmentVariable, arn);
  }

  /** Allows putting events on one bus, and names it in the environment. */
  useEventBus(bus: string, environmentVariable: string): this {
    const arn = bus.startsWith('arn:')
      ? bus
      : Stack.of(this).formatArn({ service: 'events', resource: 'event-bus', resourceName: bus });
    this.allow(['events:PutEvents'], [arn]);
    return this.setVariable(environmentVariable, bus);
  }

  /** Allows telling the devices of SNS' platform applications. */
  usePlatformApplications(arns: string[]): this {
    const endpoints = arns.map((arn) => `${arn.replace(':app/', ':endpoint/')}/*`);
    this.allow(['sns:CreatePlatformEndpoint'], arns);
    this.allow(['sns:Publish'], endpoints);
    for (const arn of endpoints) acknowledgeWildcard(this.role, arn, 'Endpoints are made at run time');
    return this;
  }

  /** Allows sending to a queue and gives its URL in the environment. */
  useQueue(queue: IQueue, environmentVariable: string): this {
    this.function.addEnvironment(environmentVariable, queue.queueUrl);
    this.allow(['sqs:SendMessage'], [queue.queueArn]);
    return this;
  }

  /** Invokes the function with what is in the queue; it tells which messages failed. Grants what Lambda polls with. */
  consumeQueue(queue: IQueue, consumption: QueueConsumption = {}): this {
    this.allow(['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'], [queue.queueArn]);
    this.function.addEventSourceMapping(`From${queue.node.path.split('/').slice(1).join('')}`, {
      eventSourceArn: queue.queueArn,
      reportBatchItemFailures: true,
      ...consumption,
    });
    return this;
  }

  /** What is kept by the stores with this key; the key's own policy has to agree. */
  private useKey({ keyArn }: IKey): void {
    const { region, urlSuffix } = Stack.of(this);
    const stores = ['dynamodb', 's3', 'sqs'].map((service) => `${service}.${region}.${urlSuffix}`);
    this.role.addToPolicy(
      new PolicyStatement({
        actions: ['Decrypt', 'DescribeKey', 'Encrypt', 'GenerateDataKey', 'ReEncryptFrom', 'ReEncryptTo'].map(
          (action) => `kms:${action}`,
        ),
        resources: [keyArn],
        conditions: { StringEquals: { 'kms:ViaService': stores } },
      }),
    );
  }

  private allow(actions: string[], resources: string[]): void {
    this.role.addToPolicy(new PolicyStatement({ actions, resources }));
  }
}
