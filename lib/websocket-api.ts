// The WebSocket API: its routes, the authorizer and the functions behind them.
import { CfnOutput } from 'aws-cdk-lib';
import {
  ApiMapping,
  DomainName,
  WebSocketApi,
  WebSocketStage,
  type WebSocketRoute,
  type WebSocketRouteOptions,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { WebSocketLambdaAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { WebSocketLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { Action } from '../src/protocol/client-frames.ts';
import { groupFrames } from '../src/protocol/group-frames.ts';
import { mediaFrames } from '../src/protocol/media-frames.ts';
import { peopleFrames, presenceFrames } from '../src/protocol/people-frames.ts';
import { AccountLogRole, cfnStageOf, logAccess } from './access-logs.ts';
import { acknowledge } from './acknowledged.ts';
import type { Config } from './config.ts';
import { ImFunction, type ImFunctionProps } from './im-function.ts';
import type { Tables } from './tables.ts';

export interface WebSocketApiProps {
  config: Config;
  tokens: {
    /** A JWKS URL or one public JWK. */
    keys: string;
    issuer: string;
    audience: string;
  };
  tables: Tables;
  media: Bucket;
  environment: Record<string, string>;
}

/** `ack` is one-way: nothing is sent back for it. */
const oneWay: ReadonlySet<Action> = new Set<Action>(['ack']);

export class ImWebSocketApi extends Construct {
  readonly api: WebSocketApi;
  /** Where clients connect. */
  readonly url: string;
  /** They ask the hook before messages are stored, or changed. */
  readonly asking: ImFunction[] = [];
  private readonly routes: WebSocketRoute[] = [];
  private readonly props: WebSocketApiProps;

  constructor(scope: Construct, id: string, props: WebSocketApiProps) {
    super(scope, id);
    this.props = props;
    const { config, tables, media } = props;

    this.api = new WebSocketApi(this, 'Api', {
      apiName: `serverless-im-${config.stage}`,
      routeSelectionExpression: '$request.body.action',
    });
    this.addConnectionRoutes();

    const send = this.addRoutes(['send', 'typing'], 'send', 'Stores a message: numbered, durable, idempotent')
      .useTable(tables, 'Conversations', 'BatchGetItem', 'GetItem', 'PutItem', 'Query', 'UpdateItem')
      .useTable(tables, 'Messages', 'GetItem', 'PutItem')
      .useTable(tables, 'Users', 'BatchGetItem', 'PutItem', 'UpdateItem', 'ConditionCheckItem')
      .useTable(tables, 'OfflineQueue', 'DeleteItem');
    this.addRoutes(['sync', 'ack', 'pending', 'ping'], 'sync', 'Reads mailboxes and moves cursors')
      .useTable(tables, 'Users', 'BatchGetItem', 'Query', 'UpdateItem')
      .useTable(tables, 'Conversations', 'BatchGetItem', 'Query')
      .useTable(tables, 'Messages', 'BatchGetItem', 'Query')
      .useTable(tables, 'OfflineQueue', 'DeleteItem');
    const reading = ['history', 'read', 'positions', 'receipts'] as const;
    this.addRoutes([...reading], 'reading', 'Reads conversation timelines and moves read positions')
      .useTable(tables, 'Conversations', 'BatchGetItem', 'Query', 'PutItem', 'UpdateItem')
      .useTable(tables, 'Messages', 'BatchGetItem', 'Query', 'PutItem')
      .useTable(tables, 'Users', 'BatchGetItem');
    this.addRoutes(['conversations', 'unread'], 'conversations', 'Lists a user’s conversations')
      .useTable(tables, 'Conversations', 'BatchGetItem', 'Query')
      .useTable(tables, 'Messages', 'BatchGetItem', 'Query')
      .useTable(tables, 'Users', 'BatchGetItem', 'Query');
    this.addRoutes(['settings'], 'settings', 'Keeps what a user wants of a conversation')
      .useTable(tables, 'Conversations', 'BatchGetItem', 'UpdateItem')
      .useTable(tables, 'Messages', 'Query')
      .useTable(tables, 'Users', 'BatchGetItem', 'PutItem', 'UpdateItem', 'DeleteItem');
    this.addRoutes(['search'], 'search', 'Looks through the messages of a user')
      .useTable(tables, 'Conversations', 'BatchGetItem')
      .useTable(tables, 'Messages', 'BatchGetItem', 'Query')
      .useTable(tables, 'Users', 'BatchGetItem', 'Query', 'UpdateItem');
    const changes = this.addRoutes(
      ['recall', 'edit', 'react'],
      'changes',
      'Changes messages in place, for everybody',
    )
      .useTable(tables, 'Conversations', 'BatchGetItem', 'GetItem', 'PutItem', 'UpdateItem', 'DeleteItem')
      .useTable(tables, 'Messages', 'GetItem', 'PutItem', 'UpdateItem')
      .useBucket(media, { 'c/': ['DeleteObject', 'DeleteObjectTagging'] });
    this.asking.push(send, changes);
    const ofGroups = Object.keys(groupFrames) as (keyof typeof groupFrames)[];
    this.addRoutes(ofGroups, 'groups', 'Makes groups, changes who is in them and what they are called')
      .useTable(
        tables,
        'Conversations',
        'BatchGetItem',
        'GetItem',
        'Query',
        'PutItem',
        'UpdateItem',
        'DeleteItem',
      )
      .useTable(tables, 'Messages', 'PutItem')
      .useTable(tables, 'Users', 'BatchGetItem', 'PutItem', 'UpdateItem', 'DeleteItem');
    this.addRoutes(['device'], 'device', 'Registers a device for push notifications')
      .useTable(tables, 'Users', 'BatchGetItem', 'UpdateItem', 'DeleteItem')
      .useTable(tables, 'OfflineQueue', 'DeleteItem');
    const ofPeople = Object.keys(peopleFrames) as (keyof typeof peopleFrames)[];
    this.addRoutes(
      ofPeople,
      'people',
      'Keeps how users present themselves, what they want, whom they keep, and whom they block',
    )
      .useTable(tables, 'Users', 'BatchGetItem', 'GetItem', 'PutItem', 'Query', 'UpdateItem', 'DeleteItem')
      .useTable(tables, 'Conversations', 'BatchGetItem', 'UpdateItem', 'ConditionCheckItem');
    const ofPresence = Object.keys(presenceFrames) as (keyof typeof presenceFrames)[];
    this.addRoutes(ofPresence, 'presence', 'Tells who is online').useTable(
      tables,
      'Users',
      'BatchGetItem',
      'GetItem',
      'PutItem',
      'UpdateItem',
      'DeleteItem',
    );
    const ofMedia = Object.keys(mediaFrames) as (keyof typeof mediaFrames)[];
    this.addRoutes(ofMedia, 'media', 'Signs URLs for files')
      .useTable(tables, 'Conversations', 'BatchGetItem', 'GetItem', 'PutItem')
      .useTable(tables, 'Messages', 'GetItem')
      .useTable(tables, 'Users', 'UpdateItem')
      .useBucket(media, {
        'c/': ['PutObject', 'PutObjectTagging', 'GetObject'],
        'p/': ['PutObject', 'GetObject'],
      });
    const fallback = this.routeFunction('default', {
      description: 'Answers frames that name no known action',
    });
    this.addRoute('$default', this.twoWay('default', fallback));

    const stage = new WebSocketStage(this, 'Stage', {
      webSocketApi: this.api,
      stageName: config.stage,
      autoDeploy: true,
      throttle: config.throttle,
    });
    // A stage deploys what is there: without routes it fails, and what comes later would be deployed by luck.
    stage.node.addDependency(...this.routes);
    const cfnStage = cfnStageOf(stage);
    cfnStage.routeSettings = routeSettings(config.routeThrottles);
    logAccess(this, cfnStage, 'WEBSOCKET');
    // A stage that logs is refused while the account has no role for it.
    if (config.accountLogRole) stage.node.addDependency(new AccountLogRole(this, 'LogRole').account);
    this.url = this.nameOf(stage);
    new CfnOutput(this, 'Url', { value: this.url, description: 'Where clients connect' });
  }

  /** Where the stage is found: by a name of one's own, if there is one. */
  private nameOf(stage: WebSocketStage): string {
    const { domainName, certificateArn } = this.props.config;
    if (domainName === undefined || certificateArn === undefined) return stage.url;
    const domain = new DomainName(this, 'Domain', {
      domainName,
      certificate: Certificate.fromCertificateArn(this, 'Certificate', certificateArn),
    });
    new ApiMapping(this, 'DomainMapping', { api: this.api, domainName: domain, stage });
    new CfnOutput(this, 'DomainTarget', {
      value: domain.regionalDomainName,
      description: `What ${domainName} is to be an alias of (CNAME, or ALIAS with DomainZone)`,
    });
    new CfnOutput(this, 'DomainZone', {
      value: domain.regionalHostedZoneId,
      description: 'The hosted zone of DomainTarget, for an ALIAS in Route 53',
    });
    return `wss://${domainName}`;
  }

  private addConnectionRoutes(): void {
    const { config, tables, tokens } = this.props;
    const authorize = new ImFunction(this, 'authorize', {
      description: 'Checks the token and the origin of a new connection, and whether its device was replaced',
      environment: {
        ...this.props.environment,
        TOKEN_KEYS: tokens.keys,
        TOKEN_ISSUER: tokens.issuer,
        TOKEN_AUDIENCE: tokens.audience,
        TOKEN_USER_CLAIM: config.userClaim,
        TOKEN_MAX_HOURS: String(config.maxTokenHours),
        ALLOWED_ORIGINS: config.allowedOrigins.join(','),
      },
    }).useTable(tables, 'Users', 'Query');
    const connect = this.routeFunction('connect', {
      description: 'Registers a connection, replaces and kicks older ones',
    })
      .useTable(tables, 'Users', 'UpdateItem', 'Query', 'BatchGetItem', 'DeleteItem')
      .useTable(tables, 'OfflineQueue', 'DeleteItem');
    this.addRoute('$connect', {
      integration: new WebSocketLambdaIntegration('connect', connect.function),
      authorizer: new WebSocketLambdaAuthorizer('Authorizer', authorize.function, {
        identitySource: ['route.request.header.Sec-WebSocket-Protocol'],
      }),
    });
    const disconnect = new ImFunction(this, 'disconnect', {
      description: 'Forgets a connection, and tells who watches its user',
      environment: this.props.environment,
    })
      .useTable(tables, 'Users', 'UpdateItem', 'Query', 'BatchGetItem', 'DeleteItem')
      .useConnections(this.api, config.stage, 'POST');
    this.addRoute('$disconnect', {
      integration: new WebSocketLambdaIntegration('disconnect', disconnect.function),
    });
  }

  private addRoutes(actions: Action[], id: string, description: string): ImFunction {
    const handler = this.routeFunction(id, { description });
    for (const action of actions) {
      this.addRoute(action, {
        ...this.twoWay(action, handler),
        returnResponse: !oneWay.has(action),
      });
    }
    return handler;
  }

  private addRoute(key: string, options: WebSocketRouteOptions): void {
    const route = this.api.addRoute(key, options);
    this.routes.push(route);
    if (key === '$connect') return;
    acknowledge(
      route,
      'APIG4',
      'WebSocket APIs authorize a connection once, at $connect; its user comes from there',
    );
  }

  private twoWay(id: string, handler: ImFunction) {
    return { integration: new WebSocketLambdaIntegration(id, handler.function), returnResponse: true };
  }

  /** A function behind a route may close its own connection: when the token has expired, or to kick an older device. */
  private routeFunction(id: string, props: ImFunctionProps): ImFunction {
    const environment = { ...this.props.environment, ...props.environment };
    return new ImFunction(this, id, { ...props, environment }).useConnections(
      this.api,
      this.props.config.stage,
      'POST',
      'DELETE',
    );
  }
}

/** As CloudFormation takes them: a map of plain values, which CDK has no type for. */
function routeSettings(throttles: Config['routeThrottles']): Record<string, object> {
  return Object.fromEntries(
    Object.entries(throttles).map(([route, { rateLimit, burstLimit }]) => [
      route,
      { ThrottlingRateLimit: rateLimit, ThrottlingBurstLimit: burstLimit },
    ]),
  );
}
