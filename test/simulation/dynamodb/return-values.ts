// What a write answers of the item.
import type { Item } from './attribute-values.ts';
import { attribute } from './expressions/operands.ts';
import { compileUpdate } from './expressions/update.ts';
import type { Write } from './table.ts';

export interface Returning {
  readonly UpdateExpression?: string | undefined;
  readonly ExpressionAttributeNames?: Record<string, string> | undefined;
  readonly ReturnValues?: 'NONE' | 'ALL_OLD' | 'ALL_NEW' | 'UPDATED_OLD' | 'UPDATED_NEW' | undefined;
}

export function returned({ before, after }: Write, returning: Returning): Item | undefined {
  switch (returning.ReturnValues) {
    case undefined:
    case 'NONE':
      return undefined;
    case 'ALL_OLD':
      return before;
    case 'ALL_NEW':
      return after;
    case 'UPDATED_OLD':
      return updated(before, returning);
    case 'UPDATED_NEW':
      return updated(after, returning);
  }
}

function updated(item: Item | undefined, { UpdateExpression, ExpressionAttributeNames }: Returning) {
  if (!item || UpdateExpression === undefined) return undefined;
  const attributes: Item = {};
  for (const { root, steps } of compileUpdate(UpdateExpression).paths) {
    if (steps.length > 0) throw new Error('The model of DynamoDB returns whole attributes only');
    const name = ExpressionAttributeNames![root]!;
    const value = attribute(item, name);
    if (value) attributes[name] = value;
  }
  return Object.keys(attributes).length > 0 ? attributes : undefined;
}
