// Which connection stands for each of a user's devices. Of the devices of a platform the last to connect hold it, as
// many as there is room for; every change of hands is a write to the mailbox head, from which fan-out knows where to push.
import type { Platform } from '../protocol/ids.ts';
import { limits } from '../protocol/limits.ts';
import { barOf, endBarred, toBars, unlessBarred, type Bar } from './bars.ts';
import type { Caller, Context } from './context.ts';
import type { Item } from './database.ts';
import { mailboxName } from './digest.ts';
import { deviceExpiry, isTokenOver } from './expiry.ts';
import { encodeConnection, knownShard, toMailbox, type DeviceConnection, type Mailbox } from './mailbox.ts';
import { unregister } from './push-devices.ts';
import {
  deviceAttribute,
  deviceIdOf,
  deviceItems,
  deviceKey,
  knownAttribute,
  mailboxKey,
  ttlAttribute,
} from './tables.ts';

/** As pushes name it. */
export interface DeviceName {
  readonly deviceId: string;
  readonly platform: Platform;
}

/** Devices of one user that are looked at when it has to be known which of them hold a platform. */
const MAX_DEVICES = 1_000;

/** With the mailbox head before it, if there was one; or why it is kept out. */
export type Registered =
  | { readonly ok: true; readonly before: Item | undefined }
  | { readonly ok: false; readonly bar: Bar };

/** Registers a connection, and ends those that it takes the place of: with a `kicked` push. */
export async function registerConnection(ctx: Context, caller: Caller): Promise<Registered> {
  const written = await writeConnection(ctx, caller);
  if (!written.ok) {
    // The bar is looked at once more, for it may have just ended.
    return { ok: false, bar: barOf(ctx, caller, toBars(written.item ?? {})) ?? 'banned' };
  }
  // Afterwards: who is kept out takes no device's place either.
  await Promise.all([noteConnected(ctx, caller), endReplaced(ctx, caller, written.item)]);
  return { ok: true, before: written.item };
}

/**
 * Sets right what was lost in a race, from the mailbox as it was read anyway: a connection that does not stand in it is
 * registered again, or told that another one took over; so nobody stays connected and deaf.
 */
export async function confirmConnection(ctx: Context, caller: Caller, mailbox: Mailbox): Promise<void> {
  const { deviceId, platform, connectionId } = caller;
  const bar = barOf(ctx, caller, mailbox.bars);
  if (bar) return endBarred(ctx, connectionId, bar);
  const own = mailbox.connections.find((connection) => connection.deviceId === deviceId);
  const newer = mailbox.connections.filter(
    (other) => other.deviceId !== deviceId && other.platform === platform && isNewer(other, caller),
  );
  const holder = newer.length >= roomFor(ctx, platform) ? newest(newer) : undefined;
  if (own?.connectionId === connectionId) {
    if (holder) await kick(ctx, caller.userId, own, holder);
    return;
  }
  // Of very many devices the older ones are not remembered (forgetOldDevices): those that are here are.
  const successor = own && isNewer(own, caller) ? own : (holder ?? (await findSuccessor(ctx, caller)));
  if (successor) return endConnection(ctx, connectionId, successor);
  const written = await writeConnection(ctx, caller, { instead: own?.stored });
  // Otherwise somebody connected in this very moment: the next time.
  if (written.ok) await endReplaced(ctx, caller, written.item);
}

/** Who took over the platform since this device connected last; nobody, when it still holds it. */
export async function findSuccessor(
  ctx: Pick<Context, 'db' | 'settings'>,
  { userId, deviceId, platform }: Pick<Caller, 'userId' | 'deviceId' | 'platform'>,
): Promise<DeviceName | undefined> {
  const items = await ctx.db.query({
    table: 'Users',
    partition: userId,
    ...deviceItems,
    limit: MAX_DEVICES,
  });
  const devices = items
    .filter((item) => item['platform'] === platform && item['connectedAt'] !== undefined)
    .map((item) => ({
      deviceId: deviceIdOf(item['item'] as string),
      platform,
      connectedAt: item['connectedAt'] as number,
      connectionId: item['connectionId'] as string,
    }));
  const own = devices.find((device) => device.deviceId === deviceId);
  if (!own) return undefined;
  const newer = devices.filter((device) => device.deviceId !== deviceId && isNewer(device, own));
  return newer.length >= roomFor(ctx, platform) ? newest(newer) : undefined;
}

