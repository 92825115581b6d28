// The WebSocket API: its stage, its routes and the functions behind them.
import type { ApiModel, AuthorizerModel, FunctionModel, RouteModel, ThrottleModel } from '../model.ts';
import type { Account, Resource } from './resources.ts';
import { matchesWildcard } from '../iam/wildcard.ts';

interface RouteProperties {
  RouteKey: string;
  Target: string;
  AuthorizationType?: string;
  AuthorizerId?: string;
}

interface PermissionProperties {
  Action: string;
  FunctionName: string;
  Principal: string;
  SourceArn?: string;
}

interface StageProperties {
  AutoDeploy?: boolean;
  DeploymentId?: string;
  StageVariables?: Record<string, string>;
  DefaultRouteSettings?: RouteSettings;
  RouteSettings?: Record<string, RouteSettings>;
}

interface RouteSettings {
  ThrottlingRateLimit?: number;
  ThrottlingBurstLimit?: number;
}

/** What the parts of the API are looked up in. */
interface Context {
  readonly resources: readonly Resource[];
  readonly functions: readonly FunctionModel[];
  /** `arn:aws:execute-api:REGION:ACCOUNT:API` */
  readonly apiArn: string;
  readonly stageName: string;
  readonly stage: StageProperties;
}

export function modelApi(
  resources: readonly Resource[],
  functions: readonly FunctionModel[],
  account: Account,
): ApiModel {
  const api = theOnly('WebSocket API', ofProtocol(resources, 'WEBSOCKET'));
  const stage = theOnly(`stage of ${api.constructPath}`, partsOf(api, resources, 'Stage'));
  const properties = stage.properties as StageProperties;
  const { AutoDeploy, DeploymentId, StageVariables } = properties;
  if (!AutoDeploy && !DeploymentId) {
    throw new Error(`The stage is not deployed: every client would get 403 (${stage.constructPath})`);
  }

  const apiArn = `arn:aws:execute-api:${account.region}:${account.accountId}:${api.ref}`;
  const context = { resources, functions, apiArn, stageName: stage.ref, stage: properties };
  return {
    apiId: api.ref,
    stageName: stage.ref,
    routeSelectionExpression: checkExpression(api),
    ...(StageVariables && { stageVariables: StageVariables }),
    routes: partsOf(api, resources, 'Route').map((route) => modelRoute(route, context)),
  };
}

function modelRoute(route: Resource, context: Context): RouteModel {
  const { resources, apiArn, stageName } = context;
  const {
    RouteKey,
    Target,
    AuthorizationType = 'NONE',
    AuthorizerId,
  } = route.properties as unknown as RouteProperties;
  if (AuthorizationType !== 'NONE' && AuthorizationType !== 'CUSTOM') {
    throw new Error(
      `The local cloud does not know the authorization ${AuthorizationType} (${route.constructPath})`,
    );
  }
  const { target, timeoutMs } = integrationOf(route, Target, context);
  const throttle = throttleOf(RouteKey, context.stage);
  return {
    routeKey: RouteKey,
    functionName: target.name,
    returnsResponse: ofType(resources, 'AWS::ApiGatewayV2::RouteResponse').some(
      ({ properties }) => properties['RouteId'] === route.ref,
    ),
    mayInvoke: isPermitted(target, `${apiArn}/${stageName}/${RouteKey}`, context),
    ...(timeoutMs !== undefined && { integrationTimeoutMs: timeoutMs }),
    ...(throttle && { throttle }),
    ...(AuthorizationType === 'CUSTOM' && {
      authorizer: modelAuthorizer(AuthorizerId ?? '', route, context),
    }),
  };
}

/** The function behind a route. */
export function integrationOf(
  route: Resource,
  routeTarget: string,
  context: Pick<Context, 'resources' | 'functions'>,
): { readonly target: FunctionModel; readonly timeoutMs?: number } {
  const ref = routeTarget.replace('integrations/', '');
  const integration = byRef(context.resources, 'AWS::ApiGatewayV2::Integration', ref, route);
  const { IntegrationType, IntegrationUri, TimeoutInMillis } = integration.properties;
  if (IntegrationType !== 'AWS_PROXY') {
    throw new Error(`The local cloud runs Lambda proxy integrations only (${integration.constructPath})`);
  }
  const target = functionOfUri(String(IntegrationUri), integration, context);
  return { target, ...(TimeoutInMillis !== undefined && { timeoutMs: Number(TimeoutInMillis) }) };
}

