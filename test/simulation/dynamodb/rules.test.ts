// What random commands do not meet: streams, TTL, limits, tokens; and rules of AWS that an engine does not keep.
import {
  DeleteItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  type TransactWriteItem,
} from '@aws-sdk/client-dynamodb';
import { beforeEach, expect, test } from 'vitest';
import type { Item } from './attribute-values.ts';
import { ModelDynamoDb } from './model.ts';

const TableName = 'Events';
const now = Date.parse('2026-11-22T12:00:00Z');
let clock: number;
let model: ModelDynamoDb;

beforeEach(() => {
  clock = now;
  const sortKey = { name: 'at', type: 'N' } as const;
  model = new ModelDynamoDb({
    now: () => clock,
    tables: { [TableName]: { partitionKey: 'id', sortKey, stream: true } },
  });
});

const keyOf = (at: number): Item => ({ id: { S: 'a' }, at: { N: String(at) } });
const put = (at: number, rest: Item = {}) =>
  model.execute(new PutItemCommand({ TableName, Item: { ...keyOf(at), ...rest } }));
const set = (at: number, UpdateExpression: string, n: Item[string], names = ['#n']) =>
  model.execute(
    new UpdateItemCommand({
      TableName,
      Key: keyOf(at),
      UpdateExpression,
      ExpressionAttributeNames: Object.fromEntries(names.map((name) => [name, name.slice(1)])),
      ExpressionAttributeValues: { ':n': n },
    }),
  );
const transact = (parts: TransactWriteItem[], ClientRequestToken?: string) =>
  model.execute(new TransactWriteItemsCommand({ TransactItems: parts, ClientRequestToken }));

test('each write that changes something is a record of the stream', () => {
  put(1, { n: { N: '1' } });
  put(1, { n: { N: '1.0' } });
  set(1, 'SET #n = :n', { N: '2' });
  set(1, 'SET #n = :n', { N: '2' });
  model.execute(new DeleteItemCommand({ TableName, Key: keyOf(1) }));
  model.execute(new DeleteItemCommand({ TableName, Key: keyOf(1) }));
  const records = model.records(TableName);
  expect(records.map(({ eventName, Keys, NewImage }) => ({ eventName, Keys, n: NewImage?.['n'] }))).toEqual([
    { eventName: 'INSERT', Keys: keyOf(1), n: { N: '1' } },
    { eventName: 'MODIFY', Keys: keyOf(1), n: { N: '2' } },
    { eventName: 'REMOVE', Keys: keyOf(1), n: undefined },
  ]);
  const numbers = records.map(({ SequenceNumber }) => BigInt(SequenceNumber));
  expect(numbers).toEqual(numbers.toSorted((left, right) => (left < right ? -1 : 1)));
  expect(model.records(TableName, 2)).toEqual(records.slice(2));
});

test('TTL removes what is over, if it is chosen, and says so in the stream', () => {
  const seconds = now / 1_000;
  put(1, { expiresAt: { N: String(seconds - 1) } });
  put(2, { expiresAt: { N: String(seconds) } });
  put(3, { expiresAt: { S: String(seconds - 1) } });
  put(4, { expiresAt: { N: '1' } });
  put(5, { expiresAt: { N: String(seconds - 9) } });
  expect(model.expire((_, item) => item['at']?.N !== '5')).toBe(1);
  expect(model.records(TableName).at(-1)).toMatchObject({
    eventName: 'REMOVE',
    Keys: keyOf(1),
    userIdentity: { type: 'Service', principalId: 'dynamodb.amazonaws.com' },
  });
  expect(model.items(TableName).map(({ at }) => at!.N)).toEqual(['2', '3', '4', '5']);
});

test('an item above 400 KB is refused', () => {
  put(1, { body: { S: 'ü'.repeat(200 * 1024 - 20) } });
  expect(() => put(1, { body: { S: 'ü'.repeat(200 * 1024) } })).toThrow('maximum allowed size');
  expect(() => set(1, 'SET #n = :n', { S: 'x'.repeat(100) })).toThrow('maximum allowed size');
});

