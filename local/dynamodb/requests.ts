// What a DynamoDB request touches: which actions on which tables, and the partition keys that it names.
import type { AttributeValue, Item } from './capacity.ts';

export interface Access {
  /** IAM action, e.g. `dynamodb:PutItem`. */
  readonly action: string;
  readonly tableName: string | undefined;
  readonly indexName?: string;
  /** Keys or items that the request carries for this table. */
  readonly items: readonly Item[];
}

type Json = Record<string, unknown>;

interface KeyedRequest {
  readonly TableName?: string;
  readonly IndexName?: string;
  readonly Key?: Item;
  readonly Item?: Item;
}

const transactWriteActions: ReadonlyMap<string, string> = new Map([
  ['ConditionCheck', 'ConditionCheckItem'],
  ['Delete', 'DeleteItem'],
  ['Put', 'PutItem'],
  ['Update', 'UpdateItem'],
]);

const writeOperations: ReadonlySet<string> = new Set([
  'BatchWriteItem',
  'DeleteItem',
  'PutItem',
  'TransactWriteItems',
  'UpdateItem',
]);

export const isWrite = (operation: string): boolean => writeOperations.has(operation);

/** Transactions and batches need the permissions of what they are made of, as on AWS. */
export function accessesOf(operation: string, input: Json): Access[] {
  switch (operation) {
    case 'BatchGetItem':
      return batchEntries(input).map(([tableName, request]) =>
        access(operation, tableName, (request as { Keys?: Item[] }).Keys ?? []),
      );
    case 'BatchWriteItem':
      return batchEntries(input).map(([tableName, requests]) =>
        access(operation, tableName, (requests as Json[]).map(writtenItem)),
      );
    case 'TransactGetItems':
      return transactItems(input).flatMap((item) => Object.values(item).map((get) => keyed('GetItem', get)));
    case 'TransactWriteItems':
      return transactItems(input).flatMap((item) =>
        Object.entries(item).map(([kind, request]) => keyed(transactWriteActions.get(kind) ?? kind, request)),
      );
    case 'Query':
      return [{ ...keyed(operation, input), items: [queriedPartition(input)] }];
    default:
      return [keyed(operation, input)];
  }
}

/** Tables of a request, in their short form: requests may name them by ARN. */
export function tableNameOf(nameOrArn: string): string {
  return /:table\/([^/]+)/.exec(nameOrArn)?.[1] ?? nameOrArn;
}

export function transactItems(input: Json): Record<string, KeyedRequest>[] {
  return Array.isArray(input['TransactItems'])
    ? (input['TransactItems'] as Record<string, KeyedRequest>[])
    : [];
}

export function batchEntries(input: Json): [tableName: string, request: unknown][] {
  return Object.entries((input['RequestItems'] ?? {}) as Json);
}

function keyed(operation: string, request: KeyedRequest): Access {
  const items = [request.Item ?? request.Key ?? []].flat();
  return {
    ...access(operation, request.TableName, items),
    ...(request.IndexName !== undefined && { indexName: request.IndexName }),
  };
}

function access(operation: string, tableName: string | undefined, items: readonly Item[]): Access {
  return {
    action: `dynamodb:${operation}`,
    tableName: tableName === undefined ? undefined : tableNameOf(tableName),
    items,
  };
}

function writtenItem(request: Json): Item {
  const { PutRequest, DeleteRequest } = request as {
    PutRequest?: { Item: Item };
    DeleteRequest?: { Key: Item };
  };
  return PutRequest?.Item ?? DeleteRequest?.Key ?? {};
}

/** The equalities of a key condition; the partition key's is always one. */
function queriedPartition(input: Json): Item {
  const condition =
    typeof input['KeyConditionExpression'] === 'string' ? input['KeyConditionExpression'] : '';
  const names = new Map(Object.entries((input['ExpressionAttributeNames'] ?? {}) as Record<string, string>));
  const values = (input['ExpressionAttributeValues'] ?? {}) as Item;
  const item = new Map<string, AttributeValue>();
  for (const [, name = '', value = ''] of condition.matchAll(/([\w#.-]+)\s*=\s*(:\w+)/g)) {
    if (values[value]) item.set(names.get(name) ?? name, values[value]);
  }
  return Object.fromEntries(item);
}
