// How many items each table holds, asked of the engine itself: no role, no fault, nothing metered.
import { EngineClient } from './engines/client.ts';
import type { Engine } from './engines/endpoint.ts';
import type { CloudModel } from '../model.ts';

export interface ItemCounts {
  /** By TableModel.name; a second old at most, or some more of large tables. */
  read(): Promise<Readonly<Record<string, number>>>;
  close(): void;
}

const freshForMs = 1_000;
/** An engine counts a table item by item: no more than a twentieth of its time is for that. */
const freshFactor = 20;

/** On AWS a table's item count is hours old; the engines that run on a laptop keep it up to date. */
export function createItemCounts(
  { tables }: Pick<CloudModel, 'tables'>,
  engine: Pick<Engine, 'endpoint'>,
  now: () => number = Date.now,
): ItemCounts {
  const client = new EngineClient(engine.endpoint);
  let last: Promise<Record<string, number>> | undefined;
  let freshUntil = 0;

  const count = async (): Promise<Record<string, number>> => {
    const counted = tables.map(async ({ name, tableName }) => {
      const { Table } = await client.call<{ Table: { ItemCount: number } }>('DescribeTable', {
        TableName: tableName,
      });
      return [name, Table.ItemCount] as const;
    });
    return Object.fromEntries(await Promise.all(counted));
  };
  const countInTime = async () => {
    const startedAt = now();
    freshUntil = Infinity;
    try {
      return await count();
    } finally {
      freshUntil = now() + Math.max(freshForMs, freshFactor * (now() - startedAt));
    }
  };
  return {
    read() {
      if (!last || now() >= freshUntil) last = countInTime();
      return last;
    },
    close: () => client.close(),
  };
}
