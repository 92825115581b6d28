// Which devices take push notifications, and where. A push token is one device's: who registers it takes it from whoever
// had it before, another user included, for a telephone that changes hands keeps its token.
import { refuse, type Refusal } from '../protocol/errors.ts';
import type { ClientFrame } from '../protocol/client-frames.ts';
import { limits } from '../protocol/limits.ts';
import type { Answer } from '../protocol/server-frames.ts';
import type { Caller, Context } from './context.ts';
import type { Item } from './database.ts';
import { pushTokenDigest } from './digest.ts';
import { toMailbox, type Mailbox } from './mailbox.ts';
import {
  deviceAttribute,
  deviceIdOf,
  deviceKey,
  mailboxKey,
  offlineKey,
  pushTargetKey,
  pushTokenKey,
} from './tables.ts';

const DEFAULT_PROVIDER = 'webhook';
/** Others that register the very same token meanwhile. */
const MAX_ROUNDS = 4;

interface Holder {
  readonly userId: string;
  readonly deviceId: string;
}

/** Where to notify a device. */
export interface PushTarget {
  readonly provider: string;
  readonly pushToken: string;
}

/** Registers the caller's device for push notifications, or takes it back. */
export async function registerForPush(
  ctx: Context,
  caller: Caller,
  request: ClientFrame<'device'>,
): Promise<Answer<'device'> | Refusal> {
  const { userId, deviceId } = caller;
  if (request.remove) {
    await unregister(ctx, { userId, deviceId });
    return { ok: true };
  }
  if (request.pushToken === undefined) {
    return refuse('bad_request', 'pushToken: is needed, unless remove is true');
  }
  const target = { provider: request.provider ?? DEFAULT_PROVIDER, pushToken: request.pushToken };
  if (!(await takeToken(ctx, { userId, deviceId }, target))) {
    return refuse('unavailable', 'pushToken: is being registered by another device, try again');
  }
  const [before, mailbox] = await Promise.all([
    ctx.db.update({
      table: 'Users',
      key: pushTargetKey(userId, deviceId),
      update: 'SET #pushToken = :pushToken, #provider = :provider',
      values: { ...target },
      returning: 'ALL_OLD',
    }),
    ctx.db.update({
      table: 'Users',
      key: mailboxKey(userId),
      update: 'SET #push = :yes',
      names: { push: deviceAttribute.push(deviceId) },
      values: { yes: 1 },
      returning: 'ALL_NEW',
    }),
  ]);
  await Promise.all([
    leaveToken(ctx, { userId, deviceId }, before.item, target),
    mailbox.ok && makeRoom(ctx, toMailbox(mailbox.item), deviceId),
  ]);
  return { ok: true };
}

/** Takes the token from its holder first and notes the new one last, so that a try that dies in between is finished by the next. */
async function takeToken(ctx: Context, holder: Holder, target: PushTarget): Promise<boolean> {
  const key = pushTokenKey(tokenDigest(target));
  for (let round = 1; round <= MAX_ROUNDS; round++) {
    if (round > 1) await ctx.backOff(round);
    const [item] = await ctx.db.batchGet('Users', [key]);
    const seen = (item?.['holder'] as string | undefined) ?? '';
    if (seen === encodeHolder(holder)) return true;
    if (seen) await unregister(ctx, decodeHolder(seen), target);
    const written = await ctx.db.update({
      table: 'Users',
      key,
      update: 'SET #holder = :holder',
      condition: 'attribute_not_exists(#holder) OR #holder = :seen',
      values: { holder: encodeHolder(holder), seen },
    });
    if (written.ok) return true;
  }
  return false;
}

/**
 * Notifies a device no more, and forgets what waits for it.
 * @param target only if the device still has that token.
 */
export async function unregister(
  ctx: Context,
  { userId, deviceId }: Holder,
  target?: PushTarget,
): Promise<void> {
  const key = pushTargetKey(userId, deviceId);
  const [before] = await ctx.db.batchGet('Users', [key]);
  if (target && !(before && holds(before, target))) return;
  await ctx.db.update({
    table: 'Users',
    key: mailboxKey(userId),
    update: 'REMOVE #push',
    condition: 'attribute_exists(#push)',
    names: { push: deviceAttribute.push(deviceId) },
  });
  await Promise.all([
    ctx.db.delete('OfflineQueue', offlineKey(userId, deviceId), {}),
    ctx.db.delete('Users', key, {}),
    leaveToken(ctx, { userId, deviceId }, before, target),
  ]);
}

/** A device has another token than before: the old one is nobody's. */
async function leaveToken(
  ctx: Context,
  holder: Holder,
  before: Item | undefined,
  target: PushTarget | undefined,
): Promise<void> {
  if (before?.['pushToken'] === undefined) return;
  if (target && holds(before, target)) return;
  await ctx.db.delete('Users', pushTokenKey(tokenDigest(before as unknown as PushTarget)), {
    condition: '#holder = :holder',
    values: { holder: encodeHolder(holder) },
  });
}

/** Of more devices than there is room for, those that were seen longest ago go. */
async function makeRoom(ctx: Context, { userId, pushDevices }: Mailbox, newcomer: string): Promise<void> {
  const tooMany = pushDevices.length - limits.pushDevices;
  if (tooMany <= 0) return;
  const others = pushDevices.filter((deviceId) => deviceId !== newcomer);
  const items = await ctx.db.batchGet(
    'Users',
    others.map((deviceId) => deviceKey(userId, deviceId)),
  );
  const lastSeen = new Map(
    items.map((item) => [deviceIdOf(item['item'] as string), item['lastSeen'] as number]),
  );
  const leaving = others
    .toSorted((left, right) => (lastSeen.get(left) ?? 0) - (lastSeen.get(right) ?? 0))
    .slice(0, tooMany);
  await Promise.all(leaving.map((deviceId) => unregister(ctx, { userId, deviceId })));
}

const holds = (item: Item, { provider, pushToken }: PushTarget) =>
  item['pushToken'] === pushToken && item['provider'] === provider;
const tokenDigest = ({ provider, pushToken }: PushTarget) => pushTokenDigest(provider, pushToken);
/** Neither id has a space in it. */
const encodeHolder = ({ userId, deviceId }: Holder) => `${userId} ${deviceId}`;

function decodeHolder(holder: string): Holder {
  const [userId = '', deviceId = ''] = holder.split(' ');
  return { userId, deviceId };
}
