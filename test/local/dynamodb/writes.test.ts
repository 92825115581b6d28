import {
  BatchWriteItemCommand,
  GetItemCommand,
  PutItemCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import { setUp, key } from './setup.ts';

describe('the item that failed a condition', () => {
  it('is given to the caller who asks, and to no other', async () => {
    const { client, orders } = await setUp();
    const put = { TableName: orders, Item: key(1), ConditionExpression: 'attribute_not_exists(pk)' };
    await client.send(new PutItemCommand(put));
    const asking = { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' } as const;
    await expect(client.send(new PutItemCommand(put))).rejects.toMatchObject({ Item: undefined });
    await expect(client.send(new PutItemCommand({ ...put, ...asking }))).rejects.toMatchObject({
      Item: key(1),
    });

    const both = new TransactWriteItemsCommand({
      TransactItems: [{ Put: put }, { Put: { ...put, Item: key(2) } }],
    });
    const reasons = await client
      .send(both)
      .catch((error: TransactionCanceledException) => error.CancellationReasons);
    expect(reasons).toMatchObject([{ Code: 'ConditionalCheckFailed' }, { Code: 'None' }]);
    expect(JSON.stringify(reasons)).not.toContain('"Item"');
    await expect(
      client.send(new TransactWriteItemsCommand({ TransactItems: [{ Put: { ...put, ...asking } }] })),
    ).rejects.toMatchObject({ CancellationReasons: [{ Item: key(1) }] });
  });
});

describe('writes', () => {
  it('are announced when they are done: table by table, and only then', async () => {
    const { client, orders, notes, written } = await setUp();
    await client.send(new GetItemCommand({ TableName: orders, Key: key(1) }));
    expect(written).toEqual([]);
    await client.send(new PutItemCommand({ TableName: orders, Item: key(1) }));
    expect(written.splice(0)).toEqual([orders]);
    const condition = { ConditionExpression: 'attribute_not_exists(pk)' };
    await client
      .send(new PutItemCommand({ TableName: orders, Item: key(1), ...condition }))
      .catch(() => undefined);
    expect(written).toEqual([]);
    await client.send(
      new BatchWriteItemCommand({
        RequestItems: {
          [orders]: [{ DeleteRequest: { Key: key(1) } }, { DeleteRequest: { Key: key(2) } }],
          [notes]: [{ PutRequest: { Item: key(1) } }],
        },
      }),
    );
    expect(written.toSorted()).toEqual([notes, orders].toSorted());
  });
});
