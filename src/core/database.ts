// DynamoDB with the noise taken off: marshalling, `#name` placeholders, and conditions that fail as return values.
// Conditions and updates themselves are written where they matter: the condition is the algorithm.
import {
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactionCanceledException,
  TransactionConflictException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  type AttributeValue,
  type DynamoDBClient,
  type TransactWriteItem,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { Context } from './context.ts';
import { tableDefinitions, type TableIndex, type TableName, type TableNames } from './tables.ts';

export type Item = Record<string, unknown>;
export type Key = Record<string, string | number>;

/** The one of these items that has this key. */
export const findItem = (items: readonly Item[], key: Key): Item | undefined =>
  items.find((item) => Object.entries(key).every(([name, value]) => item[name] === value));

/** A write that took place, with the item after it; or a condition that did not hold, with the item as it is. */
export type Write = { readonly ok: true; readonly item: Item } | { readonly ok: false; readonly item?: Item };

export interface Expressions {
  /** `#name` stands for the attribute of that name. */
  readonly condition?: string;
  readonly values?: Item;
  /** Attributes whose name is not known in advance: `{ connection: 'c#phone' }` for `#connection`. */
  readonly names?: Record<string, string>;
}

export interface Update extends Expressions {
  readonly table: TableName;
  readonly key: Key;
  readonly update: string;
  readonly returning?: 'ALL_NEW' | 'ALL_OLD' | 'UPDATED_NEW';
}

export interface Put extends Expressions {
  readonly table: TableName;
  readonly item: Item;
}

export interface BatchGetPart {
  readonly table: TableName;
  readonly keys: readonly Key[];
}

export interface Range {
  readonly table: TableName;
  readonly partition: string;
  readonly from: string | number;
  readonly to: string | number;
  /** At most this many items, in ascending order. */
  readonly limit: number;
  readonly read?: 'strong' | 'eventual';
  /** Of the table's index, which has keys alone and is read eventually. */
  readonly index?: TableIndex;
}

export type TransactionPart =
  | ({ readonly kind: 'put' } & Put)
  | ({ readonly kind: 'update' } & Omit<Update, 'returning'>)
  | ({ readonly kind: 'delete' | 'check' } & Expressions & { readonly table: TableName; readonly key: Key });

export type Transaction =
  | { readonly ok: true }
  /** `failed[i]` says that part i's condition did not hold, with the item as it is. */
  | { readonly ok: false; readonly failed: readonly ({ readonly item?: Item } | undefined)[] };

const MAX_CONFLICTS = 6;
const MAX_UNPROCESSED_ROUNDS = 8;
const BATCH_GET_KEYS = 100;
const MAX_QUERY_PAGES = 100;

export class Database {
  private readonly client: DynamoDBClient;
  private readonly names: TableNames;
  private readonly backOff: Context['backOff'];

  constructor(client: DynamoDBClient, names: TableNames, backOff: Context['backOff']) {
    this.client = client;
    this.names = names;
    this.backOff = backOff;
  }

  async get(table: TableName, key: Key, read: 'strong' | 'eventual'): Promise<Item | undefined> {
    const { Item: item } = await this.client.send(
      new GetItemCommand({
        TableName: this.names[table],
        Key: marshall(key),
        ConsistentRead: read === 'strong',
      }),
    );
    return item && unmarshall(item);
  }

  /** Items that do not exist are missing from the answer; its order is not that of the keys. */
  async batchGet(
    table: TableName,
    keys: readonly Key[],
    read: 'strong' | 'eventual' = 'strong',
  ): Promise<Item[]> {
    const items: Item[] = [];
    for (let start = 0; start < keys.length; start += BATCH_GET_KEYS) {
      const [found] = await this.batchGetOnce(
        [{ table, keys: keys.slice(start, start + BATCH_GET_KEYS) }],
        read,
      );
      items.push(...found!);
    }
    return items;
  }

  /** Of several tables, as few requests as hold the keys; strongly consistent. */
  async batchGetAcross(parts: readonly BatchGetPart[]): Promise<Item[][]> {
    const items: Item[][] = parts.map(() => []);
    const keys = parts.flatMap(({ keys: those }, part) => those.map((key) => ({ part, key })));
    for (let start = 0; start < keys.length; start += BATCH_GET_KEYS) {
      const portion = keys.slice(start, start + BATCH_GET_KEYS);
      const found = await this.batchGetOnce(
        parts.map(({ table }, index) => ({
          table,
          keys: portion.filter(({ part }) => part === index).map(({ key }) => key),
        })),
        'strong',
      );
      found.forEach((those, part) => items[part]!.push(...those));
    }
    return items;
  }

  private async batchGetOnce(parts: readonly BatchGetPart[], read: 'strong' | 'eventual'): Promise<Item[][]> {
    const tables = parts.map(({ table }) => this.names[table]);
    const items: Item[][] = parts.map(() => []);
    let remaining = parts.map(({ keys }) => keys.map((key) => marshall(key)));
    for (let round = 0; remaining.some(({ length }) => length > 0); round++) {
      if (round === MAX_UNPROCESSED_ROUNDS) throw new Error('BatchGetItem leaves keys unprocessed');
      if (round > 0) await this.backOff(round);
      const request = tables.flatMap((name, part) => {
        const Keys = remaining[part]!;
        return Keys.length > 0 ? [[name, { Keys, ConsistentRead: read === 'strong' }] as const] : [];
      });
      const answer = await this.client.send(
        new BatchGetItemCommand({ RequestItems: Object.fromEntries(request) }),
      );
      for (const [part, name] of tables.entries()) {
        items[part]!.push(...(answer.Responses?.[name] ?? []).map((item) => unmarshall(item)));
      }
      remaining = tables.map((name) => answer.UnprocessedKeys?.[name]?.Keys ?? []);
    }
    return items;
  }

  /** Items whose sort key is in the range, both ends included; strongly consistent unless told otherwise. */
  async query(range: Range): Promise<Item[]> {
    const items: Item[] = [];
    let startKey: Record<string, AttributeValue> | undefined;
    for (let page = 0; page < MAX_QUERY_PAGES; page++) {
      const answer = await this.client.send(
        new QueryCommand({
          ...this.rangeInput(range),
          Limit: range.limit - items.length,
          ExclusiveStartKey: startKey,
        }),
      );
      items.push(...(answer.Items ?? []).map((item) => unmarshall(item)));
      startKey = answer.LastEvaluatedKey;
      if (!startKey || items.length >= range.limit) return items;
    }
    throw new Error(`A query of ${range.table} did not end after ${MAX_QUERY_PAGES} pages`);
  }

  /** One page of it from its upper end down, at most 1 MB; `more`: it goes on below. */
  async queryDown(range: Range): Promise<{ readonly items: Item[]; readonly more: boolean }> {
    const answer = await this.client.send(
      new QueryCommand({ ...this.rangeInput(range), ScanIndexForward: false }),
    );
    const items = (answer.Items ?? []).map((item) => unmarshall(item));
    return { items, more: answer.LastEvaluatedKey !== undefined };
  }

  async put(put: Put): Promise<Write> {
    return this.conditionally(async () => {
      await this.client.send(
        new PutItemCommand({ ...this.putInput(put), ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }),
      );
      return put.item;
    });
  }

  async update(update: Update): Promise<Write> {
    return this.conditionally(async () => {
      const { Attributes: item } = await this.client.send(
        new UpdateItemCommand({
          ...this.updateInput(update),
          ReturnValues: update.returning ?? 'NONE',
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      );
      return item ? unmarshall(item) : {};
    });
  }

  async delete(table: TableName, key: Key, expressions: Expressions): Promise<Write> {
    return this.conditionally(async () => {
      await this.client.send(
        new DeleteItemCommand({
          ...this.keyInput({ table, key, ...expressions }),
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      );
      return {};
    });
  }

  /** All or nothing. Other writes in flight to the same items are waited for. */
  async transact(parts: readonly TransactionPart[]): Promise<Transaction> {
    const input = parts.map((part) => this.transactItem(part));
    for (let attempt = 1; ; attempt++) {
      try {
        await this.client.send(new TransactWriteItemsCommand({ TransactItems: input }));
        return { ok: true };
      } catch (error) {
        if (!(error instanceof TransactionCanceledException)) throw error;
        const reasons = error.CancellationReasons ?? [];
        if (reasons.some(({ Code }) => Code === 'ConditionalCheckFailed')) {
          return {
            ok: false,
            failed: reasons.map(({ Code, Item: item }) =>
              Code === 'ConditionalCheckFailed' ? { ...(item && { item: unmarshall(item) }) } : undefined,
            ),
          };
        }
        const conflict = reasons.some(({ Code }) => Code === 'TransactionConflict');
        if (!conflict || attempt === MAX_CONFLICTS) throw error;
        await this.backOff(attempt);
      }
    }
  }

  /** Turns a condition that did not hold into a value; waits for transactions that hold the item. */
  private async conditionally(write: () => Promise<Item>): Promise<Write> {
    for (let attempt = 1; ; attempt++) {
      try {
        return { ok: true, item: await write() };
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) {
          return { ok: false, ...(error.Item && { item: unmarshall(error.Item) }) };
        }
        if (!(error instanceof TransactionConflictException) || attempt === MAX_CONFLICTS) throw error;
        await this.backOff(attempt);
      }
    }
  }

  private transactItem(part: TransactionPart): TransactWriteItem {
    const onFailure = { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' } as const;
    switch (part.kind) {
      case 'put':
        return { Put: { ...this.putInput(part), ...onFailure } };
      case 'update':
        return { Update: { ...this.updateInput(part), ...onFailure } };
      case 'delete':
        return { Delete: { ...this.keyInput(part), ...onFailure } };
      case 'check':
        return {
          ConditionCheck: { ...this.keyInput(part), ConditionExpression: part.condition, ...onFailure },
        };
    }
  }

  private rangeInput({ table, partition, from, to, limit, read, index }: Range) {
    const { partitionKey, sortKey } = index ?? tableDefinitions[table];
    return {
      TableName: this.names[table],
      IndexName: index?.name,
      KeyConditionExpression: '#partition = :partition AND #sort BETWEEN :from AND :to',
      ExpressionAttributeNames: { '#partition': partitionKey, '#sort': sortKey.name },
      ExpressionAttributeValues: marshall({ ':partition': partition, ':from': from, ':to': to }),
      Limit: limit,
      ConsistentRead: read !== 'eventual',
    };
  }

  private keyInput(part: Expressions & { readonly table: TableName; readonly key: Key }) {
    return {
      TableName: this.names[part.table],
      Key: marshall(part.key),
      ConditionExpression: part.condition,
      ...placeholders([part.condition], part),
    };
  }

  private putInput(put: Put) {
    return {
      TableName: this.names[put.table],
      Item: marshall(put.item, { removeUndefinedValues: true }),
      ConditionExpression: put.condition,
      ...placeholders([put.condition], put),
    };
  }

  private updateInput(update: Omit<Update, 'returning'>) {
    return {
      TableName: this.names[update.table],
      Key: marshall(update.key),
      UpdateExpression: update.update,
      ConditionExpression: update.condition,
      ...placeholders([update.update, update.condition], update),
    };
  }
}

/** Names for every `#placeholder` of the expressions, and the values with their colons. */
function placeholders(texts: readonly (string | undefined)[], { names, values }: Expressions) {
  const expressionNames: Record<string, string> = {};
  for (const text of texts) {
    for (const placeholder of text?.match(/#\w+/g) ?? []) {
      const name = placeholder.slice(1);
      expressionNames[placeholder] = names?.[name] ?? name;
    }
  }
  const expressionValues: Item = {};
  for (const name in values) expressionValues[`:${name}`] = values[name];
  return {
    ...(!isEmpty(expressionNames) && { ExpressionAttributeNames: expressionNames }),
    ...(!isEmpty(expressionValues) && {
      ExpressionAttributeValues: marshall(expressionValues, { removeUndefinedValues: true }),
    }),
  };
}

function isEmpty(object: object): boolean {
  for (const _ in object) return false;
  return true;
}
