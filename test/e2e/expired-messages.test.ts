// Messages whose end has come, over real sockets: gone for every action, before and after TTL has removed them, in
// whatever order it does, and whatever the retention was when they were sent and is now.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { DeleteItemCommand, DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import type { Slot } from '../../src/protocol/messages.ts';
import type { Conversation, SyncedMessage, WaitingConversation } from '../../src/protocol/server-frames.ts';
import { connect, type TestClient } from '../support/client.ts';
import { scan, startCloud } from '../support/cloud.ts';

const CONVERSATION = 'd:alice:bob';
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'serverless-im-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** The tables outlive the deployments: each has its own retention, `undefined` is for ever. */
async function deploy<Result>(
  name: string,
  messageRetentionDays: number | undefined,
  use: (cloud: Cloud, alice: TestClient, bob: TestClient) => Promise<Result>,
): Promise<Result> {
  const cloud = await startCloud({
    tablePrefix: `${basename(directory)}-${name.replaceAll(/\W+/g, '-')}-`,
    dataDirectory: join(directory, name),
    environment: { IM_SETTINGS: JSON.stringify({ messageRetentionDays }) },
  });
  try {
    const bob = await connect(cloud, 'bob');
    return await use(cloud, await connect(cloud, 'alice'), bob);
  } finally {
    await cloud.settled();
    await cloud.close();
  }
}

/** As if it had been sent two days ago, to be kept for one; or as TTL leaves it. */
async function changeMessage(cloud: Cloud, seq: number, change: 'expire' | 'remove'): Promise<void> {
  const client = new DynamoDBClient({
    endpoint: cloud.dynamoDbEndpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  const target = (slot: number) => ({
    TableName: cloud.model.tables.find(({ name }) => name === 'Messages')!.tableName,
    Key: { conversationId: { S: CONVERSATION }, seq: { N: String(slot) } },
  });
  try {
    if (change === 'remove') return void (await client.send(new DeleteItemCommand(target(seq))));
    const twoDaysAgo = Date.now() - 2 * 86_400_000;
    if (seq < 3)
      await client.send(
        new UpdateItemCommand({
          ...target(seq + 1),
          UpdateExpression: 'SET #before = :then',
          ExpressionAttributeNames: { '#before': 'before' },
          ExpressionAttributeValues: { ':then': { N: String(twoDaysAgo) } },
        }),
      );
    // What came before, and is still there, is older.
    const stored = (await scan(cloud, 'Messages')).map((item) => item['seq'] as number);
    for (const older of stored.filter((slot) => slot < seq)) {
      await client.send(
        new UpdateItemCommand({
          ...target(older),
          UpdateExpression: 'SET serverTime = :then',
          ExpressionAttributeValues: { ':then': { N: String(twoDaysAgo) } },
        }),
      );
    }
    await client.send(
      new UpdateItemCommand({
        ...target(seq),
        UpdateExpression: 'SET expiresAt = :end, serverTime = :then',
        ExpressionAttributeValues: {
          ':end': { N: String(Math.floor(twoDaysAgo / 1_000) + 86_400) },
          ':then': { N: String(twoDaysAgo) },
        },
      }),
    );
  } finally {
    client.destroy();
  }
}

const name = (slot: Slot) => ('void' in slot ? `void ${slot.seq}` : slot.seq);

/** What bob is shown of the conversation, by each action that shows some of it. */
async function look(bob: TestClient) {
  const read = await bob.request('history', { conversationId: CONVERSATION });
  const synced = await bob.request('sync', { after: 0 });
  const counts = await bob.request('pending', { after: 0 });
  const [conversation] = counts['conversations'] as WaitingConversation[];
  const listed = await bob.request('conversations');
  const [shown] = listed['conversations'] as Conversation[];
  expect(shown).toMatchObject({ unread: conversation?.unread, floorSeq: read['floorSeq'] });
  expect(await bob.request('unread')).toMatchObject({ total: conversation?.unread });
  return {
    history: (read['messages'] as Slot[]).map(name),
    pending: read['pending'],
    sync: (synced['events'] as SyncedMessage[]).map(({ message }) => name(message)),
    last: shown?.last?.seq,
    unread: conversation?.unread,
    total: counts['total'],
  };
}

test.each([
  ['30 days, and still', 30, 30],
  ['a day, and lengthened since', 1, 30],
  ['30 days, and shortened since', 30, 1],
  ['set, and unset since', 1, undefined],
])('%s: the second of three expires first', async (story, before, after) => {
  await deploy(story, before, async (cloud, alice) => {
    for (const text of ['one', 'two', 'three']) await alice.send('user:bob', text);
    await cloud.settled();
  });
  await deploy(story, after, async (cloud, _, bob) => {
    const whole = { history: [1, 2, 3], pending: undefined, sync: [1, 2, 3], last: 3, unread: 3, total: 3 };
    expect(await look(bob)).toEqual(whole);
    const left = {
      history: [1, 'void 2', 3],
      pending: undefined,
      sync: [1, 'void 2', 3],
      last: 3,
      unread: 2,
      total: 2,
    };
    await changeMessage(cloud, 2, 'expire');
    expect(await look(bob)).toEqual(left);
    await changeMessage(cloud, 2, 'remove');
    expect(await look(bob)).toEqual(left);
    // The newest of all expires, and is never shown as such.
    await changeMessage(cloud, 3, 'expire');
    expect(await look(bob)).toMatchObject({ last: 1, unread: 1, total: 1 });
    // Nothing is written for what is gone: no void, and nothing that is counted out in the head.
    expect(JSON.stringify(await scan(cloud, 'Messages'))).not.toContain('"void"');
    expect(JSON.stringify(await scan(cloud, 'Conversations'))).not.toContain('uncounted');
  });
});

test('never set, and set since: what was sent before stays', async () => {
  await deploy('set since', undefined, (_, alice) => alice.send('user:bob', 'one'));
  await deploy('set since', 1, async (cloud, alice, bob) => {
    await alice.send('user:bob', 'two');
    await alice.send('user:bob', 'three');
    await cloud.settled();
    await changeMessage(cloud, 2, 'expire');
    expect(await look(bob)).toMatchObject({ history: [1, 'void 2', 3], unread: 2, total: 2 });
  });
});
