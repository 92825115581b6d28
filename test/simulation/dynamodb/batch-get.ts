// Up to 100 items in one request, and 16 MB of them.
import type { BatchGetItemCommandInput } from '@aws-sdk/client-dynamodb';
import type { Item } from './attribute-values.ts';
import { checkedItem, itemBytes } from './checked-values.ts';
import { ValidationException } from './errors.ts';
import type { Table } from './table.ts';

const MAX_KEYS = 100;
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

export interface BatchAnswer {
  readonly Responses: Record<string, Item[]>;
  readonly UnprocessedKeys: Record<string, { Keys: Item[] }>;
}

export function batchGet(
  tableOf: (name: string | undefined) => Table,
  { RequestItems = {} }: BatchGetItemCommandInput,
): BatchAnswer {
  const requests = Object.entries(RequestItems).flatMap(([name, { Keys = [] }]) => {
    const table = tableOf(name);
    return Keys.map((attributes) => ({
      name,
      table,
      attributes,
      key: table.exactKeyOf(checkedItem(attributes)),
    }));
  });
  checkNumber(requests.length);
  const distinct = new Set(requests.map(({ name, key }) => `${name} ${key.sort} ${key.partition}`));
  if (distinct.size < requests.length) {
    throw new ValidationException('Provided list of item keys contains duplicates');
  }
  const answer: BatchAnswer = {
    Responses: Object.fromEntries(Object.keys(RequestItems).map((name) => [name, []])),
    UnprocessedKeys: {},
  };
  let bytes = 0;
  for (const { name, table, attributes, key } of requests) {
    const item = table.get(key);
    if (!item) continue;
    bytes += itemBytes(item);
    if (bytes <= MAX_ANSWER_BYTES) answer.Responses[name]!.push(item);
    else (answer.UnprocessedKeys[name] ??= { Keys: [] }).Keys.push(attributes);
  }
  return answer;
}

function checkNumber(keys: number): void {
  if (keys >= 1 && keys <= MAX_KEYS) return;
  throw new ValidationException(`A BatchGetItem has 1 to ${MAX_KEYS} keys, not ${keys}`);
}
