// Reads along a partition: a page of up to 1 MB, forwards or backwards.
import type { QueryCommandInput } from '@aws-sdk/client-dynamodb';
import type { Item } from './attribute-values.ts';
import { itemBytes } from './checked-values.ts';
import { ValidationException } from './errors.ts';
import { parseKeyCondition, type Range } from './key-condition.ts';
import { bind } from './placeholders.ts';
import type { Bounds } from './bounds.ts';
import type { Entry, SortKey, Table } from './table.ts';

const MAX_PAGE_BYTES = 1024 * 1024;

export interface Page {
  readonly items: Item[];
  readonly lastKey: Item | undefined;
}

export function query(table: Table, input: QueryCommandInput): Page {
  refuseUnmodelled(input);
  const condition = parseKeyCondition(input.KeyConditionExpression);
  const { names, values } = bind(input, condition.placeholders);
  const range = condition.read(table, names, values);
  const { partition, bounds } = range;
  const limit = checkedLimit(input.Limit);
  const entries = table.entries(partition);
  const isForward = input.ScanIndexForward ?? true;
  const start = input.ExclusiveStartKey && startOf(table, range, input.ExclusiveStartKey);
  const inRange = isForward
    ? ascending(table, entries, bounds.from, start)
    : descending(table, entries, start);
  return collect(table, inRange, limit, (sort) => whereIs(sort, bounds, isForward));
}

type Where = 'before' | 'in' | 'behind';

function whereIs(sort: SortKey, { compare }: Bounds, isForward: boolean): Where {
  const order = compare(sort);
  if (order === 0) return 'in';
  return order < 0 === isForward ? 'before' : 'behind';
}

function collect(
  table: Table,
  entries: Iterable<Entry>,
  limit: number,
  where: (sort: SortKey) => Where,
): Page {
  const items: Item[] = [];
  let bytes = 0;
  for (const { sort, item } of entries) {
    const place = where(sort);
    if (place === 'behind') break;
    if (place === 'before') continue;
    items.push(item);
    bytes += itemBytes(item);
    if (items.length === limit || bytes > MAX_PAGE_BYTES) return { items, lastKey: table.keysOf(item) };
  }
  return { items, lastKey: undefined };
}

function* ascending(
  table: Table,
  entries: readonly Entry[],
  from: SortKey | undefined,
  start: SortKey | undefined,
): Generator<Entry> {
  let index = from === undefined ? 0 : table.firstFrom(entries, from);
  if (start !== undefined) {
    const next = table.firstFrom(entries, start);
    index = Math.max(index, entries[next]?.sort === start ? next + 1 : next);
  }
  for (; index < entries.length; index++) yield entries[index]!;
}

function* descending(table: Table, entries: readonly Entry[], start: SortKey | undefined): Generator<Entry> {
  let index = start === undefined ? entries.length : table.firstFrom(entries, start);
  while (index > 0) yield entries[--index]!;
}

function startOf(table: Table, { partition, bounds }: Range, startKey: Item): SortKey {
  const key = table.exactKeyOf(startKey);
  if (key.partition === partition && bounds.compare(key.sort) === 0) return key.sort;
  throw new ValidationException('The provided starting key is outside query boundaries');
}

function checkedLimit(limit: number | undefined): number {
  if (limit === undefined) return Infinity;
  if (limit >= 1) return limit;
  throw new ValidationException('Limit must be greater than or equal to 1');
}

function refuseUnmodelled(input: QueryCommandInput): void {
  const unmodelled = ['FilterExpression', 'IndexName', 'ProjectionExpression', 'Select'] as const;
  const found = unmodelled.find((name) => input[name] !== undefined);
  if (found) throw new Error(`The model of DynamoDB has no ${found}`);
}
