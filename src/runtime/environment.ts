// The only reader of a function's environment variables.
import { parseSettings, type Settings } from '../core/settings.ts';
import { tableDefinitions, type TableName, type TableNames } from '../core/tables.ts';

const environment = process.env;

/** @throws Error when the variable is not set: the deployment is wrong, so the function does not start. */
export function required(name: string): string {
  const value = environment[name];
  if (!value) throw new Error(`The environment variable ${name} is not set`);
  return value;
}

export function optional(name: string): string | undefined {
  return environment[name] || undefined;
}

export function readSettings(): Settings {
  return parseSettings(JSON.parse(optional('IM_SETTINGS') ?? '{}'));
}

/** Looked up on use: each function has the names of only the tables that it works with. */
export function readTableNames(): TableNames {
  const names = Object.keys(tableDefinitions) as TableName[];
  return Object.defineProperties(
    {} as Record<TableName, string>,
    Object.fromEntries(names.map((name) => [name, { get: () => required(tableDefinitions[name].variable) }])),
  );
}

/** The management endpoint of this stage; the SDK's own variable for it wins, as everywhere with AWS. */
export function connectionsUrl(): string {
  return optional('AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI') ?? required('CONNECTIONS_URL');
}
