import {
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import { closers, setUp, key } from './setup.ts';

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

  it('conflict: nothing is written, a transaction says which item another one holds; reads meet none', async () => {
    const { client, orders, faults } = await setUp();
    faults.set({ dynamodb: { conflict: 1 } });
    await expect(client.send(new PutItemCommand({ TableName: orders, Item: key(1) }))).rejects.toMatchObject({
      name: 'TransactionConflictException',
    });
    const puts = [1, 2].map((sk) => ({ Put: { TableName: orders, Item: key(sk) } }));
    await expect(client.send(new TransactWriteItemsCommand({ TransactItems: puts }))).rejects.toMatchObject({
      name: 'TransactionCanceledException',
      CancellationReasons: [{ Code: 'TransactionConflict' }, { Code: 'None' }],
    });
    expect((await client.send(new GetItemCommand({ TableName: orders, Key: key(1) }))).Item).toBeUndefined();
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

  it('crashMidway: what is asked for at the same time is carried out, and none of it is answered', async () => {
    const { front, client, orders, crashed } = await setUp();
    front.armCrash('environment-1', 2);
    const puts = [1, 2, 3].map((sk) => client.send(new PutItemCommand({ TableName: orders, Item: key(sk) })));
    const outcomes = await Promise.allSettled(puts);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(crashed).toEqual(['environment-1']);
    const { Count } = await client.send(new ScanCommand({ TableName: orders, Select: 'COUNT' }));
    expect(Count).toBe(3);
  });

  it('are drawn for the function, the operation, the table and the key', async () => {
    const { client, orders, faults, model } = await setUp();
    faults.set({ dynamodb: { throttle: 1 } });
    const Item = key(1, 'alice');
    const put = () => client.send(new PutItemCommand({ TableName: orders, Item })).catch(() => undefined);
    await put();
    await put();
    const site = `writer PutItem ${model.orders.name}/alice/1`;
    expect(faults.log().map(({ site, ordinal }) => [site, ordinal])).toEqual([
      [site, 1],
      [site, 2],
    ]);
  });

  it('latency does not keep the front from closing', async () => {
    const { front, client, orders, faults } = await setUp();
    faults.set({ dynamodb: { latencyMs: [3_600_000, 3_600_001] } });
    const draw = faults.dynamodb.bind(faults);
    const waiting = new Promise<void>((resolve) => {
      faults.dynamodb = (site) => {
        resolve();
        return draw(site);
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
