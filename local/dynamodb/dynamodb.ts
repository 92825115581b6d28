// DynamoDB: an engine behind a front that knows its callers, with the template's tables, TTL, and nothing left behind.
import { join } from 'node:path';
import type { CloudModel } from '../model.ts';
import { createTables, startEngine, type Engine } from './engines/engine.ts';
import { startDynamoDbFront, type DynamoDbFront, type DynamoDbFrontOptions } from './front.ts';
import { createItemCounts, type ItemCounts } from './item-counts.ts';
import { startTtlSweeper, TtlDeletions } from './ttl.ts';

export interface DynamoDbOptions extends Omit<DynamoDbFrontOptions, 'engine'> {
  readonly model: CloudModel;
  /** `dynoxide`, `dynamodb-local`, or the URL of an engine that runs already. */
  readonly db: string;
  /** Of the whole cloud; data is gone with it if absent. */
  readonly dataDirectory: string | undefined;
}

export interface DynamoDb {
  /** What functions are given for DynamoDB. */
  readonly front: DynamoDbFront;
  readonly engine: Engine;
  /** What TTL deleted, for those who read the streams. */
  readonly deletions: TtlDeletions;
  readonly itemCounts: Pick<ItemCounts, 'read'>;
  close(): Promise<void>;
}

export async function startDynamoDb(options: DynamoDbOptions): Promise<DynamoDb> {
  const { model, db, dataDirectory, log } = options;
  const engine = await startEngine({
    db,
    dataDirectory: dataDirectory && join(dataDirectory, 'dynamodb'),
    log,
  });
  try {
    await createTables(engine, model);
    const front = await startDynamoDbFront({ ...options, engine });
    const deletions = new TtlDeletions();
    const sweeper = startTtlSweeper({ model, engine, log, deletions });
    const itemCounts = createItemCounts(model, engine);
    const close = async () => {
      itemCounts.close();
      await sweeper.close();
      await front.close();
      await engine.close();
    };
    return { front, engine, deletions, itemCounts, close };
  } catch (error) {
    await engine.close();
    throw error;
  }
}
