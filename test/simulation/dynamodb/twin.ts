// Two of one database: every command goes to the model and to a real engine, and the two must answer alike.
import { randomUUID } from 'node:crypto';
import {
  DynamoDBClient,
  ScanCommand,
  type AttributeValue,
  type ScanCommandOutput,
  type ServiceOutputTypes,
} from '@aws-sdk/client-dynamodb';
import { expect, inject } from 'vitest';
import { startEngine } from '../../../local/dynamodb/engines/engine.ts';
import { tableDefinitions, type TableName } from '../../../src/core/tables.ts';
import { createTable } from '../../support/tables.ts';
import { setElements, type Item } from './attribute-values.ts';
import { ModelDynamoDb, type ModelCommand } from './model.ts';

export type Names = Readonly<Record<TableName, string>>;

export interface Twin {
  readonly model: ModelDynamoDb;
  readonly names: Names;
  /** Commands that both have carried out. */
  readonly count: () => number;
  /** What the engine answers or throws. */
  send(command: ModelCommand): Promise<ServiceOutputTypes>;
  /** Whole tables, on both sides. */
  compareTables(): Promise<void>;
  close(): Promise<void>;
}

export async function startTwin(now: () => number = Date.now): Promise<Twin> {
  const engine = await startEngine({ db: inject('db') });
  const client = new DynamoDBClient({
    endpoint: engine.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  });
  const prefix = `t${randomUUID().slice(0, 8)}-`;
  const tableNames = Object.keys(tableDefinitions) as TableName[];
  const names = Object.fromEntries(tableNames.map((name) => [name, prefix + name])) as Names;
  for (const name of tableNames) await createTable(client, name, names[name]);
  const model = new ModelDynamoDb({
    now,
    tables: Object.fromEntries(tableNames.map((name) => [names[name], tableDefinitions[name]])),
  });
  let count = 0;
  return {
    model,
    names,
    count: () => count,
    async send(command) {
      const modelled = attempt(() => model.execute(command));
      const real = await client.send(command as never).then(
        (answer: ServiceOutputTypes) => ({ answer }),
        (error: unknown) => ({ error }),
      );
      count++;
      expect(comparable(alike(modelled, real)), describeCommand(command)).toEqual(comparable(real));
      if ('error' in real) throw real.error;
      return real.answer;
    },
    async compareTables() {
      for (const name of tableNames) {
        const items = await scanAll(client, names[name]);
        expect(sorted(model.items(names[name]))).toEqual(sorted(items));
      }
    },
    async close() {
      client.destroy();
      await engine.close();
    },
  };
}

type Outcome = { readonly answer: ServiceOutputTypes } | { readonly error: unknown };

function attempt(run: () => ServiceOutputTypes): Outcome {
  try {
    return { answer: run() };
  } catch (error) {
    return { error };
  }
}

/** What the model answers, where the engines differ from each other, as this engine does. */
function alike(modelled: Outcome, real: Outcome): Outcome {
  if ('error' in modelled || 'error' in real) return modelled;
  const model = modelled.answer as Answer;
  const { Attributes, LastEvaluatedKey } = real.answer as Answer;
  // dynoxide returns the keys as the old image of an item that was not there; AWS, nothing.
  if (!model.Attributes && Attributes && Object.keys(Attributes).length === 2) {
    return { answer: { ...model, Attributes } as ServiceOutputTypes };
  }
  // A page that is full says that there is more on AWS; on DynamoDB Local, not if its last key ends the range.
  if (!LastEvaluatedKey && model.LastEvaluatedKey) {
    return { answer: { ...model, LastEvaluatedKey } as ServiceOutputTypes };
  }
  return modelled;
}

/** Without what engines are free in: the words of a message, the order of sets and of a batch. */
function comparable(outcome: Outcome): unknown {
  if ('error' in outcome) {
    const { name, Item: item, CancellationReasons: reasons } = outcome.error as Failure;
    if (!name.endsWith('Exception')) throw outcome.error;
    // DynamoDB gives the part that it can not carry out as a reason; DynamoDB Local refuses the request.
    if (reasons?.some(({ Code }) => Code === 'ValidationError')) return { name: 'ValidationException' };
    const codes = reasons?.map(({ Code, Item: found }) => ({ Code, item: found && inOrder(found) }));
    return { name, item: item && inOrder(item), codes };
  }
  const answer = outcome.answer as Answer;
  const { Responses } = answer;
  return {
    count: answer.Count,
    scanned: answer.ScannedCount,
    lastKey: answer.LastEvaluatedKey,
    unprocessed: answer.UnprocessedKeys,
    item: answer.Item && inOrder(answer.Item),
    items: answer.Items?.map(inOrder),
    attributes: answer.Attributes && inOrder(answer.Attributes),
    responses:
      Responses &&
      Object.fromEntries(Object.entries(Responses).map(([name, found]) => [name, sorted(found)])),
  };
}

interface Failure {
  readonly name: string;
  readonly Item?: Item;
  readonly CancellationReasons?: readonly { readonly Code?: string; readonly Item?: Item }[];
}

interface Answer {
  readonly Item?: Item;
  readonly Items?: Item[];
  readonly Attributes?: Item;
  readonly Responses?: Record<string, Item[]>;
  readonly UnprocessedKeys?: unknown;
  readonly LastEvaluatedKey?: Item | undefined;
  readonly Count?: number;
  readonly ScannedCount?: number;
}

function sorted(items: readonly Item[]): Item[] {
  return items
    .map(inOrder)
    .map((item) => [JSON.stringify(item), item] as const)
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([, item]) => item);
}

function inOrder(item: Item): Item {
  const names = Object.keys(item).toSorted((left, right) => (left < right ? -1 : 1));
  return Object.fromEntries(names.map((name) => [name, valueInOrder(item[name]!)]));
}

function valueInOrder(value: AttributeValue): AttributeValue {
  if (value.L) return { L: value.L.map(valueInOrder) };
  if (value.M) return { M: inOrder(value.M) };
  if (value.B) return { B: new Uint8Array(value.B) };
  const elements = setElements(value);
  if (!elements) return value;
  const [[type]] = Object.entries(value) as [[string, unknown]];
  const texts = elements.map((element) =>
    typeof element === 'string' ? element : `bytes ${element.join()}`,
  );
  return { [type]: texts.toSorted() } as unknown as AttributeValue;
}

function describeCommand(command: ModelCommand): string {
  return `${command.constructor.name} ${JSON.stringify(command.input)}`;
}

async function scanAll(client: DynamoDBClient, tableName: string): Promise<Item[]> {
  const items: Item[] = [];
  let startKey: ScanCommandOutput['LastEvaluatedKey'];
  do {
    const page: ScanCommandOutput = await client.send(
      new ScanCommand({ TableName: tableName, ExclusiveStartKey: startKey, ConsistentRead: true }),
    );
    items.push(...(page.Items ?? []));
    startKey = page.LastEvaluatedKey;
  } while (startKey);
  return items;
}
