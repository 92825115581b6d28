// What a registered device that is away has waiting. A new entry wakes the notifier through the table's stream.
import type { Context } from './context.ts';
import { expiryAfter } from './expiry.ts';
import { ttlAttribute } from './tables.ts';

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

export async function noteWaiting(
  ctx: Context,
  userId: string,
  deviceId: string,
  waiting: Waiting,
): Promise<void> {
  const now = ctx.now();
  await ctx.db.update({
    table: 'OfflineQueue',
    key: { userId, deviceId },
    update:
      'SET #firstAt = if_not_exists(#firstAt, :now), #lastConversationId = :conversationId, #lastSeq = :seq, ' +
      '#lastSyncSeq = :syncSeq, #expiresAt = :expiresAt ADD #count :count',
    ...(waiting.repeated && { condition: 'attribute_not_exists(#lastSyncSeq) OR #lastSyncSeq < :syncSeq' }),
    names: { expiresAt: ttlAttribute },
    values: {
      now,
      conversationId: waiting.conversationId,
      seq: waiting.seq,
      syncSeq: waiting.syncSeq,
      count: waiting.count,
      expiresAt: expiryAfter(ctx, ctx.settings.offlineQueueRetentionDays),
    },
  });
}

/** The device has taken everything up to `cursor`: nothing is waiting, unless the entry has grown since. */
export async function forgetWaiting(
  ctx: Context,
  userId: string,
  deviceId: string,
  cursor: number,
): Promise<void> {
  await ctx.db.delete(
    'OfflineQueue',
    { userId, deviceId },
    { condition: '#lastSyncSeq <= :cursor', values: { cursor } },
  );
}
