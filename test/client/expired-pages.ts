// What a TTL does in time: the mailbox of a user reaches back to its newest entries only.
import { DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import type { Cloud } from '../../local/cloud.ts';
import { range } from './ranges.ts';

const PAGE_ENTRIES = 16;

export async function expirePages(cloud: Cloud, userId: string, pages: number): Promise<void> {
  const client = new DynamoDBClient({
    endpoint: cloud.dynamoDbEndpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  const { tableName } = cloud.model.tables.find(({ name }) => name === 'Users')!;
  for (const first of range(pages).map((page) => (page - 1) * PAGE_ENTRIES + 1)) {
    await client.send(
      new UpdateItemCommand({
        TableName: tableName,
        Key: { userId: { S: userId }, item: { S: `PAGE#${String(first).padStart(12, '0')}` } },
        UpdateExpression: 'SET #expiresAt = :past',
        ExpressionAttributeNames: { '#expiresAt': 'expiresAt' },
        ExpressionAttributeValues: { ':past': { N: '1' } },
      }),
    );
  }
  client.destroy();
}
