// Operands and paths as functions of an item and of what the placeholders stand for.
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { setElements, typeOf, type Item } from '../attribute-values.ts';
import type { Operand, Path } from './syntax.ts';

/** What an expression is evaluated on. */
export interface Scope {
  readonly item: Item;
  readonly names: Readonly<Record<string, string>>;
  readonly values: Item;
}

/** The placeholders of an expression. */
export class Placeholders {
  readonly names = new Set<string>();
  readonly values = new Set<string>();
}

export type Evaluate = (scope: Scope) => AttributeValue | undefined;

export function compileOperand(operand: Operand, placeholders: Placeholders): Evaluate {
  switch (operand.kind) {
    case 'path':
      return compilePath(operand.path, placeholders);
    case 'value':
      placeholders.values.add(operand.name);
      return ({ values }) => values[operand.name];
    case 'size': {
      const of = compilePath(operand.of, placeholders);
      return (scope) => sizeOf(of(scope));
    }
  }
}

export function compilePath({ root, steps }: Path, placeholders: Placeholders): Evaluate {
  placeholders.names.add(root);
  for (const step of steps) if (typeof step === 'string') placeholders.names.add(step);
  if (steps.length === 0) return ({ item, names }) => attribute(item, names[root]!);
  return ({ item, names }) => {
    let value = attribute(item, names[root]!);
    for (const step of steps) {
      if (value === undefined) return undefined;
      value = typeof step === 'number' ? value.L?.[step] : value.M && attribute(value.M, names[step]!);
    }
    return value;
  };
}

/** No attribute is inherited, whatever it is called. */
export function attribute(item: Item, name: string): AttributeValue | undefined {
  return Object.hasOwn(item, name) ? item[name] : undefined;
}

function sizeOf(value: AttributeValue | undefined): AttributeValue | undefined {
  if (value === undefined) return undefined;
  const count = countOf(value);
  return count === undefined ? undefined : { N: String(count) };
}

function countOf(value: AttributeValue): number | undefined {
  switch (typeOf(value)) {
    case 'S':
      return Buffer.byteLength(value.S!);
    case 'B':
      return value.B!.length;
    case 'L':
      return value.L!.length;
    case 'M':
      return Object.keys(value.M!).length;
    case 'SS':
    case 'NS':
    case 'BS':
      return setElements(value)!.length;
    case 'N':
    case 'BOOL':
    case 'NULL':
      return undefined;
  }
}
