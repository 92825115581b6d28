// The service API, for the app's own backend: an HTTP API that lets nobody in but who signs for it and has the policy.
// Several functions stand behind it, each with a role of its own (docs/decisions/0013).
import { CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import {
  HttpApi,
  HttpMethod,
  HttpRoute,
  HttpRouteKey,
  type IWebSocketApi,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpIamAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { EXPORTS_PREFIX } from '../src/core/media/keys.ts';
import type { ServiceRoute } from '../src/protocol/service-routes.ts';
import { cfnStageOf, logAccess } from './access-logs.ts';
import { acknowledgeWildcard } from './acknowledged.ts';
import { Broadcasts } from './broadcasts.ts';
import type { Config } from './config.ts';
import { Exports } from './exports.ts';
import { Erasures } from './erasures.ts';
import { ImFunction } from './im-function.ts';
import type { Tables } from './tables.ts';

export interface ServiceApiProps {
  tables: Tables;
  media: Bucket;
  api: IWebSocketApi;
  config: Config;
  environment: Record<string, string>;
}

/** As long as an HTTP API waits. */
const TIMEOUT = Duration.seconds(29);

export class ServiceApi extends Construct {
  private readonly http: HttpApi;
  private readonly authorizer = new HttpIamAuthorizer();
  private readonly environment: Record<string, string>;

  constructor(scope: Construct, id: string, { tables, media, api, config, environment }: ServiceApiProps) {
    super(scope, id);
    const { stage: stageName, serviceThrottle } = config;
    this.environment = environment;
    this.http = new HttpApi(this, 'Api', {
      apiName: `serverless-im-service-${stageName}`,
      description: 'For the app’s own backend',
    });
    this.guardStage(serviceThrottle);
    const service = this.addFunction('service', 'Sends messages for the app’s own backend')
      .useTable(tables, 'Users', 'BatchGetItem', 'PutItem', 'UpdateItem', 'ConditionCheckItem')
      .useTable(tables, 'Conversations', 'BatchGetItem', 'PutItem', 'UpdateItem')
      .useTable(tables, 'Messages', 'PutItem');
    this.route(service, ['POST /v1/messages', 'POST /v1/import']);
    const { queue: erasures } = new Erasures(this, 'Erasures', { tables, media, environment });
    const users = this.addFunction('service-users', 'Makes users known, looks at them and keeps them out')
      .useTable(tables, 'Users', 'BatchGetItem', 'GetItem', 'PutItem', 'Query', 'UpdateItem')
      .useTable(tables, 'Conversations', 'BatchGetItem', 'Query')
      .useTable(tables, 'Messages', 'Query')
      .useConnections(api, stageName, 'POST', 'DELETE')
      .useQueue(erasures, 'ERASURES_QUEUE_URL');
    this.route(users, [
      'DELETE /v1/users/{userId}',
      'POST /v1/users',
      'GET /v1/users/{userId}',
      'POST /v1/users/{userId}/kick',
      'POST /v1/users/{userId}/ban',
      'POST /v1/users/{userId}/revoke',
    ]);
    const groups = this.addFunction('service-groups', 'Makes and changes groups for the app’s own backend')
      .useTable(tables, 'Users', 'BatchGetItem', 'GetItem', 'PutItem', 'UpdateItem', 'DeleteItem')
      .useTable(tables, 'Conversations', 'BatchGetItem', 'GetItem', 'PutItem', 'UpdateItem')
      .useTable(tables, 'Messages', 'PutItem');
    this.route(groups, [
      'POST /v1/groups',
      'POST /v1/groups/{id}/members',
      'DELETE /v1/groups/{id}/members/{userId}',
      'DELETE /v1/groups/{id}',
    ]);
    const { lanes } = new Broadcasts(this, 'Broadcasts', { tables, environment });
    const broadcasts = this.addFunction(
      'service-broadcasts',
      'Begins broadcasts, looks at them and stops them',
    )
      .useTable(tables, 'Users', 'UpdateItem')
      .useTable(tables, 'Conversations', 'BatchGetItem', 'GetItem', 'PutItem', 'UpdateItem')
      .useQueue(lanes, 'BROADCAST_LANES_QUEUE_URL');
    this.route(broadcasts, ['POST /v1/broadcasts', 'GET /v1/broadcasts/{id}', 'DELETE /v1/broadcasts/{id}']);
    const { queue: exports } = new Exports(this, 'Exports', { tables, media, environment });
    const exporting = this.addFunction('service-exports', 'Begins exports, and gives them out')
      .useTable(tables, 'Users', 'GetItem', 'PutItem', 'UpdateItem')
      .useBucket(media, { [EXPORTS_PREFIX]: ['GetObject'] }, { isToldOfMissing: false })
      .useQueue(exports, 'EXPORTS_QUEUE_URL');
    this.route(exporting, ['GET /v1/users/{userId}/export']);
    // What there is not is answered in the words of the error catalogue, to those who may ask at all.
    new HttpRoute(this, 'Nothing', {
      httpApi: this.http,
      routeKey: HttpRouteKey.DEFAULT,
      integration: new HttpLambdaIntegration('NothingIntegration', service.function),
      authorizer: this.authorizer,
    });
    this.tellOutside();
  }

  private guardStage({ rateLimit, burstLimit }: Config['serviceThrottle']): void {
    // The stage that an HTTP API makes by itself: another of that name would stand in its own way.
    const stage = cfnStageOf(this.http.defaultStage!);
    stage.defaultRouteSettings = { throttlingRateLimit: rateLimit, throttlingBurstLimit: burstLimit };
    logAccess(this, stage, 'HTTP');
  }

  private addFunction(name: string, description: string): ImFunction {
    return new ImFunction(this, name, { description, timeout: TIMEOUT, environment: this.environment });
  }

  private route(target: ImFunction, keys: readonly ServiceRoute[]): void {
    const integration = new HttpLambdaIntegration(`${target.node.id}Integration`, target.function, {
      scopePermissionToRoute: false,
    });
    for (const key of keys) {
      const [method, path] = key.split(' ') as [HttpMethod, `/${string}`];
      this.http.addRoutes({ path, methods: [method], integration, authorizer: this.authorizer });
    }
  }

  private tellOutside(): void {
    const callers = new ManagedPolicy(this, 'Callers', {
      description: 'May call the service API of serverless-im',
      statements: [
        new PolicyStatement({ actions: ['execute-api:Invoke'], resources: [this.http.arnForExecuteApi()] }),
      ],
    });
    acknowledgeWildcard(callers, this.http.arnForExecuteApi(), 'Every route of this API is what it is for');
    const stack = Stack.of(this);
    new CfnOutput(stack, 'ServiceUrl', {
      value: this.http.apiEndpoint,
      description: 'Where the app’s own backend calls',
    });
    new CfnOutput(stack, 'ServiceCallersPolicy', {
      value: callers.managedPolicyArn,
      description: 'The policy to attach to the role of the app’s own backend',
    });
  }
}
