// Who calls, and may they: credentials per execution environment, and roles evaluated as IAM evaluates them.
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { CloudModel, FunctionModel, PolicyStatement } from '../model.ts';
import { compileWildcard } from './wildcard.ts';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

export interface Identity {
  /** FunctionModel.name. */
  readonly functionName: string;
  readonly environmentId: string;
  readonly role: FunctionModel['role'];
  /** The assumed role's session, as AWS names it in its messages. */
  readonly arn: string;
}

/** Who signs, and with what. */
export interface Signer {
  readonly identity: Identity;
  readonly credentials: Credentials;
}

export type Authorization =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly message: string };

/** Values of condition keys in this request, e.g. `dynamodb:LeadingKeys`. */
export type ConditionContext = Readonly<Record<string, string | readonly string[]>>;

export interface Identities {
  credentialsFor(functionName: string, environmentId: string): Credentials;
  /** The role of a function, assumed by Lambda itself. @throws Error for a function that is not there. */
  identityOf(functionName: string): Identity;
  /** Whose request this is, by the access key in its SigV4 `Authorization` header. */
  identify(headers: IncomingHttpHeaders): Identity | undefined;
  /** Also one whose environment is gone: what it has signed stays good as long as it said. */
  findSigner(accessKeyId: string): Signer | undefined;
  authorize(
    identity: Identity,
    action: string,
    resourceArn: string,
    context?: ConditionContext,
  ): Authorization;
  /** The environment is gone: its credentials are void. */
  forget(environmentId: string): void;
}

/** What a function asked a service for, as it came over HTTP: it can be sent again. */
export interface FunctionRequest {
  readonly functionName: string;
  readonly method: string;
  readonly path: string;
  /** `DynamoDB_20120810.PutItem`, `AmazonSQS.SendMessage`; undefined of @connections. */
  readonly target: string | undefined;
  readonly body: string;
  /** Beside those that all requests to a service have. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Execution environments whose signatures are known, also after their end. */
const maximumSigners = 10_000;

/** @throws Error where a role uses what is not evaluated here: better refused than silently allowed. */
export function createIdentities(model: CloudModel): Identities {
  const functions = new Map(model.functions.map((definition) => [definition.name, definition]));
  const policies = new Map(model.functions.map(({ name, role }) => [name, role.statements.map(compile)]));
  const byAccessKey = new Map<string, Identity>();
  const accessKeys = new Map<string, string>();
  const signers = new Map<string, Signer>();

  const identityOf = (functionName: string, environmentId: string): Identity => {
    const definition = functions.get(functionName);
    if (!definition) throw new Error(`No function ${functionName} in ${model.stackName}`);
    const { role } = definition;
    const arn = `arn:aws:sts::${model.accountId}:assumed-role/${role.name}/${definition.functionName}`;
    return { functionName, environmentId, role, arn };
  };

  return {
    identityOf: (functionName) => identityOf(functionName, 'event-source-mapping'),

    credentialsFor(functionName, environmentId) {
      const identity = identityOf(functionName, environmentId);
      const credentials = makeCredentials(`${model.stackName}/${functionName}/${environmentId}`);
      accessKeys.set(environmentId, credentials.accessKeyId);
      byAccessKey.set(credentials.accessKeyId, identity);
      signers.set(credentials.accessKeyId, { identity, credentials });
      const [oldest] = signers.keys();
      if (signers.size > maximumSigners) signers.delete(oldest!);
      return credentials;
    },

    // The signature itself is not checked: the front listens on the loopback only, and keys are unguessable enough.
    identify(headers) {
      const accessKeyId = /\bCredential=([^/,\s]+)\//.exec(headers.authorization ?? '')?.[1];
      return accessKeyId === undefined ? undefined : byAccessKey.get(accessKeyId);
    },

    findSigner: (accessKeyId) => signers.get(accessKeyId),

    authorize(identity, action, resourceArn, context = {}) {
      const statements = policies.get(identity.functionName) ?? [];
      return evaluate(statements, identity.arn, { action, resourceArn, context });
    },

    forget(environmentId) {
      const accessKeyId = accessKeys.get(environmentId);
      if (accessKeyId === undefined) return;
      accessKeys.delete(environmentId);
      byAccessKey.delete(accessKeyId);
    },
  };
}

function makeCredentials(name: string): Credentials {
  const digest = (purpose: string) => createHash('sha256').update(`${purpose}/${name}`).digest();
  const base32 = [...digest('key').subarray(0, 16)].map(
    (byte) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[byte % 32],
  );
  return {
    accessKeyId: `ASIA${base32.join('')}`,
    secretAccessKey: digest('secret').toString('base64').slice(0, 40),
    sessionToken: digest('token').toString('base64'),
  };
}

export interface AccessRequest {
  readonly action: string;
  readonly resourceArn: string;
  readonly context: ConditionContext;
}

/** As IAM does: what is not allowed is refused, and a Deny is over every Allow. */
export function evaluate(
  statements: readonly CompiledStatement[],
  callerArn: string,
  { action, resourceArn, context }: AccessRequest,
): Authorization {
  const applying = statements.filter((statement) => statement.applies(action, resourceArn, context));
  const effects = new Set(applying.map(({ effect }) => effect));
  const allowed = effects.has('Allow') && !effects.has('Deny');
  if (allowed) return { allowed };
  const refuse = (reason: string): Authorization => ({
    allowed: false,
    message: `User: ${callerArn} is not authorized to perform: ${action} on resource: ${resourceArn} ${reason}`,
  });
  if (effects.has('Deny')) return refuse('with an explicit deny in an identity-based policy');
  return refuse(`because no identity-based policy allows the ${action} action`);
}

export interface CompiledStatement {
  readonly effect: PolicyStatement['effect'];
  applies(action: string, resourceArn: string, context: ConditionContext): boolean;
}

export function compile(statement: PolicyStatement): CompiledStatement {
  const actions = statement.actions.map((pattern) => compileWildcard(pattern, 'i'));
  const resources = statement.resources.map((pattern) => compileWildcard(pattern));
  const conditions = Object.entries(statement.conditions ?? {}).flatMap(([operator, operands]) =>
    Object.entries(operands).map(([key, values]) => compileCondition(operator, key, [values].flat())),
  );
  return {
    effect: statement.effect,
    applies: (action, resourceArn, context) =>
      actions.some((pattern) => pattern.test(action)) &&
      resources.some((pattern) => pattern.test(resourceArn)) &&
      conditions.every((condition) => condition(context)),
  };
}

/** ForAllValues is true of a key that the request does not have, as on AWS; the plain operators are false of it. */
function compileCondition(
  operator: string,
  key: string,
  values: readonly string[],
): (context: ConditionContext) => boolean {
  const [, forAllValues, comparison] =
    /^(ForAllValues:)?(StringEquals|StringLike|Bool)$/.exec(operator) ?? [];
  if (comparison === undefined) throw new Error(`Condition operator ${operator} is not evaluated locally`);
  const patterns = values.map((value) => compileWildcard(value));
  const matches =
    comparison === 'StringLike'
      ? (actual: string) => patterns.some((pattern) => pattern.test(actual))
      : (actual: string) => values.includes(actual);
  return (context) => {
    const actual = context[key];
    if (forAllValues !== undefined) return [actual ?? []].flat().every(matches);
    return typeof actual === 'string' && matches(actual);
  };
}
