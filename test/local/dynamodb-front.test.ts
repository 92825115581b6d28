import http from 'node:http';
import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  ListTablesCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  TransactGetItemsCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { startDynamoDbFront, type DynamoDbFront } from '../../local/dynamodb-front.ts';
import { createTables, startEngine } from '../../local/engines/engine.ts';
import { Faults } from '../../local/faults.ts';
import { Metering, type DynamoDbUsage } from '../../local/metering.ts';
import type { PolicyStatement } from '../../local/model.ts';
import { createIdentities } from '../../local/roles.ts';
import { allow, smallModel, type SmallModel } from './small-model.ts';

interface Setup {
  readonly front: DynamoDbFront;
  readonly client: DynamoDBClient;
  readonly faults: Faults;
  readonly model: SmallModel;
  readonly orders: string;
  readonly notes: string;
  readonly written: string[];
  readonly crashed: string[];
  /** Units of the requests since the last look. */
  readonly units: () => DynamoDbUsage;
}

const closers: (() => Promise<unknown> | void)[] = [];

afterEach(async () => {
  for (let closer = closers.pop(); closer; closer = closers.pop()) await closer();
});

async function setUp(
  statements: (model: SmallModel) => readonly PolicyStatement[] = everything,
): Promise<Setup> {
  const names = smallModel();
  const model = smallModel({ prefix: names.stackName, roles: { writer: statements(names) } });
  const engine = await startEngine({ db: inject('db') });
  closers.push(() => engine.close());
  await createTables(engine, model);
  const identities = createIdentities(model);
  const metering = new Metering();
  const faults = new Faults();
  const written: string[] = [];
  const crashed: string[] = [];
  const front = await startDynamoDbFront({
    model,
    engine,
    identities,
    metering,
    faults,
    log: { info: () => {}, warn: () => {}, error: (source, message) => expect.fail(`${source}: ${message}`) },
    onWrite: (tableName) => written.push(tableName),
    onMidwayCrash: (environmentId) => crashed.push(environmentId),
  });
  closers.push(() => front.close());
  const client = connect(front, identities.credentialsFor('writer', 'environment-1'));
  const { orders, notes } = model;
  return {
    front,
    client,
    faults,
    model,
    orders: orders.tableName,
    notes: notes.tableName,
    written,
    crashed,
    units: () => {
      const { requests, readUnits, writeUnits } = metering.snapshot().dynamodb;
      metering.reset();
      return { requests, readUnits, writeUnits };
    },
  };
}

function connect(
  front: DynamoDbFront,
  credentials: { accessKeyId: string; secretAccessKey: string },
): DynamoDBClient {
  const client = new DynamoDBClient({
    region: 'us-east-1',
    endpoint: front.url,
    credentials,
    maxAttempts: 1,
  });
  closers.push(() => client.destroy());
  return client;
}

const everything = () => [allow(['*'], '*')];
const key = (sk: number, pk = 'a') => ({ pk: { S: pk }, sk: { N: String(sk) } });
const text = (sizeBytes: number) => ({ S: 'x'.repeat(sizeBytes) });

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

describe('faults', () => {
  it('throttle: nothing is stored', async () => {
    const { client, orders, faults, units } = await setUp();
    faults.set({ dynamodb: { throttle: 1 } });
    await expect(client.send(new PutItemCommand({ TableName: orders, Item: key(1) }))).rejects.toMatchObject({
      name: 'ThrottlingException',
      $metadata: { httpStatusCode: 400 },
    });
    faults.clear();
    expect((await client.send(new GetItemCommand({ TableName: orders, Key: key(1) }))).Item).toBeUndefined();
    expect(units()).toEqual({ requests: 1, readUnits: 0.5, writeUnits: 0 });
  });

  it('error: 500', async () => {
    const { client, orders, faults } = await setUp();
    faults.set({ dynamodb: { error: 1 } });
    await expect(client.send(new PutItemCommand({ TableName: orders, Item: key(1) }))).rejects.toMatchObject({
      name: 'InternalServerError',
      $metadata: { httpStatusCode: 500 },
    });
  });

  it('lostResponse: it is stored, announced and charged, and the caller does not know', async () => {
    const { client, orders, faults, written, units } = await setUp();
    faults.set({ dynamodb: { lostResponse: 1 } });
    await expect(client.send(new PutItemCommand({ TableName: orders, Item: key(1) }))).rejects.toMatchObject({
      code: 'ECONNRESET',
    });
    faults.clear();
    expect(written).toEqual([orders]);
    expect(units().writeUnits).toBe(1);
    expect((await client.send(new GetItemCommand({ TableName: orders, Key: key(1) }))).Item).toEqual(key(1));
  });

  it('are healed by the SDK’s own retries', async () => {
    const { front, client, orders, faults } = await setUp();
    const credentials = await client.config.credentials();
    const patient = new DynamoDBClient({
      region: 'us-east-1',
      endpoint: front.url,
      credentials,
      maxAttempts: 20,
    });
    closers.push(() => patient.destroy());
    faults.set({ seed: 1, dynamodb: { throttle: 0.2, error: 0.2, lostResponse: 0.2, latencyMs: [0, 2] } });
    for (let sk = 1; sk <= 10; sk += 1)
      await patient.send(new PutItemCommand({ TableName: orders, Item: key(sk) }));
    faults.clear();
    const { Count } = await client.send(new ScanCommand({ TableName: orders, Select: 'COUNT' }));
    expect(Count).toBe(10);
  });

  it('crashMidway: the n-th request is carried out, and the environment dies without the answer', async () => {
    const { front, client, orders, crashed } = await setUp();
    const put = (sk: number) => client.send(new PutItemCommand({ TableName: orders, Item: key(sk) }));
    front.armCrash('environment-1', 2);
    await put(1);
    expect(crashed).toEqual([]);
    await expect(put(2)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(crashed).toEqual(['environment-1']);
    await put(3);
    front.armCrash('environment-1', 1);
    front.disarmCrash('environment-1');
    await put(4);
    const { Count } = await client.send(new ScanCommand({ TableName: orders, Select: 'COUNT' }));
    expect(Count).toBe(4);
    expect(crashed).toEqual(['environment-1']);
  });

  it('latency does not keep the front from closing', async () => {
    const { front, client, orders, faults } = await setUp();
    faults.set({ dynamodb: { latencyMs: [3_600_000, 3_600_001] } });
    const draw = faults.dynamodb.bind(faults);
    const waiting = new Promise<void>((resolve) => {
      faults.dynamodb = () => {
        resolve();
        return draw();
      };
    });
    const failure = client
      .send(new PutItemCommand({ TableName: orders, Item: key(1) }))
      .catch((error: unknown) => error);
    await waiting;
    await front.close();
    await expect(failure).resolves.toMatchObject({ code: 'ECONNRESET' });
  });
});
