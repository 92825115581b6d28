// How many items each table holds, asked of the engine itself: no role, no fault, nothing metered.
import { EngineClient } from './engines/client.ts';
import type { Engine } from './engines/endpoint.ts';
import type { CloudModel } from '../model.ts';

export interface ItemCounts {
  /** By TableModel.name; at most a second old. */
  read(): Promise<Readonly<Record<string, number>>>;
  close(): void;
}

const freshForMs = 1_000;

/** On AWS a table's item count is hours old; the engines that run on a laptop keep it up to date. */
export function createItemCounts(
  { tables }: Pick<CloudModel, 'tables'>,
  engine: Pick<Engine, 'endpoint'>,
  now: () => number = Date.now,
): ItemCounts {
  const client = new EngineClient(engine.endpoint);
  let last: { readonly at: number; readonly counts: Promise<Record<string, number>> } | undefined;

  const count = async (): Promise<Record<string, number>> => {
    const counted = tables.map(async ({ name, tableName }) => {
      const { Table } = await client.call<{ Table: { ItemCount: number } }>('DescribeTable', {
        TableName: tableName,
      });
      return [name, Table.ItemCount] as const;
    });
    return Object.fromEntries(await Promise.all(counted));
  };
  return {
    read() {
      if (!last || now() - last.at >= freshForMs) last = { at: now(), counts: count() };
      return last.counts;
    },
    close: () => client.close(),
  };
}
