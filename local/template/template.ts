// Reads a synthesized CloudFormation template and resolves it into what the local cloud runs.
import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve as resolvePath } from 'node:path';
import { noValue, resolveValue, type Scope } from './intrinsics.ts';
import type { CloudModel } from '../model.ts';
import { modelApi } from './api.ts';
import { modelBuckets } from './buckets.ts';
import { modelEventSources, modelTables } from './data.ts';
import { modelFunctions } from './functions.ts';
import { modelHttpApi, modelManagedPolicies } from './http-api.ts';
import { modelQueues, modelQueueSources } from './queues.ts';
import { resolveParameters, type ParameterDeclaration } from './parameters.ts';
import { modelSecrets } from './secrets.ts';
import { identifyResource, type Account, type Resource } from './resources.ts';

export interface TemplateOptions {
  readonly parameters: Readonly<Record<string, string>>;
  /** Default: as the CDK names the file. Physical names begin with it. */
  readonly stackName?: string;
}

interface Template {
  Parameters?: Record<string, ParameterDeclaration>;
  Conditions?: Record<string, unknown>;
  Resources: Record<string, ResourceDeclaration>;
}

interface ResourceDeclaration {
  Type: string;
  Condition?: string;
  Properties?: Record<string, unknown>;
  Metadata?: { 'aws:cdk:path'?: string; 'aws:asset:path'?: string };
}

/** `Rules` and `Outputs` speak to who deploys; nothing in the stack depends on them. */
const sections = new Set([
  'AWSTemplateFormatVersion',
  'Conditions',
  'Description',
  'Metadata',
  'Outputs',
  'Parameters',
  'Resources',
  'Rules',
]);

const templateSuffix = '.template.json';

export function stackNameOf(templatePath: string): string {
  return basename(templatePath, templateSuffix);
}

/** @throws Error that names what the local cloud cannot run faithfully, and where it is. */
export async function loadTemplate(path: string, options: TemplateOptions): Promise<CloudModel> {
  const template = JSON.parse(await readFile(path, 'utf8')) as Template;
  const unknown = Object.keys(template).find((section) => !sections.has(section));
  if (unknown) throw new Error(`The local cloud does not know the template section ${unknown}`);

  const account: Account = {
    stackName: options.stackName ?? stackNameOf(path),
    region: 'us-east-1',
    accountId: '000000000000',
  };
  const parameters = resolveParameters(template.Parameters ?? {}, options.parameters);
  const resources = resolveResources(template, parameters, account, dirname(path));

  const tables = modelTables(resources);
  const functions = modelFunctions(resources);
  const queues = modelQueues(resources);
  return {
    ...account,
    tables,
    functions,
    api: modelApi(resources, functions, account),
    eventSources: modelEventSources(resources, functions),
    queueSources: modelQueueSources(resources, functions, queues),
    queues,
    secrets: modelSecrets(resources),
    buckets: modelBuckets(resources),
    httpApi: modelHttpApi(resources, functions, account),
    managedPolicies: modelManagedPolicies(resources),
  };
}

function resolveResources(
  template: Template,
  parameters: ReadonlyMap<string, string>,
  account: Account,
  directory: string,
): Resource[] {
  const identities = new Map<string, Pick<Resource, 'ref' | 'attributes'>>();
  const scope = createScope(template.Conditions ?? {}, parameters, account, identities);
  const declared = Object.entries(template.Resources).filter(
    ([, { Condition }]) =>
      Condition === undefined || resolveValue(scope.condition(Condition), scope) === true,
  );

  for (const [logicalId, declaration] of declared) {
    const properties = declaration.Properties ?? {};
    const explicitName = (property: string) => {
      const name = resolveValue(properties[property], scope);
      return typeof name === 'string' ? name : undefined;
    };
    const constructPath = declaration.Metadata?.['aws:cdk:path'] ?? logicalId;
    const propertyNames = Object.keys(properties);
    const resource = { logicalId, type: declaration.Type, constructPath, propertyNames };
    identities.set(logicalId, identifyResource(resource, explicitName, account));
  }

  return declared.map(([logicalId, { Type, Properties = {}, Metadata = {} }]) => {
    const constructPath = Metadata['aws:cdk:path'] ?? logicalId;
    const assetPath = Metadata['aws:asset:path'];
    return {
      logicalId,
      type: Type,
      constructPath,
      ...identities.get(logicalId)!,
      properties: resolveProperties(Properties, scope, constructPath),
      assetPath: assetPath && resolvePath(directory, assetPath),
    };
  });
}

function resolveProperties(properties: object, scope: Scope, constructPath: string): Record<string, unknown> {
  try {
    return resolveValue(properties, scope) as Record<string, unknown>;
  } catch (cause) {
    throw new Error(`${(cause as Error).message} (${constructPath})`, { cause });
  }
}

function createScope(
  conditions: Readonly<Record<string, unknown>>,
  parameters: ReadonlyMap<string, string>,
  account: Account,
  identities: ReadonlyMap<string, Pick<Resource, 'ref' | 'attributes'>>,
): Scope {
  const pseudoParameters: Readonly<Record<string, unknown>> = {
    'AWS::AccountId': account.accountId,
    'AWS::NoValue': noValue,
    'AWS::Partition': 'aws',
    'AWS::Region': account.region,
    'AWS::StackName': account.stackName,
    'AWS::URLSuffix': 'amazonaws.com',
  };
  return {
    ref(name) {
      const value = pseudoParameters[name] ?? parameters.get(name) ?? identities.get(name)?.ref;
      if (value === undefined) throw new Error(`Ref to ${name}, which the template does not hold`);
      return value;
    },
    attribute(logicalId, attribute) {
      const value = identities.get(logicalId)?.attributes[attribute];
      if (value === undefined)
        throw new Error(`Fn::GetAtt of ${logicalId}.${attribute}, which is not known here`);
      return value;
    },
    condition(name) {
      if (!Object.hasOwn(conditions, name)) throw new Error(`No condition is named ${name}`);
      return conditions[name];
    },
  };
}
