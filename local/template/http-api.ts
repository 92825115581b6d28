// The HTTP API: its routes, the functions behind them, and the policies of those who may call them.
import type { FunctionModel, HttpApiModel, HttpRouteModel, ManagedPolicyModel } from '../model.ts';
import { integrationOf, isPermitted, ofProtocol, partsOf, theOnly } from './api.ts';
import { modelStatements, type PolicyDocument } from './functions.ts';
import { shortName, type Account, type Resource } from './resources.ts';

const DEFAULT_STAGE = '$default';

/** `undefined`: the template has none. */
export function modelHttpApi(
  resources: readonly Resource[],
  functions: readonly FunctionModel[],
  { region, accountId }: Account,
): HttpApiModel | undefined {
  const apis = ofProtocol(resources, 'HTTP');
  if (apis.length === 0) return undefined;
  const api = theOnly('HTTP API', apis);
  const stage = theOnly(`stage of ${api.constructPath}`, partsOf(api, resources, 'Stage'));
  if (stage.ref !== DEFAULT_STAGE || !stage.properties['AutoDeploy']) {
    throw new Error(`The local cloud serves an HTTP API at its $default stage only (${stage.constructPath})`);
  }
  const arn = `arn:aws:execute-api:${region}:${accountId}:${api.ref}/${DEFAULT_STAGE}`;
  const routes = partsOf(api, resources, 'Route').map((route): HttpRouteModel => {
    const { RouteKey, Target, AuthorizationType } = route.properties;
    if (AuthorizationType !== 'AWS_IAM') {
      throw new Error(`The local cloud serves HTTP routes with AWS_IAM only (${route.constructPath})`);
    }
    const routeKey = String(RouteKey);
    const { target } = integrationOf(route, String(Target), { resources, functions });
    const sourceArn = `${arn}/${routeKey.replace(' ', '')}`;
    return { routeKey, functionName: target.name, mayInvoke: isPermitted(target, sourceArn, { resources }) };
  });
  return { apiId: api.ref, domainName: `${api.ref}.execute-api.${region}.amazonaws.com`, arn, routes };
}

export function modelManagedPolicies(resources: readonly Resource[]): ManagedPolicyModel[] {
  return resources
    .filter(({ type }) => type === 'AWS::IAM::ManagedPolicy')
    .map(({ properties, constructPath }) => ({
      name: shortName(constructPath),
      statements: modelStatements(properties['PolicyDocument'] as PolicyDocument, constructPath),
    }));
}
