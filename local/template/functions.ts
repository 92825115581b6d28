// Functions with their code, environment and role.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { FunctionModel, PolicyStatement } from '../model.ts';
import { shortName, type Resource } from './resources.ts';

interface FunctionProperties {
  Handler: string;
  Role: string;
  Runtime: string;
  Environment?: { Variables?: Record<string, string> };
  MemorySize?: number;
  ReservedConcurrentExecutions?: number;
  Timeout?: number;
}

export interface PolicyDocument {
  Statement: StatementDeclaration | StatementDeclaration[];
}

interface StatementDeclaration {
  Sid?: string;
  Effect: PolicyStatement['effect'];
  Action?: string | string[];
  Resource?: string | string[];
  Condition?: PolicyStatement['conditions'];
}

export function modelFunctions(resources: readonly Resource[]): FunctionModel[] {
  const functions = resources
    .filter(({ type }) => type === 'AWS::Lambda::Function')
    .map((resource) => modelFunction(resource, resources));
  const names = functions.map(({ name }) => name);
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated)
    throw new Error(`Two functions are called ${repeated}: metrics and logs could not tell them apart`);
  return functions;
}

function modelFunction(resource: Resource, resources: readonly Resource[]): FunctionModel {
  const properties = resource.properties as unknown as FunctionProperties;
  if (!properties.Runtime.startsWith('nodejs')) {
    throw new Error(
      `The local cloud runs Node.js only, not ${properties.Runtime} (${resource.constructPath})`,
    );
  }
  const reservedConcurrency = properties.ReservedConcurrentExecutions;
  return {
    name: shortName(resource.constructPath),
    functionName: resource.ref,
    arn: resource.attributes['Arn']!,
    ...locateHandler(resource, properties.Handler),
    runtime: properties.Runtime,
    // Lambda's defaults: 3 s and 128 MB.
    timeoutMs: (properties.Timeout ?? 3) * 1000,
    memoryMb: properties.MemorySize ?? 128,
    environment: properties.Environment?.Variables ?? {},
    ...(reservedConcurrency !== undefined && { reservedConcurrency }),
    role: modelRole(properties.Role, resources, resource.constructPath),
  };
}

/** `index.handler` is the export `handler` of index.mjs, index.js or index.cjs in the asset. */
function locateHandler({ assetPath, constructPath }: Resource, handler: string) {
  if (!assetPath) throw new Error(`The function has no asset in the template's metadata (${constructPath})`);
  const dot = handler.lastIndexOf('.');
  const module = join(assetPath, handler.slice(0, dot));
  const modulePath = ['.mjs', '.js', '.cjs']
    .map((extension) => module + extension)
    .find((path) => existsSync(path));
  if (!modulePath)
    throw new Error(`There is no ${module}.mjs, .js or .cjs for ${handler} (${constructPath})`);
  return { modulePath, exportName: handler.slice(dot + 1) };
}

function modelRole(
  roleArn: string,
  resources: readonly Resource[],
  constructPath: string,
): FunctionModel['role'] {
  const role = resources.find(
    ({ type, attributes }) => type === 'AWS::IAM::Role' && attributes['Arn'] === roleArn,
  );
  if (!role) throw new Error(`The role ${roleArn} is not in the template (${constructPath})`);
  const inline = (role.properties['Policies'] ?? []) as { PolicyDocument: PolicyDocument }[];
  const attached = resources
    .filter(({ type, properties }) => type === 'AWS::IAM::Policy' && includes(properties['Roles'], role.ref))
    .map(({ properties }) => properties as unknown as { PolicyDocument: PolicyDocument });
  return {
    name: role.ref,
    statements: [...inline, ...attached].flatMap(({ PolicyDocument }) =>
      modelStatements(PolicyDocument, role.constructPath),
    ),
  };
}

export function modelStatements({ Statement }: PolicyDocument, constructPath: string): PolicyStatement[] {
  return asList(Statement).map((statement) => modelStatement(statement, constructPath));
}

function modelStatement(statement: StatementDeclaration, constructPath: string): PolicyStatement {
  const { Effect, Action, Resource, Condition } = statement;
  const known = new Set(['Sid', 'Effect', 'Action', 'Resource', 'Condition']);
  const unknown = Object.keys(statement).find((key) => !known.has(key));
  if (unknown || !Action || !Resource) {
    throw new Error(
      `The local cloud does not know ${unknown ?? 'such a statement'} in a policy (${constructPath})`,
    );
  }
  return {
    effect: Effect,
    actions: asList(Action),
    resources: asList(Resource),
    ...(Condition && { conditions: Condition }),
  };
}

function includes(list: unknown, value: string): boolean {
  return Array.isArray(list) && list.includes(value);
}

function asList<T>(value: T | T[]): T[] {
  return Array.isArray(value) ? value : [value];
}
