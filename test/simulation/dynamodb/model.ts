// DynamoDB for simulations: commands of the SDK in, its answers or its exceptions out, at once. Nothing in it is
// asynchronous, random or reads a clock of its own; model.test.ts holds it against real engines. Items that it hands out
// are the ones that it keeps: nobody may change them.
import {
  BatchGetItemCommand,
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  type ServiceOutputTypes,
} from '@aws-sdk/client-dynamodb';
import type { Item } from './attribute-values.ts';
import { batchGet } from './batch-get.ts';
import { checkedItem } from './checked-values.ts';
import { conditionalCheckFailed, metadata, tableNotFound } from './errors.ts';
import { expiredItems } from './expiry.ts';
import { query } from './query.ts';
import { returned, type Returning } from './return-values.ts';
import { Stream, type StreamRecord } from './stream.ts';
import { Table, type TableDefinition } from './table.ts';
import { Transactions } from './transactions.ts';
import { prepareDelete, preparePut, prepareUpdate, type PreparedWrite } from './writes.ts';

export interface ModelOptions {
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly tables: Readonly<Record<string, TableDefinition>>;
}

export type ModelCommand =
  | BatchGetItemCommand
  | DeleteItemCommand
  | GetItemCommand
  | PutItemCommand
  | QueryCommand
  | TransactWriteItemsCommand
  | UpdateItemCommand;

interface WriteInput extends Returning {
  readonly ReturnValuesOnConditionCheckFailure?: string | undefined;
}

export class ModelDynamoDb {
  private readonly now: () => number;
  private readonly tables = new Map<string, Table>();
  private readonly streams = new Map<string, Stream>();
  private readonly transactions: Transactions;
  private readonly tableOf = (name: string | undefined): Table => {
    const table = this.tables.get(name ?? '');
    if (!table) throw tableNotFound();
    return table;
  };

  constructor({ now, tables }: ModelOptions) {
    this.now = now;
    this.transactions = new Transactions(now, this.tableOf);
    for (const [name, definition] of Object.entries(tables)) {
      const stream = definition.stream ? new Stream(now) : undefined;
      if (stream) this.streams.set(name, stream);
      this.tables.set(name, new Table(name, definition, stream));
    }
  }

  execute(command: ModelCommand): ServiceOutputTypes {
    if (command instanceof UpdateItemCommand) {
      const { input } = command;
      return this.write(prepareUpdate(this.tableOf(input.TableName), input), input);
    }
    if (command instanceof PutItemCommand) {
      const { input } = command;
      return this.write(preparePut(this.tableOf(input.TableName), input), input);
    }
    if (command instanceof GetItemCommand) {
      const table = this.tableOf(command.input.TableName);
      const item = table.get(table.exactKeyOf(checkedItem(command.input.Key ?? {})));
      return { $metadata: metadata, ...(item && { Item: item }) };
    }
    if (command instanceof QueryCommand) {
      const { items, lastKey } = query(this.tableOf(command.input.TableName), command.input);
      const count = { Count: items.length, ScannedCount: items.length };
      return { $metadata: metadata, Items: items, ...count, ...(lastKey && { LastEvaluatedKey: lastKey }) };
    }
    if (command instanceof BatchGetItemCommand) {
      return { $metadata: metadata, ...batchGet(this.tableOf, command.input) };
    }
    if (command instanceof TransactWriteItemsCommand) {
      this.transactions.execute(command.input);
      return { $metadata: metadata };
    }
    const { input } = command;
    return this.write(prepareDelete(this.tableOf(input.TableName), input), input);
  }

  /** What the stream of a table holds but for its first `from` records. */
  records(tableName: string, from = 0): readonly StreamRecord[] {
    return this.streams.get(tableName)?.records(from) ?? [];
  }

  /** Everything in a table. */
  items(tableName: string): Item[] {
    return [...this.tableOf(tableName).items()];
  }

  /** What TTL does in its own time, now: removes what is over, or the chosen ones of it, and says how many. */
  expire(isChosen: (tableName: string, item: Item) => boolean = () => true): number {
    let removed = 0;
    for (const table of this.tables.values()) {
      for (const before of expiredItems(table, this.now())) {
        if (!isChosen(table.name, before)) continue;
        table.apply({ table, key: table.keyOf(before), before, after: undefined }, 'ttl');
        removed++;
      }
    }
    return removed;
  }

  /** As if its tables were made anew; streams go on behind what they had. */
  clear(): void {
    for (const table of this.tables.values()) table.clear();
  }

  private write({ evaluate }: PreparedWrite, input: WriteInput): ServiceOutputTypes {
    const evaluation = evaluate();
    if (evaluation.kind === 'refused') {
      const returnsItem = input.ReturnValuesOnConditionCheckFailure === 'ALL_OLD';
      throw conditionalCheckFailed(returnsItem ? evaluation.item : undefined);
    }
    const { write } = evaluation;
    write.table.apply(write);
    const attributes = returned(write, input);
    return { $metadata: metadata, ...(attributes && { Attributes: attributes }) };
  }
}
