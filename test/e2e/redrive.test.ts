// What fan-out gave up on waits in the failure queue, and `npm run redrive` delivers it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import type { QueueMessage } from '../../local/sqs/queues.ts';
import { connect } from '../support/client.ts';
import { scan, startCloud } from '../support/cloud.ts';

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(() => cloud.close());

async function redrive(...options: string[]): Promise<{ exitCode: number; output: string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'local/redrive/main.ts', ...options], {
    env: { ...process.env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [output, errors, [exitCode]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number]>,
  ]);
  return { exitCode, output: `${output}${errors}` };
}

async function failures(): Promise<readonly QueueMessage[]> {
  const response = await fetch(`${cloud.httpUrl}/dev/queues`);
  return Object.values((await response.json()) as Record<string, QueueMessage[]>).flat();
}

/** Puts another message after the first one, past functions and faults: as a sender did before things broke. */
async function storeNext(): Promise<void> {
  const [first] = await scan(cloud, 'Messages');
  const { tableName } = cloud.model.tables.find(({ name }) => name === 'Messages')!;
  const client = new DynamoDBClient({
    endpoint: cloud.dynamoDbEndpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  const next = { ...first, seq: 2, clientMsgId: 'message-0002', body: '{"text":"two"}' };
  await client.send(new PutItemCommand({ TableName: tableName, Item: marshall(next) }));
  client.destroy();
}

test('a message that fan-out cannot deliver is kept, and delivered once fan-out works again', async () => {
  const bob = await connect(cloud, 'bob');
  const alice = await connect(cloud, 'alice');
  await alice.send('user:bob', 'one');
  await bob.eventsUpTo(1);

  cloud.setFaults({ lambda: { crashBefore: 1 } });
  await storeNext();
  await cloud.settled();
  expect(await failures()).toHaveLength(1);

  const url = ['--url', cloud.httpUrl];
  const early = await redrive(...url);
  expect(early).toEqual({ exitCode: 1, output: expect.stringContaining('kept: 1') });
  expect(early.output).toMatch(/kept .* shardId-\S+ \d+ to \d+: fan-out failed \(crash\)/);
  expect(await failures()).toHaveLength(1);

  cloud.clearFaults();
  expect(await redrive(...url)).toEqual({
    exitCode: 0,
    output: 'redriven: 1, moved back: 0, kept: 0, records processed: 1\n',
  });
  expect(await bob.eventsUpTo(2)).toMatchObject([
    { message: { body: { text: 'one' } } },
    { syncSeq: 2, message: { seq: 2, body: { text: 'two' } } },
  ]);
  expect(await failures()).toEqual([]);
});

test.each([
  ['no cloud is there', ['--url', 'http://127.0.0.1:9'], /No local cloud answers .*npm start/],
  ['it is not told which stack', ['--aws'], /--stack/],
  ['it is given an option that is none', ['--fast'], /unknown option '--fast'/],
])('says in one line what is wrong when %s', async (_case, options, message) => {
  const { exitCode, output } = await redrive(...options);
  expect(exitCode).toBe(1);
  expect(output.trim().split('\n')).toEqual([expect.stringMatching(message)]);
});
