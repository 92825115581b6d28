// What a registered device that is away has waiting. The first entry, and the first thing that comes after the device was
// told of what there is, wake the notifier through the table's stream: they are `fresh` 1.
import type { Context } from './context.ts';
import type { Item } from './database.ts';
import { expiryAfter, hasExpired } from './expiry.ts';
import type { Note } from './notifications/note.ts';
import { deviceKey, offlineKey, ttlAttribute } from './tables.ts';

export interface Waiting {
  /** Messages that are new with this batch. */
  readonly count: number;
  readonly conversationId: string;
  readonly seq: number;
  /** Of the newest entry in the user's mailbox. */
  readonly syncSeq: number;
  /** The batch was delivered before: its messages count only if the entry has not seen them. */
  readonly repeated: boolean;
}

export interface OfflineEntry {
  readonly lastConversationId: string;
  readonly lastSeq: number;
  readonly lastSyncSeq: number;
  /** When the first of it came: milliseconds since the epoch. */
  readonly firstAt: number;
  /** Up to there the device was told of what waits; 0: of nothing. */
  readonly toldSyncSeq: number;
}

export async function noteWaiting(
  ctx: Context,
  userId: string,
  deviceId: string,
  waiting: Waiting,
): Promise<void> {
  const now = ctx.now();
  await ctx.db.update({
    table: 'OfflineQueue',
    key: offlineKey(userId, deviceId),
    update:
      'SET #firstAt = if_not_exists(#firstAt, :now), #lastConversationId = :conversationId, #lastSeq = :seq, ' +
      '#lastSyncSeq = :syncSeq, #expiresAt = :expiresAt ADD #count :count, #fresh :one',
    ...(waiting.repeated && { condition: 'attribute_not_exists(#lastSyncSeq) OR #lastSyncSeq < :syncSeq' }),
    names: { expiresAt: ttlAttribute },
    values: {
      now,
      conversationId: waiting.conversationId,
      seq: waiting.seq,
      syncSeq: waiting.syncSeq,
      count: waiting.count,
      one: 1,
      expiresAt: expiryAfter(ctx, ctx.settings.offlineQueueRetentionDays),
    },
  });
}

/** The note that an entry is worth, as the stream shows it. */
export function noteOf(item: Item): Note {
  return {
    kind: 'away',
    userId: item['userId'] as string,
    deviceId: item['deviceId'] as string,
    syncSeq: item['lastSyncSeq'] as number,
  };
}

export function toOfflineEntry(ctx: Context, item: Item | undefined): OfflineEntry | undefined {
  if (!item || hasExpired(ctx, item)) return undefined;
  return {
    lastConversationId: item['lastConversationId'] as string,
    lastSeq: item['lastSeq'] as number,
    lastSyncSeq: item['lastSyncSeq'] as number,
    firstAt: item['firstAt'] as number,
    toldSyncSeq: (item['toldSyncSeq'] as number | undefined) ?? 0,
  };
}

/**
 * The device was told of everything up to `syncSeq`: what comes next is fresh again.
 * @returns `grown`: there is more by now, which nothing else will wake anybody for.
 */
export async function markTold(
  ctx: Context,
  userId: string,
  deviceId: string,
  syncSeq: number,
): Promise<'marked' | 'grown' | 'absent'> {
  const key = offlineKey(userId, deviceId);
  const marked = await ctx.db.update({
    table: 'OfflineQueue',
    key,
    update: 'SET #toldSyncSeq = :syncSeq REMOVE #fresh',
    condition: '#lastSyncSeq <= :syncSeq',
    values: { syncSeq },
  });
  if (marked.ok) return 'marked';
  if (!marked.item) return 'absent';
  await ctx.db.update({
    table: 'OfflineQueue',
    key,
    update: 'SET #toldSyncSeq = :syncSeq',
    condition:
      'attribute_exists(#userId) AND (attribute_not_exists(#toldSyncSeq) OR #toldSyncSeq < :syncSeq)',
    values: { syncSeq },
  });
  return 'grown';
}

/**
 * A device that looked connected was told of what waits, as if it were away: it has an entry from now on, which goes when
 * it is heard of again.
 */
export async function noteSilent(
  ctx: Context,
  userId: string,
  deviceId: string,
  waiting: Omit<Waiting, 'repeated'>,
): Promise<void> {
  await expectReturn(ctx, userId, deviceId);
  await ctx.db.update({
    table: 'OfflineQueue',
    key: offlineKey(userId, deviceId),
    update:
      'SET #firstAt = :now, #lastConversationId = :conversationId, #lastSeq = :seq, #lastSyncSeq = :syncSeq, ' +
      '#toldSyncSeq = :syncSeq, #count = :count, #expiresAt = :expiresAt',
    condition: 'attribute_not_exists(#userId)',
    names: { expiresAt: ttlAttribute },
    values: {
      ...waiting,
      now: ctx.now(),
      expiresAt: expiryAfter(ctx, ctx.settings.offlineQueueRetentionDays),
    },
  });
}

/** What came to nothing is tried again; meanwhile whatever comes wakes the notifier by itself. */
export async function letWakeAgain(ctx: Context, userId: string, deviceId: string): Promise<void> {
  await ctx.db.update({
    table: 'OfflineQueue',
    key: offlineKey(userId, deviceId),
    update: 'REMOVE #fresh',
    condition: 'attribute_exists(#userId)',
  });
}

/** When the device has caught up next, its entry goes. A connection says so by itself (connections.ts). */
async function expectReturn(ctx: Context, userId: string, deviceId: string): Promise<void> {
  await ctx.db.update({
    table: 'Users',
    key: deviceKey(userId, deviceId),
    update: 'SET #away = :yes',
    condition: 'attribute_exists(#userId)',
    values: { yes: true },
  });
}

/** The device has taken everything up to `cursor`: nothing is waiting. `false`: the entry has grown since, and stays. */
export async function forgetWaiting(
  ctx: Context,
  userId: string,
  deviceId: string,
  cursor: number,
): Promise<boolean> {
  const deleted = await ctx.db.delete('OfflineQueue', offlineKey(userId, deviceId), {
    condition: '#lastSyncSeq <= :cursor',
    values: { cursor },
  });
  return deleted.ok || !deleted.item;
}
