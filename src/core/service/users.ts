// Users, as the app's own backend makes them and sees them.
import pLimit from 'p-limit';
import type { Refusal } from '../../protocol/errors.ts';
import { refuse } from '../../protocol/errors.ts';
import type { Platform } from '../../protocol/ids.ts';
import { limits } from '../../protocol/limits.ts';
import type { CreateUsersRequest, UserRequest } from '../../protocol/service-requests.ts';
import type { Context } from '../context.ts';
import { emptyMailbox, toMailbox } from '../mailbox.ts';
import { profile } from '../people/profiles.ts';
import { liveConnections } from '../people/presence.ts';
import { deviceIdOf, deviceItems, mailboxKey } from '../tables.ts';
import { unread } from '../unread.ts';

/** Users that are made at the same time. */
const MAX_AT_ONCE = 16;

interface Ids {
  /** Of nobody else's. */
  readonly newId: () => string;
}

interface Created {
  readonly ok: true;
  readonly created: readonly string[];
  readonly existing: readonly string[];
}

/** Makes users known before they first connect. Those that exist stay as they are. */
export async function createUsers(
  ctx: Context & Ids,
  { users }: CreateUsersRequest,
): Promise<Created | Refusal> {
  const heads = await ctx.db.batchGet(
    'Users',
    users.map(({ userId }) => mailboxKey(userId)),
  );
  const known = new Set(heads.map((head) => head['userId'] as string));
  const limit = pLimit(MAX_AT_ONCE);
  const made = await Promise.all(
    users.map((user) => limit(async () => (known.has(user.userId) ? 'existing' : createUser(ctx, user)))),
  );
  const refusal = made.find((outcome) => typeof outcome === 'object');
  if (refusal) return refusal;
  const named = (wanted: string) =>
    users.filter((_, index) => made[index] === wanted).map(({ userId }) => userId);
  return { ok: true, created: named('created'), existing: named('existing') };
}

/** The profile first: whoever dies in between has made nobody, and the repeat does both. */
async function createUser(
  ctx: Context & Ids,
  { userId, ...presented }: CreateUsersRequest['users'][number],
): Promise<'created' | 'existing' | Refusal> {
  const presenting = await profile(ctx, { userId }, presented);
  if (!presenting.ok) return presenting;
  const written = await ctx.db.put({
    table: 'Users',
    item: { ...mailboxKey(userId), ...emptyMailbox(userId, ctx.newId()) },
    condition: 'attribute_not_exists(#userId)',
  });
  return written.ok ? 'created' : 'existing';
}

export const refuseUnknown = (userId: string) =>
  refuse('user_not_found', `userId: there is no user ${userId}`);

interface DescribedUser {
  readonly ok: true;
  readonly devices: readonly {
    readonly deviceId: string;
    readonly platform?: Platform;
    readonly online: boolean;
    readonly lastSeen?: number;
  }[];
  readonly online: boolean;
  readonly lastSeen: number | null;
  /** Without muted conversations; of the first thousand only, when `unreadComplete` is false. */
  readonly unread: number;
  readonly unreadComplete: boolean;
  /** Milliseconds since the epoch; of a user who is banned now. */
  readonly bannedUntil?: number;
}

/** Whether they show others that they are there makes no difference here: the backend is the app's own. */
export async function describeUser(ctx: Context, { userId }: UserRequest): Promise<DescribedUser | Refusal> {
  const head = await ctx.db.get('Users', mailboxKey(userId), 'eventual');
  if (!head) return refuseUnknown(userId);
  const [items, counts] = await Promise.all([
    ctx.db.query({
      table: 'Users',
      partition: userId,
      ...deviceItems,
      limit: limits.devices,
      read: 'eventual',
    }),
    unread(ctx, { userId }),
  ]);
  const live = new Set(liveConnections(ctx, head).map(({ deviceId }) => deviceId));
  const devices = items.map((item) => {
    const deviceId = deviceIdOf(item['item'] as string);
    return {
      deviceId,
      ...(item['platform'] !== undefined && { platform: item['platform'] as Platform }),
      online: live.has(deviceId),
      ...(item['lastSeen'] !== undefined && { lastSeen: item['lastSeen'] as number }),
    };
  });
  // Of a connection whose token is over, and that nobody has ended yet: until then.
  const { connections, bars } = toMailbox(head);
  const isBanned = (bars.bannedUntil ?? 0) > ctx.now();
  const ends = connections.map(({ expiresAt }) => expiresAt * 1_000);
  const seen = Math.min(ctx.now(), Math.max((head['lastSeen'] as number | undefined) ?? 0, ...ends));
  return {
    ok: true,
    devices,
    online: live.size > 0,
    lastSeen: live.size > 0 ? ctx.now() : seen || null,
    unread: counts.total,
    unreadComplete: counts.complete,
    ...(isBanned && { bannedUntil: bars.bannedUntil! }),
  };
}
