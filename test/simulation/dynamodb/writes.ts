// Writes to one item. What is wrong with the request itself shows when a write is prepared; what is wrong with it on the
// item as it is, when it is evaluated: a transaction tells the two apart.
import type { Item } from './attribute-values.ts';
import { checkedItem, checkItemSize } from './checked-values.ts';
import { ValidationException } from './errors.ts';
import { compileCondition } from './expressions/condition.ts';
import type { Placeholders } from './expressions/operands.ts';
import { checkOverlapsOf } from './expressions/overlaps.ts';
import { compileUpdate } from './expressions/update.ts';
import { bind, type Bound, type Definitions } from './placeholders.ts';
import type { Key, Table, Write } from './table.ts';

export type Evaluation =
  | { readonly kind: 'write'; readonly write: Write }
  /** The condition does not hold for the item as it is. */
  | { readonly kind: 'refused'; readonly item: Item | undefined };

export interface PreparedWrite {
  readonly table: Table;
  readonly key: Key;
  readonly evaluate: () => Evaluation;
}

type Conditional = Definitions & { readonly ConditionExpression?: string | undefined };
type PutInput = Conditional & { readonly Item: Item | undefined };
type KeyInput = Conditional & { readonly Key: Item | undefined };
type UpdateInput = KeyInput & { readonly UpdateExpression?: string | undefined };

/** The item after the write. */
type After = (before: Item | undefined, bound: Bound) => Item | undefined;

export function preparePut(table: Table, input: PutInput): PreparedWrite {
  const item = checkedItem(input.Item ?? {});
  const key = table.keyOf(item);
  checkItemSize(item);
  return prepare(table, key, input, () => item);
}

export function prepareDelete(table: Table, input: KeyInput): PreparedWrite {
  return prepare(table, table.exactKeyOf(input.Key), input, () => undefined);
}

export function prepareCheck(table: Table, input: KeyInput): PreparedWrite {
  return prepare(table, table.exactKeyOf(input.Key), input, (before) => before);
}

export function prepareUpdate(table: Table, input: UpdateInput): PreparedWrite {
  const keys = checkedItem(input.Key ?? {});
  const key = table.exactKeyOf(keys);
  const text = input.UpdateExpression;
  const update = text === undefined ? undefined : compileUpdate(text);
  const after: After = (before, { names, values }) => {
    const item = update ? update.apply({ item: before ?? keys, names, values }) : { ...keys, ...before };
    checkItemSize(item);
    return item;
  };
  const prepared = prepare(table, key, input, after, update?.placeholders);
  const names = input.ExpressionAttributeNames ?? {};
  if (update?.paths.some(({ root }) => table.isKeyAttribute(names[root]!))) {
    throw new ValidationException('Cannot update attribute. This attribute is part of the key');
  }
  if (update) checkOverlapsOf(update.paths, names);
  return prepared;
}

const noItem: Item = {};

function prepare(
  table: Table,
  key: Key,
  input: Conditional,
  after: After,
  placeholders?: Placeholders,
): PreparedWrite {
  const text = input.ConditionExpression;
  const condition = text === undefined ? undefined : compileCondition(text);
  const bound = bind(input, placeholders, condition?.placeholders);
  const { names, values } = bound;
  return {
    table,
    key,
    evaluate() {
      const before = table.get(key);
      if (condition && !condition.holds({ item: before ?? noItem, names, values })) {
        return { kind: 'refused', item: before };
      }
      return { kind: 'write', write: { table, key, before, after: after(before, bound) } };
    },
  };
}