/** Tells a connection that another one took over, and ends it. One that is still opening is told when it asks. */
export async function endConnection(
  ctx: Context,
  connectionId: string,
  { deviceId, platform }: DeviceName,
): Promise<void> {
  const by = { deviceId, platform };
  const delivery = await ctx.connections.post(connectionId, { push: 'kicked', reason: 'replaced', by });
  if (delivery !== 'gone') await ctx.connections.close(connectionId);
}

/**
 * Forgets a connection that has ended, unless the device has connected anew since.
 * @returns the mailbox head after it, if there is one.
 */
export async function forgetConnection(ctx: Context, caller: Caller): Promise<Item | undefined> {
  const written = await ctx.db.update({
    table: 'Users',
    key: mailboxKey(caller.userId),
    update: 'SET #lastSeen = :now REMOVE #connection',
    condition: 'begins_with(#connection, :connectionId)',
    names: { connection: deviceAttribute.connection(caller.deviceId) },
    values: { connectionId: caller.connectionId, now: ctx.now() },
    returning: 'ALL_NEW',
  });
  return written.item;
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

/** Ends and forgets a connection that nothing is pushed to any more: its token has expired, or it takes no pushes. */
export async function expireConnection(
  ctx: Context,
  userId: string,
  connection: DeviceConnection,
): Promise<void> {
  await ctx.connections.close(connection.connectionId);
  await removeConnection(ctx, userId, connection);
}

export function isConnectionOver({ now }: Context, { expiresAt }: DeviceConnection): boolean {
  return isTokenOver(expiresAt, now());
}

/** @param condition `instead`: only if the device has no connection, or this one. */
async function writeConnection(ctx: Context, caller: Caller, condition?: { instead: string | undefined }) {
  const { userId, deviceId } = caller;
  const welcome = unlessBarred(ctx, caller);
  return ctx.db.update({
    table: 'Users',
    key: mailboxKey(userId),
    update:
      'SET #connection = :connection, #name = if_not_exists(#name, :name), #seq = if_not_exists(#seq, :zero), ' +
      '#base = if_not_exists(#base, :zero), #page = if_not_exists(#page, :empty), ' +
      '#known = if_not_exists(#known, :shard)',
    condition: [
      welcome.condition,
      ...(condition ? ['(attribute_not_exists(#connection) OR #connection = :instead)'] : []),
    ].join(' AND '),
    names: { ...welcome.names, connection: deviceAttribute.connection(deviceId), known: knownAttribute },
    values: {
      ...welcome.values,
      shard: knownShard(userId),
      connection: encodeConnection(caller),
      name: mailboxName(caller.connectionId),
      zero: 0,
      empty: [],
      ...(condition && { instead: condition.instead ?? '' }),
    },
    returning: 'ALL_OLD',
  });
}

async function noteConnected(ctx: Context, caller: Caller): Promise<void> {
  const { userId, deviceId, platform, connectionId, connectedAt } = caller;
  const before = await ctx.db.update({
    table: 'Users',
    key: deviceKey(userId, deviceId),
    update:
      'SET #platform = :platform, #connectionId = :connectionId, #connectedAt = :connectedAt, ' +
      '#away = :yes, #lastSeen = :now, #expiresAt = :expiresAt',
    names: { expiresAt: ttlAttribute },
    values: {
      platform,
      connectionId,
      connectedAt,
      // Until it has caught up, its entry in the offline queue may be there (cursors.ts).
      yes: true,
      now: ctx.now(),
      expiresAt: deviceExpiry(ctx),
    },
    returning: 'ALL_OLD',
  });
  const isNew = before.item?.['connectedAt'] === undefined;
  if (isNew) await forgetOldDevices(ctx, caller);
}

/** Each install leaves an item: of too many, those that were seen longest ago are forgotten, cursor and all. */
async function forgetOldDevices(ctx: Context, { userId, deviceId }: Caller): Promise<void> {
  const items = await ctx.db.query({
    table: 'Users',
    partition: userId,
    ...deviceItems,
    limit: MAX_DEVICES,
  });
  const others = items.filter((item) => deviceIdOf(item['item'] as string) !== deviceId);
  const old = others
    .toSorted((left, right) => (right['lastSeen'] as number) - (left['lastSeen'] as number))
    .slice(limits.devices - 1);
  await Promise.all(
    old.map(async (item) => {
      const oldId = deviceIdOf(item['item'] as string);
      await unregister(ctx, { userId, deviceId: oldId });
      await ctx.db.delete('Users', deviceKey(userId, oldId), {
        condition: '#lastSeen = :seen',
        values: { seen: item['lastSeen'] },
      });
    }),
  );
}

/** Ends what a new connection takes the place of: the same device's older one, and whom there is no more room for. */
async function endReplaced(
  ctx: Context,
  caller: Caller,
  before: Readonly<Record<string, unknown>> | undefined,
): Promise<void> {
  const { userId, deviceId, platform, connectionId } = caller;
  const connections = before?.['page'] ? toMailbox(before).connections : [];
  const own = connections.find(
    (connection) => connection.deviceId === deviceId && connection.connectionId !== connectionId,
  );
  // This one's registration was overtaken by that of its own successor.
  if (own && isNewer(own, caller)) return giveBack(ctx, caller, own);
  const others = connections.filter(
    (connection) => connection.deviceId !== deviceId && connection.platform === platform,
  );
  const holders = [...others, caller].toSorted((left, right) => (isNewer(left, right) ? -1 : 1));
  const replaced = others.filter((other) => holders.indexOf(other) >= roomFor(ctx, platform));
  await Promise.all([
    own && endConnection(ctx, own.connectionId, caller),
    ...replaced.map((connection) => kick(ctx, userId, connection, caller)),
  ]);
}

async function giveBack(ctx: Context, caller: Caller, own: DeviceConnection): Promise<void> {
  await ctx.db.update({
    table: 'Users',
    key: mailboxKey(caller.userId),
    update: 'SET #connection = :newer',
    condition: '#connection = :older',
    names: { connection: deviceAttribute.connection(caller.deviceId) },
    values: { newer: own.stored, older: encodeConnection(caller) },
  });
  await endConnection(ctx, caller.connectionId, own);
}

function roomFor(
  { settings: { devicesPerPlatform } }: Pick<Context, 'settings'>,
  platform: Platform,
): number {
  return typeof devicesPerPlatform === 'number' ? devicesPerPlatform : devicesPerPlatform[platform];
}

interface Connected {
  readonly connectedAt: number;
  readonly connectionId: string;
}

function isNewer(left: Connected, right: Connected): boolean {
  if (left.connectedAt !== right.connectedAt) return left.connectedAt > right.connectedAt;
  return left.connectionId > right.connectionId;
}

function newest<C extends Connected>(connections: readonly C[]): C {
  return connections.reduce((left, right) => (isNewer(right, left) ? right : left));
}

/** Tells first and forgets last: whoever dies in between leaves a connection that is set right later. */
async function kick(
  ctx: Context,
  userId: string,
  connection: DeviceConnection,
  by: DeviceName,
): Promise<void> {
  await endConnection(ctx, connection.connectionId, by);
  await removeConnection(ctx, userId, connection);
}

async function removeConnection(ctx: Context, userId: string, connection: DeviceConnection): Promise<void> {
  await ctx.db.update({
    table: 'Users',
    key: mailboxKey(userId),
    update: 'SET #lastSeen = :now REMOVE #connection',
    condition: '#connection = :stored',
    names: { connection: deviceAttribute.connection(connection.deviceId) },
    values: { stored: connection.stored, now: ctx.now() },
  });
}
