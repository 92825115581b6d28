// Who is online: whoever has a connection in their mailbox head whose token is good, and lets others see it.
import type { ClientFrame } from '../../protocol/client-frames.ts';
import type { Answer, Presence } from '../../protocol/server-frames.ts';
import { isConnectionOver } from '../connections.ts';
import type { Caller, Context } from '../context.ts';
import { findItem, type Item } from '../database.ts';
import { toMailbox, type DeviceConnection } from '../mailbox.ts';
import { blockKey, mailboxKey } from '../tables.ts';
import { toPreferences } from './wishes.ts';

/** Of any users, in the order asked, each once. */
export async function presence(
  ctx: Context,
  caller: Caller,
  { users }: ClientFrame<'presence'>,
): Promise<Answer<'presence'>> {
  const { shown } = await readPresence(ctx, caller, [...new Set(users)], 'eventual');
  return { ok: true, users: shown };
}

interface SeenByCaller {
  /** Of each, in that order. */
  readonly shown: Presence[];
  /** Those of them that block the caller. */
  readonly blocking: readonly string[];
}

/** Who does not exist, shows it to nobody or blocks the caller reads as offline: one cannot be told from another. */
export async function readPresence(
  ctx: Context,
  { userId }: Caller,
  users: readonly string[],
  read: 'strong' | 'eventual',
): Promise<SeenByCaller> {
  const [heads, blocks] = await Promise.all([
    ctx.db.batchGet('Users', users.map(mailboxKey), read),
    ctx.db.batchGet(
      'Users',
      users.map((user) => blockKey(user, userId)),
      read,
    ),
  ]);
  const blocking = blocks.map((item) => item['userId'] as string);
  const shown = users.map((user) => {
    const head = blocking.includes(user) ? undefined : findItem(heads, mailboxKey(user));
    return presenceOf(ctx, user, head);
  });
  return { shown, blocking };
}

export const liveConnections = (ctx: Context, head: Item): DeviceConnection[] =>
  toMailbox(head).connections.filter((connection) => !isConnectionOver(ctx, connection));

/** As whoever they do not block sees them. */
export function presenceOf(ctx: Context, userId: string, head: Item | undefined): Presence {
  const away = { userId, online: false, platforms: [] };
  if (!head || !toPreferences(head).presence) return away;
  const { connections } = toMailbox(head);
  const live = liveConnections(ctx, head);
  if (live.length > 0) {
    const platforms = [...new Set(live.map(({ platform }) => platform))].toSorted();
    return { userId, online: true, platforms };
  }
  // A connection whose token is over, and that nobody has ended yet, was there until then.
  const ends = connections.map(({ expiresAt }) => expiresAt * 1_000);
  const lastSeen = Math.max((head['lastSeen'] as number | undefined) ?? 0, ...ends);
  return { ...away, ...(lastSeen > 0 && { lastSeen }) };
}
