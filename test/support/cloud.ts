// The local cloud on the template of this run, and its tables as they are.
import { randomUUID } from 'node:crypto';
import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { inject } from 'vitest';
import { startCloud as start, type Cloud, type CloudOptions } from '../../local/cloud.ts';
import type { Item } from '../../src/core/database.ts';
import type { TableName } from '../../src/core/tables.ts';

export async function startCloud(options: Partial<CloudOptions> = {}): Promise<Cloud> {
  return start({
    templatePath: inject('templatePath'),
    db: inject('db'),
    port: 0,
    tablePrefix: `t${randomUUID().slice(0, 8)}-`,
    ...options,
  });
}

/** All items of a table, read past the roles and the meters. */
export async function scan(cloud: Cloud, name: TableName): Promise<Item[]> {
  const client = new DynamoDBClient({
    endpoint: cloud.dynamoDbEndpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  try {
    const table = cloud.model.tables.find((candidate) => candidate.name === name)!;
    const { Items: items = [] } = await client.send(
      new ScanCommand({ TableName: table.tableName, ConsistentRead: true }),
    );
    return items.map((item) => unmarshall(item));
  } finally {
    client.destroy();
  }
}
