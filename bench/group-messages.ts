// The scenario of `npm run bench:groups`: one member of a group of N writes, alone and in bursts, and the meters say what it
// took. Members without a socket are written into the tables: ten thousand need not connect to cost what they cost.
import { randomUUID } from 'node:crypto';
import { BatchWriteItemCommand, DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { Cloud } from '../local/cloud.ts';
import type { MeteringSnapshot } from '../local/metering.ts';
import { Device } from './device.ts';
import { prices } from './prices.ts';

export type Mode = 'write' | 'read';

export interface GroupScenario {
  readonly members: number;
  readonly mode: Mode;
  /** Messages one after another, each delivered before the next, and then at once. */
  readonly alone: number;
  readonly burst: number;
  /** Of the members, from 0 to 1: are connected; look at the group, where it is a large one. */
  readonly online: number;
  readonly looking: number;
}

/** What one message took. */
export interface MessageCost {
  readonly writeUnits: number;
  readonly readUnits: number;
  readonly requests: number;
  /** To the devices of the share that is online (or looks); counted at sockets, for all that there would be. */
  readonly frames: number;
  readonly invocations: number;
}

export interface GroupCost {
  readonly alone: MessageCost;
  readonly burst: MessageCost;
}

const MEMORY_GB = 0.5;

/** `ownFrames`: of the sender; the message itself and its answer, unless there is none. */
export function usdPerMillion(cost: MessageCost, lambdaMs: number, ownFrames = 2): number {
  const invocation = prices.invocation.usd + MEMORY_GB * (lambdaMs / 1_000) * prices.gigabyteSecond.usd;
  const usd =
    (ownFrames + cost.frames) * prices.gatewayMessage.usd +
    cost.writeUnits * prices.writeUnit.usd +
    cost.readUnits * prices.readUnit.usd +
    cost.invocations * invocation;
  return usd * 1e6;
}

/** Connections that are really made: what a device gets does not depend on how many there are. */
const MAX_SOCKETS = 10;
const BATCH_WRITE = 25;
const WRITES_AT_ONCE = 8;

export async function meterGroupMessages(cloud: Cloud, scenario: GroupScenario): Promise<GroupCost> {
  const { members, mode, alone, burst, online, looking } = scenario;
  const name = `${mode}-${members}`;
  const owner = await connect(cloud, `owner-${name}`);
  const conversationId = await makeGroup(cloud, owner, scenario, name);
  const share = mode === 'read' ? looking : online;
  // The writing device is one of them, and is pushed nothing.
  const listening = Math.round(share * (members - 1));
  const sockets = Math.min(MAX_SOCKETS, listening);
  if (mode === 'read') await owner.request('subscribe', { conversationIds: [conversationId] });
  const readers: Device[] = [];
  for (let index = 0; index < sockets; index++) {
    const reader = await connect(cloud, memberId(name, index));
    if (mode === 'read') await reader.request('subscribe', { conversationIds: [conversationId] });
    readers.push(reader);
  }
  const devices = [owner, ...readers];
  const send = () =>
    owner.send({
      to: conversationId,
      clientMsgId: randomUUID(),
      type: 'text',
      body: { text: 'x'.repeat(89) },
    });
  try {
    await send();
    await cloud.settled({ delayed: true });
    const costOf = async (messages: number, work: () => Promise<void>): Promise<MessageCost> => {
      cloud.resetMetrics();
      await work();
      await cloud.settled({ delayed: true });
      return toCost(cloud.metrics(), { messages, mode, scale: sockets === 0 ? 0 : listening / sockets });
    };
    return {
      alone: await costOf(alone, async () => {
        for (let n = 0; n < alone; n++) {
          await send();
          await cloud.settled({ delayed: true });
        }
      }),
      burst: await costOf(burst, async () => {
        for (let n = 0; n < burst; n++) await send();
      }),
    };
  } finally {
    await Promise.all(devices.map((device) => device.close()));
  }
}

const memberId = (name: string, index: number) => `member-${name}-${String(index).padStart(5, '0')}`;

async function connect(cloud: Cloud, userId: string): Promise<Device> {
  return Device.connect({
    url: `${cloud.url}/dev?deviceId=phone&platform=ios`,
    token: await cloud.issueToken(userId),
    acknowledge: Infinity,
  });
}

/** A group of its owner and one other (one that is large from the beginning on turns to read); the rest is written into the tables. */
async function makeGroup(
  cloud: Cloud,
  owner: Device,
  { members }: GroupScenario,
  name: string,
): Promise<string> {
  const others = Array.from({ length: members - 1 }, (_, index) => memberId(name, index));
  const client = new DynamoDBClient({
    endpoint: cloud.dynamoDbEndpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' },
  });
  try {
    const first = await connect(cloud, others[0]!);
    const created = await owner.request('createGroup', {
      clientGroupId: `bench-group-${name}`,
      title: 'A group',
      members: [others[0]!],
    });
    const conversationId = created['conversationId'] as string;
    await first.close();
    await cloud.settled({ delayed: true });
    const rest = others.slice(1);
    const tableName = (table: string) => cloud.model.tables.find((one) => one.name === table)!.tableName;
    const put = (table: string, items: readonly Record<string, unknown>[]) =>
      putAll(client, tableName(table), items);
    await put(
      'Users',
      rest.map((userId) => ({ userId, item: 'HEAD', name: 'bench', seq: 0, base: 0, page: [] })),
    );
    await put(
      'Conversations',
      rest.map((userId) => ({
        conversationId,
        item: `MEMBER#${userId}`,
        role: 'member',
        joinedSeq: 1,
        readSeq: 1,
        readCounted: 0,
      })),
    );
    // Fan-out reads again who is in.
    await client.send(
      new UpdateItemCommand({
        TableName: tableName('Conversations'),
        Key: marshall({ conversationId, item: 'HEAD' }),
        UpdateExpression: 'ADD membershipVersion :one, memberCount :more',
        ExpressionAttributeValues: marshall({ ':one': 1, ':more': rest.length }),
      }),
    );
    return conversationId;
  } finally {
    client.destroy();
  }
}

async function putAll(
  client: DynamoDBClient,
  tableName: string,
  items: readonly Record<string, unknown>[],
): Promise<void> {
  const batches = Array.from({ length: Math.ceil(items.length / BATCH_WRITE) }, (_, index) =>
    items.slice(index * BATCH_WRITE, (index + 1) * BATCH_WRITE),
  );
  const write = async () => {
    for (let batch = batches.pop(); batch; batch = batches.pop()) {
      const requests = batch.map((item) => ({ PutRequest: { Item: marshall(item) } }));
      await client.send(new BatchWriteItemCommand({ RequestItems: { [tableName]: requests } }));
    }
  };
  await Promise.all(Array.from({ length: WRITES_AT_ONCE }, write));
}

interface Counted {
  readonly messages: number;
  readonly mode: Mode;
  /** Devices that there would be for each that there is. */
  readonly scale: number;
}

function toCost(
  { dynamodb, lambda, gateway }: MeteringSnapshot,
  { messages, mode, scale }: Counted,
): MessageCost {
  // In large groups that function tells who does not look, once in a while: not for each message.
  const names = mode === 'read' ? ['send', 'fan-out'] : ['send', 'fan-out', 'group-tasks'];
  const sum = (of: (name: string) => number | undefined) =>
    names.reduce((total, name) => total + (of(name) ?? 0), 0) / messages;
  // What goes out is the answers to the sender, and the frames.
  const frames = Math.max(0, gateway.messagesOut - messages) * scale;
  return {
    writeUnits: sum((name) => dynamodb.byFunction[name]?.writeUnits),
    readUnits: sum((name) => dynamodb.byFunction[name]?.readUnits),
    requests: sum((name) => dynamodb.byFunction[name]?.requests),
    frames: frames / messages,
    invocations: sum((name) => lambda[name]?.invocations),
  };
}
