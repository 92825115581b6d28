// Starts the DynamoDB that `--db` names, and makes the template's tables in it.
import { mkdir } from 'node:fs/promises';
import { createLog, type Log } from '../../log.ts';
import type { CloudModel, TableModel } from '../../model.ts';
import { startEngineProcess, type EngineProgram } from './child-process.ts';
import { EngineClient, EngineError } from './client.ts';
import { dynamoDbLocalProgram } from './dynamodb-local.ts';
import { dynoxideProgram } from './dynoxide.ts';
import {
  connectEndpoint,
  dynamoDbLocalQuirks,
  dynoxideQuirks,
  type Engine,
  type EngineQuirks,
} from './endpoint.ts';

export type { Engine } from './endpoint.ts';

export interface EngineOptions {
  /** `dynoxide`, `dynamodb-local`, or the URL of an engine that runs already. */
  readonly db: string;
  /** Where data is kept; gone with the engine if absent. */
  readonly dataDirectory?: string | undefined;
  readonly log?: Log;
}

export async function startEngine({ db, dataDirectory, log }: EngineOptions): Promise<Engine> {
  if (dataDirectory !== undefined) await mkdir(dataDirectory, { recursive: true, mode: 0o700 });
  const sink = log ?? createLog('quiet');
  if (db === 'dynoxide') return run(await dynoxideProgram(dataDirectory, sink), dynoxideQuirks, sink);
  if (db === 'dynamodb-local')
    return run(await dynamoDbLocalProgram(dataDirectory), dynamoDbLocalQuirks, sink);
  if (/^https?:\/\//.test(db)) return connectEndpoint(db);
  throw new Error(`Unknown database ${db}: use dynoxide, dynamodb-local or an http:// endpoint`);
}

async function run(program: EngineProgram, quirks: EngineQuirks, log: Log): Promise<Engine> {
  return { ...(await startEngineProcess(program, log)), name: program.name, quirks };
}

/** Makes the tables that are not there yet; those of an earlier run keep their data. */
export async function createTables(engine: Engine, model: CloudModel): Promise<void> {
  const client = new EngineClient(engine.endpoint);
  try {
    for (const table of model.tables) await createTable(client, table);
  } finally {
    client.close();
  }
}

async function createTable(client: EngineClient, table: TableModel): Promise<void> {
  try {
    await client.call('CreateTable', {
      TableName: table.tableName,
      KeySchema: table.keySchema,
      AttributeDefinitions: table.attributeDefinitions,
      ...(table.indexes.length > 0 && { GlobalSecondaryIndexes: table.indexes }),
      BillingMode: 'PAY_PER_REQUEST',
      // Old images as well, whatever the template's view type: writes that change nothing are told by them.
      ...(table.stream && {
        StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
      }),
    });
  } catch (error) {
    if (!(error instanceof EngineError) || error.name !== 'ResourceInUseException') throw error;
    await checkExistingTable(client, table);
  }
}

async function checkExistingTable(client: EngineClient, table: TableModel): Promise<void> {
  const { Table } = await client.call<{
    Table: {
      KeySchema: TableModel['keySchema'];
      StreamSpecification?: { StreamEnabled: boolean };
      GlobalSecondaryIndexes?: Pick<TableModel['indexes'][number], 'IndexName'>[];
    };
  }>('DescribeTable', { TableName: table.tableName });
  const { KeySchema, StreamSpecification, GlobalSecondaryIndexes = [] } = Table;
  const there = describeSchema(
    KeySchema,
    StreamSpecification?.StreamEnabled === true,
    GlobalSecondaryIndexes,
  );
  if (there === describeSchema(table.keySchema, table.stream !== undefined, table.indexes)) return;
  throw new Error(
    `Table ${table.tableName} is there with another schema (${there}): use a new data directory`,
  );
}

function describeSchema(
  keys: TableModel['keySchema'],
  streams: boolean,
  indexes: readonly { readonly IndexName: string }[],
): string {
  const names = keys.map(({ AttributeName, KeyType }) => `${AttributeName} ${KeyType}`);
  const indexNames = indexes.map(({ IndexName }) => `index ${IndexName}`).toSorted();
  return [...names, ...indexNames, streams ? 'with a stream' : 'without a stream'].join(', ');
}
