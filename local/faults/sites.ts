// What a fault strikes, named so that a later run finds the same name: by users, devices, keys and message ids, not by
// connections, request ids, times or the names that tables happen to have.
import type { ClientIdentity } from '../activity.ts';
import type { TableModel } from '../model.ts';
import { hash } from './random.ts';

/** As much as a name takes of a key, `{"userId":{"S":"alice"}}`, of a request and of a stream's record. */
type Item = Readonly<Record<string, object>>;

interface Access {
  readonly tableName: string | undefined;
  readonly items: readonly Item[];
}

/** A message of a queue has a body, and an id that no later run would find again. */
interface QueueRecord {
  readonly body: string;
}

interface StreamRecord {
  readonly eventName: string;
  readonly dynamodb: { readonly Keys: Item };
}

/** `send UpdateItem Conversations/d:alice:bob/HEAD` */
export function requestSite(
  functionName: string,
  operation: string,
  accesses: readonly Access[],
  tables: ReadonlyMap<string, TableModel>,
): string {
  const keys = accesses.flatMap(({ tableName = '', items }) => {
    const table = tables.get(tableName);
    return items.map((item) => `${table?.name ?? tableName}/${keyOf(item, table)}`);
  });
  return withoutConnectionIds([functionName, operation, ...keys.toSorted()].join(' '));
}

/** `orders-to-consumer INSERT d:alice:bob/7` */
export function recordSite(eventSourceId: string, record: StreamRecord): string {
  return withoutConnectionIds(`${eventSourceId} ${nameOf(record)}`);
}

/** `chunks-to-worker message 2774094101` */
export function messageSite(eventSourceId: string, record: QueueRecord): string {
  return `${eventSourceId} ${nameOf(record)}`;
}

/** `alice/phone` */
export function deviceSite({ userId = '', deviceId = '' }: ClientIdentity): string {
  return `${userId}/${deviceId}`;
}

interface KnownEvent {
  readonly Records?: readonly (StreamRecord | QueueRecord)[];
  readonly requestContext?: {
    readonly routeKey?: string;
    readonly authorizer?: { readonly principalId?: string; readonly deviceId?: string };
  };
  readonly queryStringParameters?: { readonly deviceId?: string };
  readonly body?: string;
}

/** `send send alice/phone message-0001`, `fan-out INSERT d:alice:bob/7` */
export function invocationSite(functionName: string, event: unknown): string {
  const { Records: records, requestContext, queryStringParameters, body } = (event ?? {}) as KnownEvent;
  if (records) return withoutConnectionIds(`${functionName} ${nameOfBatch(records.map(nameOf))}`);
  const { routeKey = '', authorizer } = requestContext ?? {};
  const deviceId = authorizer?.deviceId ?? queryStringParameters?.deviceId;
  const device = `${authorizer?.principalId ?? ''}/${deviceId ?? ''}`;
  return [functionName, routeKey, device, messageIdOf(body)].filter(Boolean).join(' ');
}

/** Whatever the order: batches of the same records are the same batch. */
function nameOfBatch(names: readonly string[]): string {
  if (names.length <= 1) return names.join();
  const sorted = names.toSorted();
  return `${sorted[0]} and ${names.length - 1} more ${hash(sorted.join('\n'))}`;
}

function nameOf(record: StreamRecord | QueueRecord): string {
  if (!('dynamodb' in record)) return `message ${hash(withoutConnectionIds(record.body))}`;
  const { eventName, dynamodb } = record;
  const { Keys } = dynamodb;
  const values = Object.keys(Keys)
    .toSorted()
    .map((name) => valueOf(Keys[name]));
  return `${eventName} ${values.join('/')}`;
}

function keyOf(item: Item, table: TableModel | undefined): string {
  const names = table?.keySchema.map(({ AttributeName }) => AttributeName) ?? Object.keys(item);
  return names.map((name) => valueOf(item[name])).join('/');
}

function valueOf(value: Item[string] | undefined): string {
  return Object.values(value ?? {}).join();
}

function messageIdOf(body: string | undefined): string {
  try {
    const frame = JSON.parse(body ?? '') as { clientMsgId?: unknown } | null;
    return typeof frame?.clientMsgId === 'string' ? frame.clientMsgId : '';
  } catch {
    return '';
  }
}

/** `PJqB0fHsqRcCHlw=`: they may be part of keys. */
function withoutConnectionIds(text: string): string {
  return text.replaceAll(/[\w-]{15}=/g, '<connection>');
}
