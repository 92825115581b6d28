// What came while somebody was away, and what TTL did meanwhile: written past sockets, functions and fan-out, for it is
// much. The domain makes the items, as it does when each is sent by itself.
import { randomUUID } from 'node:crypto';
import { BatchWriteItemCommand, DeleteItemCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { Cloud } from '../../local/cloud.ts';
import { forgetConnection, registerConnection } from '../../src/core/connections.ts';
import type { Caller, Context } from '../../src/core/context.ts';
import { readMailbox } from '../../src/core/cursors.ts';
import { Database, type Item } from '../../src/core/database.ts';
import { encodeEntry } from '../../src/core/entries.ts';
import { KnownGroups } from '../../src/core/groups/known-groups.ts';
import { PAGE_SIZE } from '../../src/core/mailbox.ts';
import { Watches } from '../../src/core/notifications/note.ts';
import { PushFailures } from '../../src/core/push-failures.ts';
import { send } from '../../src/core/send.ts';
import { parseSettings } from '../../src/core/settings.ts';
import { headKey, itemKey, mailboxKey, type TableNames } from '../../src/core/tables.ts';
import { messageItem, type NewMessage } from '../../src/core/timeline.ts';
import { directConversationId } from '../../src/protocol/ids.ts';
import { backOff } from '../../src/runtime/context.ts';
import { noObjects } from './no-objects.ts';

const WEEK_MS = 7 * 86_400_000;
/** What one BatchWriteItem takes. */
const BATCH = 25;
const BATCHES_AT_ONCE = 8;

export interface Absence {
  /** Who is away; has been there. */
  readonly to: string;
  readonly senders: readonly string[];
  readonly messagesOfEach: number;
}

/** All senders in turn, one message each, over the last week; the texts are `<seq> of <sender>`. */
export async function sendDuringAbsence(cloud: Cloud, absence: Absence): Promise<void> {
  const { to, senders, messagesOfEach } = absence;
  const client = createClient(cloud);
  const begin = Date.now() - WEEK_MS;
  const ctx = contextOf(cloud, client, begin);
  await Promise.all(senders.map((from) => beginConversation(ctx, from, to)));
  // The first of each go the way that all messages go.
  await cloud.settled();
  const others = Array.from({ length: messagesOfEach - 1 }, (_, index) =>
    senders.map((from) =>
      messageOf({ from, to, seq: index + 2, at: begin + (index * WEEK_MS) / messagesOfEach }),
    ),
  ).flat();
  const items = others.map((message) => messageItem(ctx, message));
  // What takes the place of an item is no new message for fan-out, nor is an item without a type.
  const typeless = items.map((item) => ({ ...item, type: undefined }));
  await writeAll(client, namesOf(cloud).Messages, typeless);
  await writeAll(client, namesOf(cloud).Messages, items);
  const pointers = others.map(({ conversationId, seq, from }) =>
    encodeEntry({ conversationId, seq, peer: from }),
  );
  const { base, page } = await readMailbox(ctx, to);
  const entries = [...page, ...pointers];
  const sealed = Math.floor(entries.length / PAGE_SIZE);
  const pages = Array.from({ length: sealed }, (_, index) => ({
    userId: to,
    item: itemKey.page(base + index * PAGE_SIZE + 1),
    page: entries.slice(index * PAGE_SIZE, (index + 1) * PAGE_SIZE),
  }));
  await writeAll(client, namesOf(cloud).Users, pages);
  await ctx.db.update({
    table: 'Users',
    key: mailboxKey(to),
    update: 'SET #seq = :seq, #base = :base, #page = :page',
    values: {
      seq: base + entries.length,
      base: base + sealed * PAGE_SIZE,
      page: entries.slice(sealed * PAGE_SIZE),
    },
  });
  await Promise.all(
    senders.map((from) =>
      ctx.db.update({
        table: 'Conversations',
        key: headKey(directConversationId(from, to)),
        update: 'SET #seq = :seq, #counted = :seq',
        values: { seq: messagesOfEach },
      }),
    ),
  );
  client.destroy();
}

/** As TTL does, in time: a mailbox begins later. */
export async function removeOldestPages(cloud: Cloud, userId: string, count: number): Promise<void> {
  const client = createClient(cloud);
  for (let page = 0; page < count; page++) {
    const Key = marshall({ userId, item: itemKey.page(page * PAGE_SIZE + 1) });
    await client.send(new DeleteItemCommand({ TableName: namesOf(cloud).Users, Key }));
  }
  client.destroy();
}

async function beginConversation(ctx: Context, userId: string, to: string): Promise<void> {
  const caller: Caller = {
    userId,
    deviceId: 'phone',
    platform: 'ios',
    connectionId: randomUUID(),
    connectedAt: ctx.now(),
    expiresAt: Date.now() / 1_000 + 3_600,
    arrivedAt: ctx.now(),
  };
  await registerConnection(ctx, caller);
  await forgetConnection(ctx, caller);
  const answer = await send(ctx, caller, {
    action: 'send',
    id: 's',
    to: `user:${to}`,
    clientMsgId: randomUUID(),
    type: 'text',
    body: { text: textOf(1, userId) },
    silent: false,
    ephemeral: false,
  });
  if (!answer.ok) throw new Error(`${answer.error.code}: ${answer.error.message}`);
}

const textOf = (seq: number, from: string) => `${seq} of ${from}`;

interface Sent {
  readonly from: string;
  readonly to: string;
  readonly seq: number;
  readonly at: number;
}

function messageOf({ from, to, seq, at }: Sent): NewMessage {
  return {
    conversationId: directConversationId(from, to),
    seq,
    counted: seq,
    clientMsgId: randomUUID(),
    from,
    deviceId: 'phone',
    type: 'text',
    body: { text: textOf(seq, from) },
    serverTime: Math.floor(at),
    silent: false,
  };
}

async function writeAll(client: DynamoDBClient, table: string, items: readonly Item[]): Promise<void> {
  const count = Math.ceil(items.length / BATCH);
  const batches = Array.from({ length: count }, (_, index) =>
    items.slice(index * BATCH, (index + 1) * BATCH),
  );
  const worker = async () => {
    for (let batch = batches.pop(); batch; batch = batches.pop()) {
      const puts = batch.map((item) => ({
        PutRequest: { Item: marshall(item, { removeUndefinedValues: true }) },
      }));
      await client.send(new BatchWriteItemCommand({ RequestItems: { [table]: puts } }));
    }
  };
  await Promise.all(Array.from({ length: BATCHES_AT_ONCE }, worker));
}

const namesOf = (cloud: Cloud) =>
  Object.fromEntries(cloud.model.tables.map(({ name, tableName }) => [name, tableName])) as TableNames;

/** Past roles, meters and faults. */
function createClient(cloud: Cloud): DynamoDBClient {
  return new DynamoDBClient({
    endpoint: cloud.dynamoDbEndpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
}

function contextOf(cloud: Cloud, client: DynamoDBClient, now: number): Context {
  const nobody = { post: async () => 'gone' as const, close: async () => {} };
  return {
    db: new Database(client, namesOf(cloud), backOff),
    settings: parseSettings({}),
    now: () => now,
    backOff,
    wait: async () => {},
    connections: { ...nobody, startPushes: () => ({ push: nobody.post, lastCall: () => {} }) },
    pushFailures: new PushFailures(),
    knownGroups: new KnownGroups(),
    tasks: { send: async () => {} },
    notes: { send: async () => {} },
    watches: new Watches(),
    objects: noObjects,
    log: { info: () => {}, warn: () => {}, error: () => {} },
  };
}
