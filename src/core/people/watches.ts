// Who is told when somebody comes or goes: a watch is an item with who is watched, for a device of the watcher and over one
// connection. A reconnect replaces it, so that watches do not pile up.
import pLimit from 'p-limit';
import type { ClientFrame } from '../../protocol/client-frames.ts';
import { refuse, type Refusal } from '../../protocol/errors.ts';
import { peopleLimits } from '../../protocol/client-limits.ts';
import type { Answer } from '../../protocol/server-frames.ts';
import type { Caller, Context } from '../context.ts';
import type { Item } from '../database.ts';
import { hasExpired } from '../expiry.ts';
import { ttlAttribute, watchesKey, watchKey } from '../tables.ts';
import { readPresence } from './presence.ts';

/** A connection lives no longer (API Gateway). */
const CONNECTION_SECONDS = 2 * 3_600;
/** Frames of one connection that are served at the same time. */
const MAX_ROUNDS = 8;
const MAX_WRITING = 32;

/** Answers as `presence` does; what changes from then on is pushed. */
export async function watchPresence(
  ctx: Context,
  caller: Caller,
  { users }: ClientFrame<'watchPresence'>,
): Promise<Answer<'watchPresence'> | Refusal> {
  const asked = [...new Set(users)];
  if (asked.length === 0) return { ok: true, users: [] };
  const refusal = await changeList(ctx, caller, (watched) => [...new Set([...watched, ...asked])]);
  if (refusal) return refusal;
  await forEach(asked, (user) => putWatch(ctx, caller, user));
  // Read after that, strongly: who changes or blocks from here on finds the watch.
  const { shown, blocking } = await readPresence(ctx, caller, asked, 'strong');
  await forEach(blocking, (user) => deleteWatch(ctx, caller, user));
  return { ok: true, users: shown };
}

export async function unwatchPresence(
  ctx: Context,
  caller: Caller,
  { users }: ClientFrame<'unwatchPresence'>,
): Promise<Answer<'unwatchPresence'> | Refusal> {
  const over = new Set(users);
  await forEach([...over], (user) => deleteWatch(ctx, caller, user));
  const refusal = await changeList(ctx, caller, (watched) => watched.filter((user) => !over.has(user)));
  return refusal ?? { ok: true };
}

const forEach = async (users: readonly string[], write: (user: string) => Promise<unknown>) => {
  const limit = pLimit(MAX_WRITING);
  await Promise.all(users.map((user) => limit(() => write(user))));
};

function putWatch(ctx: Context, caller: Caller, user: string) {
  const { userId, deviceId, connectionId } = caller;
  const key = watchKey(user, userId, deviceId);
  return ctx.db.put({
    table: 'Users',
    item: { ...key, connectionId, [ttlAttribute]: endOf(ctx, caller) },
  });
}

/** Of this connection; not of one that the device has opened since. */
function deleteWatch(ctx: Context, { userId, deviceId, connectionId }: Caller, user: string) {
  return ctx.db.delete('Users', watchKey(user, userId, deviceId), {
    condition: '#connectionId = :connectionId',
    values: { connectionId },
  });
}

/** Nothing is pushed to a connection whose token is over. */
function endOf(ctx: Context, { expiresAt }: Caller): number {
  return Math.min(Math.floor(ctx.now() / 1_000) + CONNECTION_SECONDS, expiresAt);
}

/** Whom this connection watches: in one item, that bounds how many they are. */
async function changeList(
  ctx: Context,
  caller: Caller,
  change: (watched: readonly string[]) => readonly string[],
): Promise<Refusal | undefined> {
  const { userId, deviceId, connectionId } = caller;
  const key = watchesKey(userId, deviceId);
  for (let round = 1; round <= MAX_ROUNDS; round++) {
    const item = await ctx.db.get('Users', key, 'strong');
    const watched = watchedBy(ctx, caller, item);
    const users = change(watched);
    if (users.length > peopleLimits.presenceWatches) {
      const most = peopleLimits.presenceWatches;
      return refuse('too_large', `users: ${users.length} would be watched, at most ${most} by a connection`);
    }
    if (users.length === 0 && watched.length === 0) return undefined;
    const seen = (item?.['version'] as number | undefined) ?? 0;
    const written = await ctx.db.update({
      table: 'Users',
      key,
      update: 'SET #connectionId = :connectionId, #users = :users, #version = :next, #expiresAt = :expiresAt',
      condition: seen === 0 ? 'attribute_not_exists(#version)' : '#version = :seen',
      names: { expiresAt: ttlAttribute },
      values: {
        connectionId,
        users,
        next: seen + 1,
        expiresAt: endOf(ctx, caller),
        ...(seen > 0 && { seen }),
      },
    });
    if (written.ok) return undefined;
    await ctx.backOff(round);
  }
  return refuse('unavailable', 'users: another request changes what is watched, try again');
}

function watchedBy(ctx: Context, { connectionId }: Caller, item: Item | undefined): readonly string[] {
  if (!item || item['connectionId'] !== connectionId || hasExpired(ctx, item)) return [];
  return item['users'] as string[];
}
