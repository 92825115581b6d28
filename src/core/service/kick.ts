// The app's own backend ends connections: the device is told, and must not come back by itself. It may be opened again.
import type { Refusal } from '../../protocol/errors.ts';
import type { KickRequest } from '../../protocol/service-requests.ts';
import { dropConnection } from '../connections.ts';
import type { Context } from '../context.ts';
import { toMailbox, type DeviceConnection } from '../mailbox.ts';
import { mailboxKey } from '../tables.ts';
import { refuseUnknown } from './users.ts';

const BY_DEFAULT = 'service';

/** Of the device that is named, of those of a platform, or of all. Who has none is kicked already. */
export async function kickUser(
  ctx: Context,
  { userId, deviceId, platform, reason = BY_DEFAULT }: KickRequest,
): Promise<{ readonly ok: true; readonly kicked: readonly string[] } | Refusal> {
  const head = await ctx.db.get('Users', mailboxKey(userId), 'strong');
  if (!head) return refuseUnknown(userId);
  const named = toMailbox(head).connections.filter(
    (connection) =>
      (deviceId === undefined || connection.deviceId === deviceId) &&
      (platform === undefined || connection.platform === platform),
  );
  await endConnections(ctx, userId, named, reason);
  return { ok: true, kicked: named.map((connection) => connection.deviceId) };
}

/** Each device is told why. What the gateway tells of a connection's end forgets it, and who watches hears of it. */
export async function endConnections(
  ctx: Context,
  userId: string,
  connections: readonly DeviceConnection[],
  reason: string,
): Promise<void> {
  await Promise.all(
    connections.map(async (connection) => {
      const { connectionId } = connection;
      const delivery = await ctx.connections.post(connectionId, { push: 'kicked', reason });
      if (delivery === 'gone') return dropConnection(ctx, userId, connection);
      await ctx.connections.close(connectionId);
    }),
  );
}
