// A request's placeholders: each that an expression uses is defined, and each that is defined is used.
import type { Item } from './attribute-values.ts';
import { checkedItem } from './checked-values.ts';
import { ValidationException } from './errors.ts';
import type { Placeholders } from './expressions/operands.ts';

export interface Definitions {
  readonly ExpressionAttributeNames?: Record<string, string> | undefined;
  readonly ExpressionAttributeValues?: Item | undefined;
}

export interface Bound {
  readonly names: Readonly<Record<string, string>>;
  readonly values: Item;
}

const none = {};

export function bind(definitions: Definitions, ...used: readonly (Placeholders | undefined)[]): Bound {
  const names = definitions.ExpressionAttributeNames ?? none;
  const values = definitions.ExpressionAttributeValues ?? none;
  for (const placeholders of used) {
    if (!placeholders) continue;
    for (const name of placeholders.names) if (!Object.hasOwn(names, name)) throw notDefined('name', name);
    for (const name of placeholders.values) if (!Object.hasOwn(values, name)) throw notDefined('value', name);
  }
  for (const name in names)
    if (!used.some((placeholders) => placeholders?.names.has(name))) throw unused(name);
  for (const name in values)
    if (!used.some((placeholders) => placeholders?.values.has(name))) throw unused(name);
  return { names, values: checkedItem(values) };
}

function notDefined(what: 'name' | 'value', placeholder: string): ValidationException {
  return new ValidationException(
    `An expression attribute ${what} used in expression is not defined: ${placeholder}`,
  );
}

function unused(placeholder: string): ValidationException {
  return new ValidationException(
    `Value provided in ExpressionAttribute… unused in expressions: ${placeholder}`,
  );
}
