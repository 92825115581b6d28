// The scenarios of `npm run bench`: how long a send takes beside what its requests take by themselves, how many go through,
// and how long a device needs that was away.
import { randomUUID } from 'node:crypto';
import {
  CreateTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { Cloud } from '../local/cloud.ts';
import { Device } from './device.ts';

export const median = (values: readonly number[]): number =>
  values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN;

export const connect = async (cloud: Cloud, userId: string): Promise<Device> =>
  Device.connect({
    url: `${cloud.url}/${cloud.model.api.stageName}?deviceId=phone&platform=ios`,
    token: await cloud.issueToken(userId),
    acknowledge: Infinity,
  });

const textTo = (to: string, size = 100) => ({
  to,
  clientMsgId: randomUUID(),
  type: 'text',
  body: { text: 'x'.repeat(size) },
});

async function onTables<T>(
  cloud: Cloud,
  use: (client: DynamoDBClient, nameOf: (table: string) => string) => Promise<T>,
): Promise<T> {
  const credentials = { accessKeyId: 'bench', secretAccessKey: 'bench' };
  const client = new DynamoDBClient({ endpoint: cloud.dynamoDbEndpoint, region: 'us-east-1', credentials });
  const nameOf = (table: string) => cloud.model.tables.find(({ name }) => name === table)!.tableName;
  try {
    return await use(client, nameOf);
  } finally {
    client.destroy();
  }
}

export interface SendTimes {
  /** The requests of a send, one after the other, by a script that does nothing else; medians, milliseconds. */
  readonly floorMs: number;
  readonly ackMs: number;
  /** Until a strong read finds the message, by whoever asks again and again. */
  readonly persistedMs: number;
}

export async function timeSends(cloud: Cloud, count: number): Promise<SendTimes> {
  const alice = await connect(cloud, 'alice');
  const bob = await connect(cloud, 'bob');
  try {
    const send = () => alice.send(textTo('user:bob'));
    // Cold starts are not what is asked for.
    for (let n = 0; n < 20; n++) await send();
    await cloud.settled();
    return await onTables(cloud, async (client, nameOf) => {
      const scratch = await scratchTable(client);
      const floorMs = median(await timesOf(count, () => requestsOfASend(client, scratch)));
      const ackMs = median(await timesOf(count, send));
      await cloud.settled();
      let seq = 20 + count;
      const persistedMs = median(
        await timesOf(count, async () => {
          seq++;
          const key = {
            TableName: nameOf('Messages'),
            Key: marshall({ conversationId: 'd:alice:bob', seq }),
          };
          const sent = send();
          for (;;) {
            const { Item } = await client.send(new GetItemCommand({ ...key, ConsistentRead: true }));
            if (Item) break;
          }
          return () => sent;
        }),
      );
      return { floorMs, ackMs, persistedMs };
    });
  } finally {
    await Promise.all([alice.close(), bob.close()]);
  }
}

/** What is returned is waited for, past the clock. */
async function timesOf(count: number, work: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let n = 0; n < count; n++) {
    const start = performance.now();
    const after = await work();
    times.push(performance.now() - start);
    if (typeof after === 'function') await (after as () => Promise<unknown>)();
  }
  return times;
}

/** A table of nobody's: what stands in one of the product's, fan-out would try to deliver. */
async function scratchTable(client: DynamoDBClient): Promise<string> {
  const TableName = `bench-${randomUUID()}`;
  const keys = [
    ['conversationId', 'HASH', 'S'],
    ['seq', 'RANGE', 'N'],
  ] as const;
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: keys.map(([AttributeName, , AttributeType]) => ({
        AttributeName,
        AttributeType,
      })),
      KeySchema: keys.map(([AttributeName, KeyType]) => ({ AttributeName, KeyType })),
    }),
  );
  return TableName;
}

/** A head that counts and remembers, and a message into an empty slot: as large as those of a send. */
async function requestsOfASend(client: DynamoDBClient, TableName: string): Promise<void> {
  const conversationId = 'd:bench:floor';
  const remembered = Array.from({ length: 6 }, (_, seq) => ({
    clientMsgId: randomUUID(),
    seq,
    at: Date.now(),
  }));
  const { Attributes } = await client.send(
    new UpdateItemCommand({
      TableName,
      Key: marshall({ conversationId, seq: 0 }),
      UpdateExpression: 'SET ring = :ring, #at = :at ADD head :one, #counted :one',
      ConditionExpression: 'attribute_not_exists(dismissed)',
      ExpressionAttributeNames: { '#at': 'at', '#counted': 'counted' },
      ExpressionAttributeValues: marshall({ ':ring': remembered, ':at': Date.now(), ':one': 1 }),
      ReturnValues: 'ALL_NEW',
    }),
  );
  const { head: seq } = unmarshall(Attributes!) as { head: number };
  await client.send(
    new PutItemCommand({
      TableName,
      Item: marshall({ conversationId, seq, ...textTo('user:floor'), from: 'bench', serverTime: Date.now() }),
      ConditionExpression: 'attribute_not_exists(conversationId)',
    }),
  );
}

export interface Throughput {
  readonly connections: number;
  readonly messagesPerSecond: number;
  readonly ackMs: number;
}

/** Pairs: one of each sends, the next when the last is acknowledged. All is delivered in the end, which counts. */
export async function measureThroughput(
  cloud: Cloud,
  connections: number,
  seconds: number,
): Promise<Throughput> {
  const pairs = connections / 2;
  const senders: Device[] = [];
  const all: Device[] = [];
  const name = (side: string, pair: number) => `${side}-${connections}-${pair}`;
  try {
    for (let pair = 0; pair < pairs; pair++) {
      const to = await connect(cloud, name('to', pair));
      const from = await connect(cloud, name('from', pair));
      senders.push(from);
      all.push(to, from);
    }
    for (const [pair, from] of senders.entries()) await from.send(textTo(`user:${name('to', pair)}`));
    await cloud.settled();
    const start = performance.now();
    const over = start + seconds * 1_000;
    const times: number[] = [];
    await Promise.all(
      senders.map(async (from, pair) => {
        while (performance.now() < over) {
          const at = performance.now();
          await from.send(textTo(`user:${name('to', pair)}`));
          times.push(performance.now() - at);
        }
      }),
    );
    await cloud.settled();
    const tookSeconds = (performance.now() - start) / 1_000;
    return { connections, messagesPerSecond: times.length / tookSeconds, ackMs: median(times) };
  } finally {
    await Promise.all(all.map((device) => device.close()));
  }
}

export interface Resume {
  readonly messages: number;
  readonly pages: number;
  readonly ms: number;
}

/** From the connection on, until everything has been pulled that came meanwhile. */
export async function timeResume(cloud: Cloud, messages: number): Promise<Resume> {
  const sender = await connect(cloud, 'sender');
  try {
    await (await connect(cloud, 'absent')).close();
    for (let n = 0; n < messages; n++) await sender.send(textTo('user:absent'));
    await cloud.settled();
    const start = performance.now();
    const device = await connect(cloud, 'absent');
    let pages = 0;
    for (let after = 0, more = true; more; pages++) {
      const page = await device.request('sync', { after, limit: 100 });
      after = page['next'] as number;
      more = page['more'] as boolean;
    }
    const ms = performance.now() - start;
    await device.close();
    return { messages, pages, ms };
  } finally {
    await sender.close();
  }
}
