// The REQUEST authorizer of `$connect`: asked once, its answer holds for the connection's life.
import {
  authorizerEvent,
  type AuthorizerContext,
  type ConnectionFacts,
  type RequestContext,
} from './events.ts';
import type { AuthorizerModel, CloudModel, InvocationResult, Invoke } from '../model.ts';
import { matchesWildcard } from '../iam/wildcard.ts';

export type AuthorizerDecision =
  | { readonly allowed: true; readonly context: AuthorizerContext }
  | { readonly allowed: false; readonly status: 401 | 403 | 500 };

/** docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html */
const maximumResultBytes = 8 * 1024;

export async function askAuthorizer(
  authorizer: AuthorizerModel,
  model: CloudModel,
  invoke: Invoke,
  facts: ConnectionFacts,
  context: RequestContext,
): Promise<AuthorizerDecision> {
  const stageVariables = model.api.stageVariables ?? {};
  const complete = authorizer.identitySources.every((source) =>
    identityOf(source, facts, context, stageVariables),
  );
  if (!complete) return { allowed: false, status: 401 };
  if (!authorizer.mayInvoke) return { allowed: false, status: 500 };

  const { apiId, stageName } = model.api;
  const methodArn = `arn:aws:execute-api:${model.region}:${model.accountId}:${apiId}/${stageName}/$connect`;
  const startedAt = performance.now();
  const result = await invoke(
    authorizer.functionName,
    authorizerEvent(facts, context, methodArn, stageVariables),
  );
  return decide(result, methodArn, Math.round(performance.now() - startedAt));
}

/** The value of an identity source; an empty one is as good as none. */
function identityOf(
  source: string,
  facts: ConnectionFacts,
  context: RequestContext,
  stageVariables: Readonly<Record<string, string>>,
): unknown {
  const [, kind, name = ''] =
    /^(route\.request\.(?:header|querystring)|stageVariables|context)\.(.+)$/.exec(source) ?? [];
  switch (kind) {
    case 'route.request.header':
      return facts.headers.find(([header]) => header.toLowerCase() === name.toLowerCase())?.[1];
    case 'route.request.querystring':
      return facts.query.get(name);
    case 'stageVariables':
      return stageVariables[name];
    case 'context':
      return name
        .split('.')
        .reduce<unknown>((value, key) => (value as Record<string, unknown>)?.[key], context);
    case undefined:
    default:
      throw new Error(`API Gateway knows no identity source ${source}`);
  }
}

interface AuthorizerResult {
  principalId: string;
  policyDocument: { Statement: Statement | Statement[] };
  context?: Record<string, string | number | boolean>;
}

interface Statement {
  Effect: string;
  Action: string | string[];
  Resource: string | string[];
}

function decide(result: InvocationResult, methodArn: string, integrationLatency: number): AuthorizerDecision {
  if (result.outcome !== 'returned') {
    // Exactly this word is the documented way to 401; everything else that is thrown is a failure.
    return { allowed: false, status: result.errorMessage === 'Unauthorized' ? 401 : 500 };
  }
  const { payload } = result;
  if (!isWellFormed(payload)) return { allowed: false, status: 500 };
  if (!allows(payload.policyDocument.Statement, methodArn)) return { allowed: false, status: 403 };
  const values = Object.entries(payload.context ?? {}).map(([key, value]) => [key, String(value)] as const);
  return {
    allowed: true,
    context: { ...Object.fromEntries(values), principalId: payload.principalId, integrationLatency },
  };
}

function isWellFormed(payload: unknown): payload is AuthorizerResult {
  if (Buffer.byteLength(JSON.stringify(payload)) > maximumResultBytes) return false;
  const { principalId, policyDocument, context = {} } = (payload ?? {}) as Partial<AuthorizerResult>;
  const statements = [policyDocument?.Statement ?? []].flat();
  return (
    typeof principalId === 'string' &&
    statements.length > 0 &&
    statements.every(
      ({ Effect, Action, Resource }) => (Effect === 'Allow' || Effect === 'Deny') && Action && Resource,
    ) &&
    typeof context === 'object' &&
    context !== null &&
    Object.values(context).every((value) => ['string', 'number', 'boolean'].includes(typeof value))
  );
}

/** An explicit Deny wins; what no statement allows is denied. */
function allows(statements: Statement | Statement[], methodArn: string): boolean {
  const effects = [statements]
    .flat()
    .filter(
      ({ Action, Resource }) =>
        [Action].flat().some((action) => matchesWildcard(action, 'execute-api:Invoke')) &&
        [Resource].flat().some((resource) => matchesWildcard(resource, methodArn)),
    )
    .map(({ Effect }) => Effect);
  return effects.includes('Allow') && !effects.includes('Deny');
}
