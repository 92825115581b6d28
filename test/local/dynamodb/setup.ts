// The front on a real engine, and an SDK client that signs as a function does.
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterEach, expect, inject } from 'vitest';
import { startDynamoDbFront, type DynamoDbFront } from '../../../local/dynamodb/front.ts';
import { createTables, startEngine } from '../../../local/dynamodb/engines/engine.ts';
import { Faults } from '../../../local/faults/faults.ts';
import { Metering, type DynamoDbUsage } from '../../../local/metering.ts';
import type { PolicyStatement } from '../../../local/model.ts';
import { createIdentities } from '../../../local/iam/roles.ts';
import { allow, smallModel, type SmallModel } from '../small-model.ts';

export interface Setup {
  readonly front: DynamoDbFront;
  readonly client: DynamoDBClient;
  readonly faults: Faults;
  readonly model: SmallModel;
  readonly orders: string;
  readonly notes: string;
  readonly written: string[];
  readonly crashed: string[];
  /** Units of the requests since the last look. */
  readonly units: () => DynamoDbUsage;
}

export const closers: (() => Promise<unknown> | void)[] = [];

afterEach(async () => {
  for (let closer = closers.pop(); closer; closer = closers.pop()) await closer();
});

export async function setUp(
  statements: (model: SmallModel) => readonly PolicyStatement[] = everything,
): Promise<Setup> {
  const names = smallModel();
  const model = smallModel({ prefix: names.stackName, roles: { writer: statements(names) } });
  const engine = await startEngine({ db: inject('db') });
  closers.push(() => engine.close());
  await createTables(engine, model);
  const identities = createIdentities(model);
  const metering = new Metering();
  const faults = new Faults();
  const written: string[] = [];
  const crashed: string[] = [];
  const front = await startDynamoDbFront({
    model,
    engine,
    identities,
    metering,
    faults,
    log: { info: () => {}, warn: () => {}, error: (source, message) => expect.fail(`${source}: ${message}`) },
    onWrite: (tableName) => written.push(tableName),
    onMidwayCrash: (environmentId) => crashed.push(environmentId),
  });
  closers.push(() => front.close());
  const client = connect(front, identities.credentialsFor('writer', 'environment-1'));
  const { orders, notes } = model;
  return {
    front,
    client,
    faults,
    model,
    orders: orders.tableName,
    notes: notes.tableName,
    written,
    crashed,
    units: () => {
      const { requests, readUnits, writeUnits } = metering.snapshot().dynamodb;
      metering.reset();
      return { requests, readUnits, writeUnits };
    },
  };
}

export function connect(
  front: DynamoDbFront,
  credentials: { accessKeyId: string; secretAccessKey: string },
): DynamoDBClient {
  const client = new DynamoDBClient({
    region: 'us-east-1',
    endpoint: front.url,
    credentials,
    maxAttempts: 1,
  });
  closers.push(() => client.destroy());
  return client;
}

const everything = () => [allow(['*'], '*')];
export const key = (sk: number, pk = 'a') => ({ pk: { S: pk }, sk: { N: String(sk) } });
export const text = (sizeBytes: number) => ({ S: 'x'.repeat(sizeBytes) });
