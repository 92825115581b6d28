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
/** A sweep reads whole tables: it leaves the engine to others for this many times as long as it has used it. */
const restFactor = 9;
const maximumExpiredSeconds = 5 * 365 * 24 * 3600;

export interface TtlSweeperOptions {
  readonly model: CloudModel;
  readonly engine: Engine;
  readonly log: Log;
  /** Where deletions are noted for the event sources. */
  readonly deletions: TtlDeletions;
  readonly intervalMs?: number;
  readonly clock?: () => number;
  /** Between two pages of a table; `busyMs` is what the first of them took. */
  readonly rest?: (busyMs: number, closing: AbortSignal) => Promise<void>;
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
  /** By what was deleted, in the order of the last deletion; an item may come and go more than once. */
  private readonly done = new Map<string, { readonly at: number; readonly items: readonly Item[] }>();

  constructor(now: () => number = Date.now) {
    this.now = now;
  }

  /** Its record may be read before `remove` has resolved. `remove` gives the item that went, if one did. */
  async note(tableName: string, keys: Item, remove: () => Promise<Item | undefined>): Promise<boolean> {
    const id = deletionId(tableName, keys);
    this.underWay.add(id);
    try {
      const item = await remove();
      if (item) this.remember(id, item);
      return item !== undefined;
    } finally {
      this.underWay.delete(id);
    }
  }

  has(tableName: string, keys: Item, oldImage: Item): boolean {
    const id = deletionId(tableName, keys);
    if (this.underWay.has(id)) return true;
    return this.done.get(id)?.items.some((item) => isDeepStrictEqual(item, oldImage)) ?? false;
  }

  private remember(id: string, item: Item): void {
    const items = [...(this.done.get(id)?.items ?? []), item];
    this.done.delete(id);
    this.done.set(id, { at: this.now(), items });
    const old = this.now() - rememberedMs;
    for (const [oldId, { at }] of this.done) {
      if (at >= old) break;
      this.done.delete(oldId);
    }
  }
}

function deletionId(tableName: string, keys: Item): string {
  const values = Object.entries(keys).toSorted(([left], [right]) => (left < right ? -1 : 1));
  return JSON.stringify([tableName, values]);
}

export function startTtlSweeper(options: TtlSweeperOptions): TtlSweeper {
  const { model, engine, log, deletions, intervalMs = defaultIntervalMs, clock = Date.now } = options;
  const { rest = restInProportion } = options;
  const client = new EngineClient(engine.endpoint);
  const closing = new AbortController();
  let sweeping: Promise<unknown> = Promise.resolve();

  const sweepTables = async (): Promise<number> => {
    const nowSeconds = Math.floor(clock() / 1000);
    let deleted = 0;
    for (const table of model.tables) {
      if (table.ttlAttribute === undefined) continue;
      const search = { client, table, nowSeconds, rest, closing: closing.signal };
      for await (const key of expiredKeys(search)) {
        if (closing.signal.aborted) return deleted;
        const remove = () => deleteExpired(client, table, key, nowSeconds);
        if (await deletions.note(table.tableName, key, remove)) deleted += 1;
      }
      if (closing.signal.aborted) break;
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

async function restInProportion(busyMs: number, closing: AbortSignal): Promise<void> {
  await delay(busyMs * restFactor, undefined, { signal: closing, ref: false }).catch(() => undefined);
}

/** Numbers only, and what expired more than five years ago stays, as on AWS. */
const expired = '#ttl BETWEEN :oldest AND :now';

function expiredBetween(nowSeconds: number): Item {
  return {
    ':oldest': { N: String(nowSeconds - maximumExpiredSeconds) },
    ':now': { N: String(nowSeconds - 1) },
  };
}

interface Search {
  readonly client: EngineClient;
  readonly table: TableModel;
  readonly nowSeconds: number;
  readonly rest: (busyMs: number, closing: AbortSignal) => Promise<void>;
  readonly closing: AbortSignal;
}

async function* expiredKeys(search: Search): AsyncGenerator<Item> {
  const { client, table, nowSeconds, rest, closing } = search;
  const keyNames = table.keySchema.map(({ AttributeName }) => AttributeName);
  const aliases = keyNames.map((_, index) => `#k${index}`);
  let startKey: Item | undefined;
  do {
    const startedAt = performance.now();
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
    const busyMs = performance.now() - startedAt;
    yield* page.Items ?? [];
    startKey = page.LastEvaluatedKey;
    if (startKey) await rest(busyMs, closing);
  } while (startKey && !closing.aborted);
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
