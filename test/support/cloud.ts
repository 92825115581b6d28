// The local cloud on the template of this run, and its tables as they are.
import { randomUUID } from 'node:crypto';
import { DynamoDBClient, GetItemCommand, ScanCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
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
  return ask(cloud, async (client) => {
    const { Items: items = [] } = await client.send(
      new ScanCommand({ TableName: physicalName(cloud, name), ConsistentRead: true }),
    );
    return items.map((item) => unmarshall(item));
  });
}

/** One item, read past the roles and the meters. */
export async function read(cloud: Cloud, name: TableName, key: Item): Promise<Item | undefined> {
  return ask(cloud, async (client) => {
    const { Item: found } = await client.send(
      new GetItemCommand({ TableName: physicalName(cloud, name), Key: marshall(key), ConsistentRead: true }),
    );
    return found && unmarshall(found);
  });
}

/** Changes an item, past the roles, the meters and the domain: what a race or a death may leave behind. */
export async function tamper(cloud: Cloud, name: TableName, key: Item, changes: Item): Promise<void> {
  const names = Object.keys(changes);
  await ask(cloud, (client) =>
    client.send(
      new UpdateItemCommand({
        TableName: physicalName(cloud, name),
        Key: marshall(key),
        UpdateExpression: `SET ${names.map((_, index) => `#n${index} = :v${index}`).join(', ')}`,
        ExpressionAttributeNames: Object.fromEntries(names.map((of, index) => [`#n${index}`, of])),
        ExpressionAttributeValues: marshall(
          Object.fromEntries(names.map((of, index) => [`:v${index}`, changes[of]])),
        ),
      }),
    ),
  );
}

const physicalName = ({ model }: Cloud, name: TableName) =>
  model.tables.find((table) => table.name === name)!.tableName;

async function ask<T>(cloud: Cloud, question: (client: DynamoDBClient) => Promise<T>): Promise<T> {
  const client = new DynamoDBClient({
    endpoint: cloud.dynamoDbEndpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  try {
    return await question(client);
  } finally {
    client.destroy();
  }
}
