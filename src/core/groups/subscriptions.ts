// Large groups: their messages are written nowhere but to the timeline, and pushed to the connections that look at the
// group at this moment. Whoever misses a push sees a hole, or asks for heads, and reads by seq.
import type { ClientFrame } from '../../protocol/client-frames.ts';
import { limits } from '../../protocol/limits.ts';
import type { Message, Slot } from '../../protocol/messages.ts';
import type { Answer, Push } from '../../protocol/server-frames.ts';
import type { Caller, Context } from '../context.ts';
import type { CurrentMessages } from '../current-messages.ts';
import type { Item } from '../database.ts';
import { pushesOf } from '../deliver.ts';
import { hasExpired, isTokenOver } from '../expiry.ts';
import { readMemberships } from '../members.ts';
import { subscriberOf, subscriptionItems, subscriptionKey, ttlAttribute } from '../tables.ts';
import { isIn, type GroupWithStays } from './known-groups.ts';

/** A connection lives no longer (API Gateway). */
const CONNECTION_SECONDS = 2 * 3_600;
/** Connections that look at one group, at most. */
const MAX_SUBSCRIBERS = 20_000;
/** Under load a connection gets a frame of a group this often. */
const FRAME_INTERVAL_MS = 200;

/** The newest numbers of those that the caller is in; of large groups, new messages come by push from now on. */
export async function subscribe(
  ctx: Context,
  caller: Caller,
  request: ClientFrame<'subscribe'>,
): Promise<Answer<'subscribe'>> {
  const ids = [...new Set(request.conversationIds)];
  const before = await readMemberships(ctx, ids, caller.userId);
  const large = [...before].filter(([, { group }]) => group?.cutoverSeq !== undefined).map(([id]) => id);
  await Promise.all(large.map((conversationId) => keepSubscription(ctx, caller, conversationId)));
  // Read after that: what was numbered meanwhile is either in the head or pushed.
  const now = large.length === 0 ? before : await readMemberships(ctx, ids, caller.userId);
  return { ok: true, heads: Object.fromEntries([...now].map(([id, { head }]) => [id, head.seq])) };
}

async function keepSubscription(ctx: Context, caller: Caller, conversationId: string): Promise<void> {
  const { userId, deviceId, connectionId, expiresAt } = caller;
  await ctx.db.put({
    table: 'Conversations',
    item: {
      ...subscriptionKey(conversationId, connectionId),
      userId,
      deviceId,
      tokenExpiresAt: expiresAt,
      [ttlAttribute]: Math.floor(ctx.now() / 1_000) + CONNECTION_SECONDS,
    },
  });
}

export async function unsubscribe(
  ctx: Context,
  { connectionId }: Caller,
  request: ClientFrame<'unsubscribe'>,
): Promise<Answer<'unsubscribe'>> {
  await Promise.all(
    [...new Set(request.conversationIds)].map((conversationId) =>
      ctx.db.delete('Conversations', subscriptionKey(conversationId, connectionId), {}),
    ),
  );
  return { ok: true };
}

export interface Subscriber {
  readonly userId: string;
  readonly deviceId: string;
  readonly connectionId: string;
}

/** Connections that look at a group, and may. */
export async function readSubscribers(
  ctx: Context,
  conversationId: string,
  { stays }: GroupWithStays,
): Promise<Subscriber[]> {
  const range = { table: 'Conversations', partition: conversationId, ...subscriptionItems } as const;
  const items = await ctx.db.query({ ...range, limit: MAX_SUBSCRIBERS });
  const present = new Set(stays.filter(({ leftSeq }) => leftSeq === undefined).map(({ userId }) => userId));
  return items
    .filter((item) => !isOver(ctx, item))
    .map(toSubscriber)
    .filter(({ userId }) => present.has(userId));
}

/** Its connection has ended, or its token has. */
function isOver(ctx: Context, item: Item): boolean {
  return hasExpired(ctx, item) || isTokenOver(item['tokenExpiresAt'] as number, ctx.now());
}

const toSubscriber = (item: Item): Subscriber => ({
  userId: item['userId'] as string,
  deviceId: item['deviceId'] as string,
  connectionId: subscriberOf(item['item'] as string),
});

export interface GroupBatch {
  readonly conversationId: string;
  readonly group: GroupWithStays;
  /** Above the cut-over, ascending. */
  readonly messages: readonly Message[];
  /** What they are at the moment of pushing. */
  readonly current: CurrentMessages;
  readonly subscribers: readonly Subscriber[];
}

/** Under load they are pushed together with what comes until then. */
export async function waitForFrame(ctx: Context, conversationId: string): Promise<void> {
  const waitMs = ctx.knownGroups.takeFrame(conversationId, ctx.now(), FRAME_INTERVAL_MS);
  if (waitMs > 0) await ctx.wait(waitMs);
}

/** One frame to each connection that looks at the group. */
export async function pushToSubscribers(ctx: Context, batch: GroupBatch): Promise<void> {
  const { conversationId, group, subscribers, current } = batch;
  if (subscribers.length === 0) return;
  const pushes = pushesOf(ctx);
  const stays = new Map(group.stays.map((stay) => [stay.userId, stay]));
  const tell = await current();
  const pushed = Promise.all(
    subscribers.map(async ({ userId, deviceId, connectionId }) => {
      const stay = stays.get(userId)!;
      const visible = batch.messages.filter(({ seq }) => isIn(stay, seq));
      // A device has what it sent.
      const others = visible.filter((message) => message.from !== userId || message.deviceId !== deviceId);
      if (others.length === 0) return;
      const slots = visible.map((message) => tell(message, userId).message);
      const delivery = await pushes.push(connectionId, frameOf(conversationId, slots));
      if (delivery !== 'gone') return;
      await ctx.db.delete('Conversations', subscriptionKey(conversationId, connectionId), {});
    }),
  );
  pushes.lastCall();
  await pushed;
}

/** The first that fit; who gets it sees by `headSeq` that others are missing. */
function frameOf(conversationId: string, slots: readonly Slot[]): Push {
  const frame = {
    push: 'group' as const,
    conversationId,
    messages: [] as Slot[],
    headSeq: slots.at(-1)!.seq,
  };
  let sizeBytes = Buffer.byteLength(JSON.stringify(frame));
  for (const slot of slots) {
    sizeBytes += Buffer.byteLength(JSON.stringify(slot)) + 1;
    if (sizeBytes > limits.frameBytes) break;
    frame.messages.push(slot);
  }
  return frame;
}
