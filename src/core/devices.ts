// A user's devices: their connections, their cursors, and which want push notifications.
import { refuse, type Refusal } from '../protocol/errors.ts';
import type { ClientFrame } from '../protocol/client-frames.ts';
import { limits } from '../protocol/limits.ts';
import type { Answer } from '../protocol/server-frames.ts';
import type { Caller, Context } from './context.ts';
import { encodeConnection, toMailbox, type DeviceConnection } from './mailbox.ts';
import { deviceAttribute, deviceKey, mailboxKey } from './tables.ts';

/**
 * Registers a connection, and ends those that it takes the place of: the same device's silently, with a `kicked` push
 * the oldest of the platform that there is no more room for.
 */
export async function registerConnection(ctx: Context, caller: Caller, connectedAt: number): Promise<void> {
  const { userId, deviceId, connectionId, platform } = caller;
  const [head] = await Promise.all([
    ctx.db.update({
      table: 'Users',
      key: mailboxKey(userId),
      update:
        'SET #connection = :connection, #seq = if_not_exists(#seq, :zero), ' +
        '#base = if_not_exists(#base, :zero), #page = if_not_exists(#page, :empty)',
      names: { connection: deviceAttribute.connection(deviceId) },
      values: { connection: encodeConnection({ connectionId, platform, connectedAt }), zero: 0, empty: [] },
      returning: 'ALL_OLD',
    }),
    ctx.db.update({
      table: 'Users',
      key: deviceKey(userId, deviceId),
      update: 'SET #platform = :platform, #lastSeen = :now',
      values: { platform, now: ctx.now() },
    }),
  ]);
  const previous = Object.keys(head.item ?? {}).length > 0 ? toMailbox(head.item!).connections : [];
  const own = previous.filter(
    (connection) => connection.deviceId === deviceId && connection.connectionId !== connectionId,
  );
  await Promise.all([
    ...own.map((connection) => ctx.connections.close(connection.connectionId)),
    ...tooMany(ctx, caller, previous).map((connection) => kick(ctx, caller, connection)),
  ]);
}

/** Other devices of the caller's platform that have to go for the caller: those that connected first. */
function tooMany(
  { settings: { devicesPerPlatform } }: Context,
  { deviceId, platform }: Caller,
  connections: readonly DeviceConnection[],
): readonly DeviceConnection[] {
  const room = typeof devicesPerPlatform === 'number' ? devicesPerPlatform : devicesPerPlatform[platform];
  const others = connections.filter(
    (connection) => connection.platform === platform && connection.deviceId !== deviceId,
  );
  return others.toSorted((left, right) => right.connectedAt - left.connectedAt).slice(room - 1);
}

/** Tells first and forgets last: whoever dies in between leaves a connection that the next connect kicks again. */
async function kick(ctx: Context, by: Caller, connection: DeviceConnection): Promise<void> {
  const { deviceId, platform } = by;
  await ctx.connections.post(connection.connectionId, {
    push: 'kicked',
    reason: 'replaced',
    by: { deviceId, platform },
  });
  await ctx.connections.close(connection.connectionId);
  await removeConnection(ctx, by.userId, connection);
}

/** Forgets a connection that has ended, unless the device has connected anew since. */
export async function forgetConnection(ctx: Context, caller: Caller): Promise<void> {
  await ctx.db.update({
    table: 'Users',
    key: mailboxKey(caller.userId),
    update: 'REMOVE #connection',
    condition: 'begins_with(#connection, :connectionId)',
    names: { connection: deviceAttribute.connection(caller.deviceId) },
    values: { connectionId: caller.connectionId },
  });
}

/**
 * Forgets a connection that the gateway does not know. One that is still opening is not known yet either
 * (a connection cannot be posted to before `$connect` has returned), so a young one stays.
 */
export async function dropConnection(
  ctx: Context,
  userId: string,
  connection: DeviceConnection,
): Promise<void> {
  const ageMs = ctx.now() - connection.connectedAt;
  if (ageMs >= ctx.settings.connectGraceMs) await removeConnection(ctx, userId, connection);
}

async function removeConnection(ctx: Context, userId: string, connection: DeviceConnection): Promise<void> {
  await ctx.db.update({
    table: 'Users',
    key: mailboxKey(userId),
    update: 'REMOVE #connection',
    condition: '#connection = :stored',
    names: { connection: deviceAttribute.connection(connection.deviceId) },
    values: { stored: connection.stored },
  });
}

/** Registers the caller's device for push notifications, or takes it back. */
export async function registerForPush(
  ctx: Context,
  caller: Caller,
  request: ClientFrame<'device'>,
): Promise<Answer<'device'> | Refusal> {
  const { userId, deviceId } = caller;
  const names = { push: deviceAttribute.push(deviceId) };
  if (request.remove) {
    await Promise.all([
      ctx.db.update({ table: 'Users', key: mailboxKey(userId), update: 'REMOVE #push', names }),
      ctx.db.update({
        table: 'Users',
        key: deviceKey(userId, deviceId),
        update: 'REMOVE #pushToken, #provider',
      }),
      ctx.db.delete('OfflineQueue', { userId, deviceId }, {}),
    ]);
    return { ok: true };
  }
  if (request.pushToken === undefined) {
    return refuse('bad_request', 'pushToken: is needed, unless remove is true');
  }
  await ctx.db.update({
    table: 'Users',
    key: deviceKey(userId, deviceId),
    update: 'SET #pushToken = :pushToken, #provider = :provider',
    values: { pushToken: request.pushToken, provider: request.provider ?? DEFAULT_PROVIDER },
  });
  const head = await ctx.db.update({
    table: 'Users',
    key: mailboxKey(userId),
    update: 'SET #push = :yes',
    names,
    values: { yes: 1 },
    returning: 'ALL_NEW',
  });
  if (head.ok && toMailbox(head.item).pushDevices.length > limits.pushDevices) {
    await ctx.db.update({ table: 'Users', key: mailboxKey(userId), update: 'REMOVE #push', names });
    return refuse('forbidden', `at most ${limits.pushDevices} devices of a user take push notifications`);
  }
  return { ok: true };
}

const DEFAULT_PROVIDER = 'webhook';