test('a page of a query ends behind one megabyte', () => {
  for (const at of [1, 2, 3, 4]) put(at, { body: { S: 'x'.repeat(390 * 1024) } });
  const input = {
    TableName,
    KeyConditionExpression: '#id = :id',
    ExpressionAttributeNames: { '#id': 'id' },
    ExpressionAttributeValues: { ':id': { S: 'a' } },
  };
  const page = model.execute(new QueryCommand(input));
  expect(page).toMatchObject({ Count: 3, LastEvaluatedKey: keyOf(3) });
  const rest = model.execute(new QueryCommand({ ...input, ExclusiveStartKey: keyOf(3) }));
  expect(rest).toMatchObject({ Count: 1 });
  expect(rest).not.toHaveProperty('LastEvaluatedKey');
});

test('a transaction of one token takes place once in ten minutes', () => {
  const add = (n: string): TransactWriteItem => ({
    Update: {
      TableName,
      Key: keyOf(1),
      UpdateExpression: 'ADD #n :n',
      ExpressionAttributeNames: { '#n': 'n' },
      ExpressionAttributeValues: { ':n': { N: n } },
    },
  });
  transact([add('1')], 'token');
  transact([add('1')], 'token');
  expect(() => transact([add('2')], 'token')).toThrow(
    expect.objectContaining({ name: 'IdempotentParameterMismatchException' }),
  );
  expect(model.items(TableName)).toMatchObject([{ n: { N: '1' } }]);
  clock += 10 * 60_000;
  transact([add('1')], 'token');
  expect(model.items(TableName)).toMatchObject([{ n: { N: '2' } }]);
});

test('a transaction holds an item once', () => {
  const part: TransactWriteItem = { Put: { TableName, Item: keyOf(1) } };
  expect(() => transact([part, part])).toThrow('multiple operations on one item');
  expect(model.items(TableName)).toEqual([]);
});

test('what is set behind the end of a list is appended', () => {
  put(1, { l: { L: [] } });
  set(1, 'SET #l[7] = :n, #l[3] = #at', { N: '9' }, ['#l', '#at']);
  expect(model.items(TableName)).toMatchObject([{ l: { L: [{ N: '1' }, { N: '9' }] } }]);
});

test.each([
  ['a place twice', 'SET #n = :n, #n = :n', ['#n'], 'overlap'],
  ['a place in another', 'SET #n = :n REMOVE #n[1]', ['#n'], 'overlap'],
  ['a key', 'SET #at = :n', ['#at'], 'part of the key'],
  ['a place that is not there', 'SET #n.#m = :n', ['#n', '#m'], 'invalid for update'],
  ['a section twice', 'SET #n = :n SET #m = :n', ['#n', '#m'], 'only be used once'],
  ['an undefined name', 'SET #n = :n, #m = :n', ['#n'], 'not defined'],
  ['an unused name', 'SET #n = :n', ['#n', '#m'], 'unused'],
  ['no sentence', 'SET #n :n', ['#n'], 'Syntax error'],
])('an update of %s is refused', (_, update, names, words) => {
  put(1, {});
  expect(() => set(1, update, { N: '1' }, names)).toThrow(words);
  expect(() => set(1, update, { N: '1' }, names)).toThrow(
    expect.objectContaining({ name: 'ValidationException' }),
  );
});

test('numbers are decimals', () => {
  put(1, { n: { N: '0.1' } });
  set(1, 'SET #n = #n + :n', { N: '2e-1' });
  expect(model.items(TableName)).toMatchObject([{ n: { N: '0.3' } }]);
  set(1, 'SET #n = #n - :n', { N: '12345678901234567890.3' });
  expect(model.items(TableName)).toMatchObject([{ n: { N: '-12345678901234567890' } }]);
});
