// What a message costs in the chat that scans its connections, on an engine that says what it consumed.
import { randomUUID } from 'node:crypto';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { MessageCost } from './group-messages.ts';
import { createScanChat } from './scan-chat.ts';

/** What the sample does for a message with so many connections; one of them sends. */
export async function meterScanChat(endpoint: string, connections: number): Promise<MessageCost> {
  const credentials = { accessKeyId: 'bench', secretAccessKey: 'bench' };
  const db = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials });
  const counted = { readUnits: 0, writeUnits: 0, requests: 0, frames: 0 };
  db.middlewareStack.add(
    (next) => async (args) => {
      Object.assign(args.input, { ReturnConsumedCapacity: 'TOTAL' });
      const answer = await next(args);
      const { ConsumedCapacity: consumed } = answer.output as {
        ConsumedCapacity?: { CapacityUnits?: number };
      };
      counted.requests++;
      counted.readUnits += consumed?.CapacityUnits ?? 0;
      return answer;
    },
    { step: 'initialize' },
  );
  try {
    const tableName = `scan-chat-${randomUUID()}`;
    await db.send(
      new CreateTableCommand({
        TableName: tableName,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'connectionId', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'connectionId', KeyType: 'HASH' }],
      }),
    );
    const chat = createScanChat({
      db,
      tableName,
      post: async () => {
        counted.frames++;
        return true;
      },
    });
    // As long as the gateway's are.
    for (let n = 0; n < connections; n++) await chat.connect(randomUUID().slice(0, 16));
    Object.assign(counted, { readUnits: 0, requests: 0, frames: 0 });
    await chat.sendMessage(JSON.stringify({ action: 'sendmessage', data: 'x'.repeat(89) }));
    return { ...counted, invocations: 1 };
  } finally {
    db.destroy();
  }
}