/** A route's own settings are over those of the stage's default; without both limits there is no throttle. */
function throttleOf(routeKey: string, stage: StageProperties): ThrottleModel | undefined {
  const own = Object.entries(stage.RouteSettings ?? {}).find(([key]) => key === routeKey)?.[1];
  const { ThrottlingRateLimit, ThrottlingBurstLimit } = { ...stage.DefaultRouteSettings, ...own };
  if (ThrottlingRateLimit === undefined || ThrottlingBurstLimit === undefined) return undefined;
  return { ratePerSecond: ThrottlingRateLimit, burstLimit: ThrottlingBurstLimit };
}

function modelAuthorizer(authorizerId: string, route: Resource, context: Context): AuthorizerModel {
  const authorizer = byRef(context.resources, 'AWS::ApiGatewayV2::Authorizer', authorizerId, route);
  const { AuthorizerType, AuthorizerUri, IdentitySource } = authorizer.properties;
  if (AuthorizerType !== 'REQUEST') {
    throw new Error(`A WebSocket API takes REQUEST authorizers only (${authorizer.constructPath})`);
  }
  const target = functionOfUri(String(AuthorizerUri), authorizer, context);
  return {
    functionName: target.name,
    identitySources: (IdentitySource ?? []) as string[],
    mayInvoke: isPermitted(target, `${context.apiArn}/authorizers/${authorizerId}`, context),
  };
}

/** Without a permission for the source, API Gateway cannot invoke the function: "Internal server error". */
export function isPermitted(
  target: FunctionModel,
  sourceArn: string,
  { resources }: Pick<Context, 'resources'>,
): boolean {
  return ofType(resources, 'AWS::Lambda::Permission')
    .map(({ properties }) => properties as unknown as PermissionProperties)
    .some(
      ({ Action, FunctionName, Principal, SourceArn = '*' }) =>
        (FunctionName === target.arn || FunctionName === target.functionName) &&
        Principal === 'apigateway.amazonaws.com' &&
        matchesWildcard(Action, 'lambda:InvokeFunction') &&
        matchesWildcard(SourceArn, sourceArn),
    );
}

/** The function's ARN, or `arn:aws:apigateway:REGION:lambda:path/2015-03-31/functions/<function ARN>/invocations`. */
function functionOfUri(
  uri: string,
  { constructPath }: Resource,
  { functions }: Pick<Context, 'functions'>,
): FunctionModel {
  const functionArn = /\/functions\/(.+)\/invocations$/.exec(uri)?.[1] ?? uri;
  const target = functions.find(({ arn }) => arn === functionArn);
  if (!target) throw new Error(`${uri} leads to no function of the template (${constructPath})`);
  return target;
}

function checkExpression({ properties, constructPath }: Resource): string {
  const expression = String(properties['RouteSelectionExpression']);
  if (/^\$request\.body(\.[A-Za-z0-9_-]+)+$/.test(expression)) return expression;
  throw new Error(
    `The local cloud selects routes by $request.body.<path>, not ${expression} (${constructPath})`,
  );
}

function ofType(resources: readonly Resource[], type: string): Resource[] {
  return resources.filter((resource) => resource.type === type);
}

export const ofProtocol = (resources: readonly Resource[], protocol: 'WEBSOCKET' | 'HTTP') =>
  ofType(resources, 'AWS::ApiGatewayV2::Api').filter(
    ({ properties }) => properties['ProtocolType'] === protocol,
  );

/** Stages, or routes, of one of the APIs. */
export const partsOf = (api: Resource, resources: readonly Resource[], kind: 'Stage' | 'Route') =>
  ofType(resources, `AWS::ApiGatewayV2::${kind}`).filter(({ properties }) => properties['ApiId'] === api.ref);

export function theOnly(what: string, [resource, ...others]: readonly Resource[]): Resource {
  if (!resource || others.length > 0) throw new Error(`The local cloud runs exactly one ${what}`);
  return resource;
}

function byRef(resources: readonly Resource[], type: string, ref: string, user: Resource): Resource {
  const found = ofType(resources, type).find((resource) => resource.ref === ref);
  if (!found) throw new Error(`No ${type} ${ref} (${user.constructPath})`);
  return found;
}
