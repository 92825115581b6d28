import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  TransactGetItemsCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import { unitsOf } from '../../../local/dynamodb/units.ts';
import { setUp, key, text } from './setup.ts';

// DynamoDB developer guide, "Read and write operations" and "Transactions: capacity management".
describe('request units', () => {
  it('of writes: 1 KB begun each, the larger of before and after', async () => {
    const { client, orders, units } = await setUp();
    const put = (body: number) =>
      client.send(new PutItemCommand({ TableName: orders, Item: { ...key(1), body: text(body) } }));
    await put(10);
    expect(units()).toEqual({ requests: 1, readUnits: 0, writeUnits: 1 });
    await put(2500);
    expect(units().writeUnits).toBe(3);
    await put(10);
    expect(units().writeUnits).toBe(3);
    await put(2500);
    units();
    await client.send(
      new UpdateItemCommand({
        TableName: orders,
        Key: key(1),
        UpdateExpression: 'SET body = :b',
        ExpressionAttributeValues: { ':b': { S: '' } },
      }),
    );
    expect(units().writeUnits).toBe(3);
    await client.send(new DeleteItemCommand({ TableName: orders, Key: key(7) }));
    expect(units().writeUnits).toBe(1);
  });

  it('of a write whose condition fails: as many as if it had not', async () => {
    const { client, orders, units } = await setUp();
    const put = (body: number) =>
      client.send(
        new PutItemCommand({
          TableName: orders,
          Item: { ...key(1), body: text(body) },
          ConditionExpression: 'attribute_not_exists(pk)',
        }),
      );
    await put(2500);
    units();
    await expect(put(10)).rejects.toBeInstanceOf(ConditionalCheckFailedException);
    expect(units()).toEqual({ requests: 1, readUnits: 0, writeUnits: 3 });
    await expect(put(4500)).rejects.toBeInstanceOf(ConditionalCheckFailedException);
    expect(units().writeUnits).toBe(5);
    const update = new UpdateItemCommand({
      TableName: orders,
      Key: key(2),
      UpdateExpression: 'SET body = :b',
      ConditionExpression: 'attribute_exists(pk)',
      ExpressionAttributeValues: { ':b': { S: '' } },
    });
    await expect(client.send(update)).rejects.toBeInstanceOf(ConditionalCheckFailedException);
    expect(units().writeUnits).toBe(1);
  });

  it('of reads: half a unit per 4 KB, a whole one if consistent, and the minimum for nothing', async () => {
    const { client, orders, units } = await setUp();
    for (const sk of [1, 2, 3]) {
      await client.send(new PutItemCommand({ TableName: orders, Item: { ...key(sk), body: text(3000) } }));
    }
    units();
    const get = async (sk: number, ConsistentRead = false) => {
      await client.send(new GetItemCommand({ TableName: orders, Key: key(sk), ConsistentRead }));
      return units().readUnits;
    };
    expect(await get(1)).toBe(0.5);
    expect(await get(1, true)).toBe(1);
    expect(await get(9)).toBe(0.5);
    const query = async (pk: string, ConsistentRead = false) => {
      await client.send(
        new QueryCommand({
          TableName: orders,
          KeyConditionExpression: 'pk = :p',
          ExpressionAttributeValues: { ':p': { S: pk } },
          ProjectionExpression: 'sk',
          ConsistentRead,
        }),
      );
      return units().readUnits;
    };
    expect(await query('a')).toBe(1.5);
    expect(await query('a', true)).toBe(3);
    expect(await query('nobody')).toBe(0.5);
    await client.send(new ScanCommand({ TableName: orders, Select: 'COUNT' }));
    expect(units().readUnits).toBe(1.5);
  });

  it('of a batch: of each item, also of one that is missing, in each table', async () => {
    const { client, orders, notes, units } = await setUp();
    await client.send(
      new BatchWriteItemCommand({
        RequestItems: {
          [orders]: [1, 2].map((sk) => ({ PutRequest: { Item: { ...key(sk), body: text(1500) } } })),
          [notes]: [{ PutRequest: { Item: key(1) } }],
        },
      }),
    );
    expect(units()).toEqual({ requests: 1, readUnits: 0, writeUnits: 5 });
    await client.send(
      new BatchGetItemCommand({
        RequestItems: {
          [orders]: { Keys: [key(1), key(2), key(9)], ConsistentRead: true },
          [notes]: { Keys: [key(1), key(9)], ProjectionExpression: 'pk' },
        },
      }),
    );
    expect(units()).toEqual({ requests: 1, readUnits: 4, writeUnits: 0 });
  });

  it('of a batch: of an item that is missing, whatever its table is called', () => {
    const quirks = { missingKeysAreFree: true, transactionWriteFactor: 1, streamTimestampStepMs: 1 };
    for (const TableName of ['constructor', '__proto__']) {
      const input = { RequestItems: Object.fromEntries([[TableName, { Keys: [key(1)] }]]) };
      const output = { Responses: {}, ConsumedCapacity: [{ TableName, CapacityUnits: 0 }] };
      const units = unitsOf('BatchGetItem', input, { status: 200, output }, quirks);
      expect(units).toEqual(new Map([[TableName, { readUnits: 0.5, writeUnits: 0 }]]));
    }
  });

  it('of transactions: twice', async () => {
    const { client, orders, notes, units } = await setUp();
    await client.send(new PutItemCommand({ TableName: orders, Item: { ...key(1), body: text(2500) } }));
    units();
    await client.send(
      new TransactWriteItemsCommand({
        TransactItems: [
          {
            Update: {
              TableName: orders,
              Key: key(1),
              UpdateExpression: 'SET seen = :s',
              ExpressionAttributeValues: { ':s': { BOOL: true } },
            },
          },
          { Put: { TableName: orders, Item: key(2) } },
          {
            ConditionCheck: {
              TableName: notes,
              Key: key(1),
              ConditionExpression: 'attribute_not_exists(pk)',
            },
          },
        ],
      }),
    );
    expect(units()).toEqual({ requests: 1, readUnits: 0, writeUnits: 10 });
    await client.send(
      new TransactGetItemsCommand({
        TransactItems: [
          { Get: { TableName: orders, Key: key(1) } },
          { Get: { TableName: orders, Key: key(2) } },
        ],
      }),
    );
    expect(units()).toEqual({ requests: 1, readUnits: 4, writeUnits: 0 });
  });

  it('of a transaction that is cancelled: it was prepared', async () => {
    const { client, orders, units } = await setUp();
    await client.send(new PutItemCommand({ TableName: orders, Item: { ...key(1), body: text(2500) } }));
    units();
    const transaction = new TransactWriteItemsCommand({
      TransactItems: [
        { Put: { TableName: orders, Item: key(1), ConditionExpression: 'attribute_not_exists(pk)' } },
        { Put: { TableName: orders, Item: key(2) } },
      ],
    });
    await expect(client.send(transaction)).rejects.toBeInstanceOf(TransactionCanceledException);
    expect(units()).toEqual({ requests: 1, readUnits: 0, writeUnits: 8 });
  });

  it('of a transaction that is repeated with its token: reads', async () => {
    const { client, orders, units } = await setUp();
    const ClientRequestToken = `token-${orders}`.slice(0, 36);
    const repeat = () =>
      client.send(
        new TransactWriteItemsCommand({
          ClientRequestToken,
          TransactItems: [{ Put: { TableName: orders, Item: { ...key(1), body: text(2500) } } }],
        }),
      );
    await repeat();
    expect(units()).toEqual({ requests: 1, readUnits: 0, writeUnits: 6 });
    await repeat();
    expect(units()).toEqual({ requests: 1, readUnits: 2, writeUnits: 0 });
  });

  it('of what is refused: none', async () => {
    const { client, orders, units } = await setUp();
    const tooLarge = new PutItemCommand({ TableName: orders, Item: { ...key(1), body: text(410_000) } });
    await expect(client.send(tooLarge)).rejects.toMatchObject({ name: 'ValidationException' });
    await expect(
      client.send(new GetItemCommand({ TableName: 'Nowhere', Key: key(1) })),
    ).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
    expect(units()).toEqual({ requests: 0, readUnits: 0, writeUnits: 0 });
  });

  it('are told to the caller who asks, and to no other', async () => {
    const { client, orders } = await setUp();
    const put = { TableName: orders, Item: key(1) };
    await expect(client.send(new PutItemCommand(put))).resolves.not.toHaveProperty('ConsumedCapacity');
    await expect(
      client.send(new PutItemCommand({ ...put, ReturnConsumedCapacity: 'TOTAL' })),
    ).resolves.toMatchObject({ ConsumedCapacity: { CapacityUnits: 1 } });
  });
});
