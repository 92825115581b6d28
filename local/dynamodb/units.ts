// Request units of one request: the engine's own consumed capacity, asked for behind the caller's back, corrected
// where the engine differs from DynamoDB, and worked out where DynamoDB charges without saying so.
import { writeUnits, type Item } from './capacity.ts';
import type { EngineQuirks } from './engines/endpoint.ts';
import type { RequestUnits } from '../metering.ts';
import { batchEntries, isWrite, tableNameOf, transactItems } from './requests.ts';

type Json = Record<string, unknown>;

/** Units by physical table name. */
export type UnitsByTable = Map<string, RequestUnits>;

export interface Answer {
  readonly status: number;
  readonly output: Json;
}

interface ConsumedCapacity {
  readonly TableName: string;
  readonly CapacityUnits?: number;
  readonly ReadCapacityUnits?: number;
  readonly WriteCapacityUnits?: number;
}

interface CancellationReason {
  readonly Code?: string;
  Item?: Item;
}

const singleWrites: ReadonlySet<string> = new Set(['DeleteItem', 'PutItem', 'UpdateItem']);
const metered: ReadonlySet<string> = new Set([
  'BatchGetItem',
  'BatchWriteItem',
  'DeleteItem',
  'GetItem',
  'PutItem',
  'Query',
  'Scan',
  'TransactGetItems',
  'TransactWriteItems',
  'UpdateItem',
]);

/** The request as it goes upstream: it also asks for consumed capacity, and for the item that failed a condition. */
export function askForUnits(operation: string, input: Json): Json {
  if (!metered.has(operation)) return input;
  const asking = { ...input, ReturnConsumedCapacity: wants(input, 'ReturnConsumedCapacity') ?? 'TOTAL' };
  if (singleWrites.has(operation)) return withOldItem(asking);
  if (operation !== 'TransactWriteItems') return asking;
  return {
    ...asking,
    TransactItems: transactItems(input).map((item) =>
      Object.fromEntries(Object.entries(item).map(([kind, request]) => [kind, withOldItem(request as Json)])),
    ),
  };
}

/** Takes out of the answer what only we asked for. @returns whether anything was taken out. */
export function removeUnasked(operation: string, input: Json, output: Json): boolean {
  let changed = false;
  if (wants(input, 'ReturnConsumedCapacity') === undefined && 'ConsumedCapacity' in output) {
    delete output['ConsumedCapacity'];
    changed = true;
  }
  if (singleWrites.has(operation) && isError(output) && 'Item' in output && !wantsOldItem(input)) {
    delete output['Item'];
    changed = true;
  }
  const reasons = (output['CancellationReasons'] ?? []) as CancellationReason[];
  const asked = transactItems(input).map((item) =>
    Object.values(item).some((request) => wantsOldItem(request)),
  );
  for (const [index, reason] of reasons.entries()) {
    if (!reason.Item || asked[index]) continue;
    delete reason.Item;
    changed = true;
  }
  return changed;
}

/** Empty where DynamoDB charges nothing: refused, invalid, throttled. */
export function unitsOf(operation: string, input: Json, answer: Answer, quirks: EngineQuirks): UnitsByTable {
  if (!metered.has(operation)) return new Map();
  if (answer.status === 200) return consumedUnits(operation, input, answer.output, quirks);
  if (isError(answer.output, 'ConditionalCheckFailedException'))
    return failedWriteUnits(input, answer.output);
  if (isError(answer.output, 'TransactionCanceledException')) return cancelledUnits(input, answer.output);
  return new Map();
}

function consumedUnits(operation: string, input: Json, output: Json, quirks: EngineQuirks): UnitsByTable {
  const units: UnitsByTable = new Map();
  const reported = [(output['ConsumedCapacity'] ?? []) as ConsumedCapacity | ConsumedCapacity[]].flat();
  for (const consumed of reported) {
    const tableName = tableNameOf(consumed.TableName);
    const count = consumed.CapacityUnits ?? 0;
    // A transaction that is repeated with its token costs reads only.
    if (isWrite(operation) && consumed.ReadCapacityUnits === undefined) {
      units.set(tableName, {
        readUnits: 0,
        writeUnits: writtenUnits(operation, input, tableName, count, quirks),
      });
    } else {
      units.set(tableName, {
        readUnits: readUnits(operation, input, output, tableName, count, quirks),
        writeUnits: 0,
      });
    }
  }
  return units;
}

function writtenUnits(
  operation: string,
  input: Json,
  tableName: string,
  reported: number,
  quirks: EngineQuirks,
): number {
  if (operation !== 'TransactWriteItems') return reported;
  const items = transactItems(input).filter((item) =>
    Object.values(item).some((request) => tableNameOf(request.TableName ?? '') === tableName),
  );
  return Math.max(reported / quirks.transactionWriteFactor, 2 * items.length);
}

/** A read that finds nothing costs the minimum: not every engine says so. */
function readUnits(
  operation: string,
  input: Json,
  output: Json,
  tableName: string,
  reported: number,
  quirks: EngineQuirks,
): number {
  if (operation !== 'BatchGetItem') return Math.max(reported, minimumReadUnits(input));
  if (!quirks.missingKeysAreFree) return reported;
  // Maps, for a request may name a table `__proto__`.
  const responses = new Map(Object.entries((output['Responses'] ?? {}) as Record<string, unknown[]>));
  const unprocessed = new Map(Object.entries((output['UnprocessedKeys'] ?? {}) as Json));
  let missingUnits = 0;
  for (const [name, request] of batchEntries(input)) {
    if (tableNameOf(name) !== tableName) continue;
    const found = responses.get(name)?.length ?? 0;
    const missing = keysOf(request) - found - keysOf(unprocessed.get(name));
    missingUnits += missing * minimumReadUnits(request as Json);
  }
  return reported + missingUnits;
}

function keysOf(request: unknown): number {
  return (request as { Keys?: unknown[] } | undefined)?.Keys?.length ?? 0;
}

function minimumReadUnits(request: Json): number {
  return request['ConsistentRead'] === true ? 1 : 0.5;
}

/** A condition that fails costs the greater of the item that is there and the one that was to be written. */
function failedWriteUnits(input: Json, output: Json): UnitsByTable {
  const images = [output['Item'], input['Item']] as (Item | undefined)[];
  const units = { readUnits: 0, writeUnits: writeUnits(...images) };
  return new Map([[tableNameOf(String(input['TableName'])), units]]);
}

/** Each item was prepared: twice its size, as far as the answer and the request tell it. */
function cancelledUnits(input: Json, output: Json): UnitsByTable {
  const units: UnitsByTable = new Map();
  const reasons = (output['CancellationReasons'] ?? []) as CancellationReason[];
  for (const [index, item] of transactItems(input).entries()) {
    for (const request of Object.values(item)) {
      const tableName = tableNameOf(request.TableName ?? '');
      const before = units.get(tableName)?.writeUnits ?? 0;
      const cost = 2 * writeUnits(reasons[index]?.Item, request.Item);
      units.set(tableName, { readUnits: 0, writeUnits: before + cost });
    }
  }
  return units;
}

function withOldItem(request: Json): Json {
  return request['ConditionExpression'] === undefined
    ? request
    : { ...request, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' };
}

function wantsOldItem(request: object): boolean {
  return wants(request, 'ReturnValuesOnConditionCheckFailure') !== undefined;
}

function wants(request: object, option: string): unknown {
  const value = (request as Json)[option];
  return value === 'NONE' ? undefined : value;
}

function isError(output: Json, name = ''): boolean {
  return typeof output['__type'] === 'string' && output['__type'].endsWith(name);
}
