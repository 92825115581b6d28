import http from 'node:http';
import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  GetItemCommand,
  ListTablesCommand,
  PutItemCommand,
  QueryCommand,
  TransactGetItemsCommand,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import { accessesOf } from '../../../local/dynamodb/requests.ts';
import { allow } from '../small-model.ts';
import { setUp, connect, key } from './setup.ts';

const send = (url: string, headers: Record<string, string>, body = '{}') =>
  new Promise<{ status: number | undefined; type: string }>((resolve, reject) => {
    const request = http.request(url, { method: 'POST', headers, agent: false }, (response) => {
      let answer = '';
      response.on('data', (chunk) => (answer += chunk));
      response.on('end', () => {
        const { __type } = JSON.parse(answer) as { __type: string };
        resolve({ status: response.statusCode, type: __type.split('#')[1]! });
      });
    });
    request.on('error', reject);
    request.end(body);
  });

describe('who calls', () => {
  it.each([
    ['any origin', { origin: 'http://evil.example' }],
    ['the origin null', { origin: 'null' }],
    ['an origin of this machine', { origin: 'http://localhost:5173' }],
    ['a name that it rebinds', { host: 'evil.example:4000' }],
  ])('is refused as a web page of %s, its credentials notwithstanding', async (_case, headers) => {
    const { front, client } = await setUp();
    const { accessKeyId } = await client.config.credentials();
    const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20261122/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0`;
    const target = 'DynamoDB_20120810.ListTables';
    await expect(send(front.url, { ...headers, authorization, 'x-amz-target': target })).resolves.toEqual({
      status: 403,
      type: 'AccessDeniedException',
    });
  });

  it('is refused when the credentials are of nobody', async () => {
    const { front } = await setUp();
    const stranger = connect(front, { accessKeyId: 'ASIAAAAAAAAAAAAAAAAA', secretAccessKey: 'x' });
    await expect(stranger.send(new ListTablesCommand())).rejects.toMatchObject({
      name: 'UnrecognizedClientException',
      message: 'The security token included in the request is invalid.',
    });
  });

  it('is refused without a signature, with an unknown operation, and with what is no JSON', async () => {
    const { front, client } = await setUp();
    const { accessKeyId } = await client.config.credentials();
    const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20261122/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0`;
    const target = { authorization, 'x-amz-target': 'DynamoDB_20120810.PutItem' };
    await expect(send(front.url, {})).resolves.toEqual({
      status: 400,
      type: 'MissingAuthenticationTokenException',
    });
    await expect(send(front.url, { authorization })).resolves.toEqual({
      status: 400,
      type: 'UnknownOperationException',
    });
    await expect(send(front.url, target, '{"a":')).resolves.toEqual({
      status: 400,
      type: 'SerializationException',
    });
  });
});

describe('what the role does not allow', () => {
  it('is refused in the words of AWS, and nothing is stored', async () => {
    const { client, model, orders, written, units } = await setUp(({ orders: { arn } }) => [
      allow(['GetItem'], arn),
    ]);
    await expect(client.send(new PutItemCommand({ TableName: orders, Item: key(1) }))).rejects.toMatchObject({
      name: 'AccessDeniedException',
      $metadata: { httpStatusCode: 400 },
      message: `User: arn:aws:sts::000000000000:assumed-role/${model.stackName}-writer-role/${model.stackName}-writer is not authorized to perform: dynamodb:PutItem on resource: ${model.orders.arn} because no identity-based policy allows the dynamodb:PutItem action`,
    });
    expect((await client.send(new GetItemCommand({ TableName: orders, Key: key(1) }))).Item).toBeUndefined();
    expect(written).toEqual([]);
    expect(units().writeUnits).toBe(0);
  });

  it('is looked at for every table of a batch', async () => {
    const { client, orders, notes } = await setUp(({ orders: { arn } }) => [allow(['BatchGetItem'], arn)]);
    const get = (tables: string[]) =>
      client.send(
        new BatchGetItemCommand({
          RequestItems: Object.fromEntries(tables.map((table) => [table, { Keys: [key(1)] }])),
        }),
      );
    await expect(get([orders])).resolves.toHaveProperty('Responses');
    await expect(get([orders, notes])).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });

  it('is looked at for each action of a transaction', async () => {
    const { client, orders } = await setUp(({ orders: { arn } }) => [
      allow(['PutItem', 'ConditionCheckItem'], arn),
    ]);
    const put = { Put: { TableName: orders, Item: key(1) } };
    const check = {
      ConditionCheck: { TableName: orders, Key: key(2), ConditionExpression: 'attribute_not_exists(pk)' },
    };
    const remove = { Delete: { TableName: orders, Key: key(3) } };
    await client.send(new TransactWriteItemsCommand({ TransactItems: [put, check] }));
    await expect(
      client.send(new TransactWriteItemsCommand({ TransactItems: [put, remove] })),
    ).rejects.toThrow(/not authorized to perform: dynamodb:DeleteItem/);
    await expect(
      client.send(
        new TransactGetItemsCommand({ TransactItems: [{ Get: { TableName: orders, Key: key(1) } }] }),
      ),
    ).rejects.toThrow(/not authorized to perform: dynamodb:GetItem/);
  });

  it('may be a partition: leading keys are those of items, keys and key conditions', async () => {
    const { client, orders } = await setUp(({ orders: { arn } }) => [
      {
        ...allow(['PutItem', 'GetItem', 'Query', 'BatchWriteItem'], arn),
        conditions: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['mine*'] } },
      },
    ]);
    const query = (pk: string) =>
      new QueryCommand({
        TableName: orders,
        KeyConditionExpression: '#p = :p AND sk > :s',
        ExpressionAttributeNames: { '#p': 'pk' },
        ExpressionAttributeValues: { ':p': { S: pk }, ':s': { N: '0' } },
      });
    await client.send(new PutItemCommand({ TableName: orders, Item: key(1, 'mine-1') }));
    await expect(client.send(query('mine-1'))).resolves.toMatchObject({ Count: 1 });
    const theirs = [
      new PutItemCommand({ TableName: orders, Item: key(1, 'theirs') }),
      new GetItemCommand({ TableName: orders, Key: key(1, 'theirs') }),
      query('theirs'),
      new BatchWriteItemCommand({
        RequestItems: {
          [orders]: [{ PutRequest: { Item: key(1, 'mine') } }, { DeleteRequest: { Key: key(1, 'theirs') } }],
        },
      }),
    ];
    for (const command of theirs) {
      await expect(client.send(command as PutItemCommand)).rejects.toMatchObject({
        name: 'AccessDeniedException',
      });
    }
  });

  it('includes the engine’s administration and its streams', async () => {
    const { client } = await setUp(({ orders: { arn } }) => [allow(['PutItem'], arn)]);
    await expect(client.send(new ListTablesCommand())).rejects.toThrow(/dynamodb:ListTables on resource: \*/);
  });
});

it('the names in a request are names, whatever they are', () => {
  const input = {
    TableName: 'Orders',
    KeyConditionExpression: '#a = :a AND constructor = :b',
    ExpressionAttributeNames: { '#a': '__proto__' },
    ExpressionAttributeValues: { ':a': { S: 'x' }, ':b': { S: 'y' } },
  };
  expect(accessesOf('Query', input).flatMap(({ items }) => items.map((item) => Object.keys(item)))).toEqual([
    ['__proto__', 'constructor'],
  ]);
  const transaction = { TransactItems: [{ constructor: { TableName: 'Orders', Key: {} } }] };
  expect(accessesOf('TransactWriteItems', transaction)[0]?.action).toBe('dynamodb:constructor');
});
