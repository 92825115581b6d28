// TTL: expired items stay readable for a while, then a sweep deletes them, as the TTL service of DynamoDB does.
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Item } from './capacity.ts';
import { EngineClient, EngineError } from './engines/client.ts';
import type { Engine } from './engines/endpoint.ts';
import type { Log } from '../log.ts';
import type { CloudModel, TableModel } from '../model.ts';

/** AWS takes up to days; a laptop wants to see it happen, but not so soon that readers never meet an expired item. */
const defaultIntervalMs = 60_000;
const rememberedMs = 10 * 60_000;
const maximumExpiredSeconds = 5 * 365 * 24 * 3600;

export interface TtlSweeperOptions {
  readonly model: CloudModel;
  readonly engine: Engine;
  readonly log: Log;
  /** Where deletions are noted for the event sources. */
  readonly deletions: TtlDeletions;
  readonly intervalMs?: number;
  readonly clock?: () => number;
}

export interface TtlSweeper {
  /** Sweeps now; resolves with how many items went. */
  sweep(): Promise<number>;
  close(): Promise<void>;
}

/** What the sweeper deletes: the stream record of such a deletion names the TTL service as its author. */
export class TtlDeletions {
  private readonly now: () => number;
  private readonly underWay = new Set<string>();
  private readonly done: { readonly tableName: string; readonly item: Item; readonly at: number }[] = [];

  constructor(now: () => number = Date.now) {
    this.now = now;
  }

  /** Its record may be read before `remove` has resolved. `remove` gives the item that went, if one did. */
  async note(tableName: string, keys: Item, remove: () => Promise<Item | undefined>): Promise<boolean> {
    const id = deletionId(tableName, keys);
    this.underWay.add(id);
    try {
      const item = await remove();
      if (item) this.remember(tableName, item);
      return item !== undefined;
    } finally {
      this.underWay.delete(id);
    }
  }

  has(tableName: string, keys: Item, oldImage: Item): boolean {
    return (
      this.underWay.has(deletionId(tableName, keys)) ||
      this.done.some((entry) => entry.tableName === tableName && isDeepStrictEqual(entry.item, oldImage))
    );
  }

  private remember(tableName: string, item: Item): void {
    this.done.push({ tableName, item, at: this.now() });
    const old = this.now() - rememberedMs;
    while (this.done[0] && this.done[0].at < old) this.done.shift();
  }
}

function deletionId(tableName: string, keys: Item): string {
  const values = Object.entries(keys).toSorted(([left], [right]) => (left < right ? -1 : 1));
  return JSON.stringify([tableName, values]);
}

export function startTtlSweeper(options: TtlSweeperOptions): TtlSweeper {
  const { model, engine, log, deletions, intervalMs = defaultIntervalMs, clock = Date.now } = options;
  const client = new EngineClient(engine.endpoint);
  const closing = new AbortController();
  let sweeping: Promise<unknown> = Promise.resolve();

  const sweepTables = async (): Promise<number> => {
    const nowSeconds = Math.floor(clock() / 1000);
    let deleted = 0;
    for (const table of model.tables) {
      if (table.ttlAttribute === undefined) continue;
      for await (const key of expiredKeys(client, table, nowSeconds)) {
        if (closing.signal.aborted) return deleted;
        const remove = () => deleteExpired(client, table, key, nowSeconds);
        if (await deletions.note(table.tableName, key, remove)) deleted += 1;
      }
    }
    return deleted;
  };
  /** One sweep at a time, the timer's and those that are asked for. */
  const sweep = (): Promise<number> => {
    const next = sweeping.then(sweepTables);
    sweeping = next.catch(() => 0);
    return next;
  };

  const loop = async () => {
    while (!closing.signal.aborted) {
      await delay(intervalMs, undefined, { signal: closing.signal, ref: false }).catch(() => undefined);
      if (closing.signal.aborted) return;
      await sweep().catch((error: unknown) => log.error('ttl', String(error)));
    }
  };
  const looping = loop();

  return {
    sweep,
    async close() {
      closing.abort();
      await looping;
      await sweeping;
      client.close();
    },
  };
}

/** Numbers only, and what expired more than five years ago stays, as on AWS. */
const expired = '#ttl BETWEEN :oldest AND :now';

function expiredBetween(nowSeconds: number): Item {
  return {
    ':oldest': { N: String(nowSeconds - maximumExpiredSeconds) },
    ':now': { N: String(nowSeconds - 1) },
  };
}

async function* expiredKeys(
  client: EngineClient,
  table: TableModel,
  nowSeconds: number,
): AsyncGenerator<Item> {
  const keyNames = table.keySchema.map(({ AttributeName }) => AttributeName);
  const aliases = keyNames.map((_, index) => `#k${index}`);
  let startKey: Item | undefined;
  do {
    const page: { Items?: Item[]; LastEvaluatedKey?: Item } = await client.call('Scan', {
      TableName: table.tableName,
      ProjectionExpression: aliases.join(', '),
      FilterExpression: expired,
      ExpressionAttributeNames: {
        '#ttl': table.ttlAttribute,
        ...Object.fromEntries(aliases.map((alias, index) => [alias, keyNames[index]])),
      },
      ExpressionAttributeValues: expiredBetween(nowSeconds),
      ...(startKey && { ExclusiveStartKey: startKey }),
    });
    yield* page.Items ?? [];
    startKey = page.LastEvaluatedKey;
  } while (startKey);
}

/** On condition that it is still expired: an item that was renewed meanwhile stays. */
async function deleteExpired(
  client: EngineClient,
  table: TableModel,
  key: Item,
  nowSeconds: number,
): Promise<Item | undefined> {
  try {
    const { Attributes } = await client.call<{ Attributes?: Item }>('DeleteItem', {
      TableName: table.tableName,
      Key: key,
      ConditionExpression: expired,
      ExpressionAttributeNames: { '#ttl': table.ttlAttribute },
      ExpressionAttributeValues: expiredBetween(nowSeconds),
      ReturnValues: 'ALL_OLD',
    });
    return Attributes;
  } catch (error) {
    if (error instanceof EngineError && error.name === 'ConditionalCheckFailedException') return undefined;
    throw error;
  }
}
