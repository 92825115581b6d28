// Tells who watches a user that they came or went: at once, and then at most once a second, however often they come and go.
//
//   changes   x    x  x x        x
//   told      x         x        x      the one in the middle is due a second after the first, and tells what is so by then
//
// Who changes within that second and finds none due makes itself due, and waits; the others leave it to that one. It gives
// up its place before it looks, so that whoever finds it taken has written before that look.
import type { Presence, Push } from '../../protocol/server-frames.ts';
import { announceTo } from '../announce.ts';
import type { Context } from '../context.ts';
import type { Item } from '../database.ts';
import { hasExpired } from '../expiry.ts';
import { mailboxKey, presenceKey, ttlAttribute, watchItems, watchItemsOf } from '../tables.ts';
import { liveConnections, presenceOf } from './presence.ts';

const INTERVAL_MS = 1_000;
/** Who is due and has not told after so long has died. */
const PATIENCE_MS = 2_000;
const ITEM_SECONDS = 3_600;
/** Watching devices that are told; of more, those that come first by id. */
const MAX_WATCHERS = 1_000;
/** Of one watcher. */
const MAX_DEVICES = 100;
const MAX_ROUNDS = 5;

/** After the mailbox head was written. `online`: as that write left them. */
export async function tellPresence(ctx: Context, userId: string, online: boolean): Promise<void> {
  const [someone] = await readWatches(ctx, userId, 1);
  if (!someone) return;
  for (let round = 1; round <= MAX_ROUNDS; round++) {
    const turn = await takeTurn(ctx, userId, online);
    if (turn === 'left') return;
    if (turn !== 'again') return tellNow(ctx, userId, turn);
    await ctx.backOff(round);
  }
}

/** Those of a watcher whom the user has blocked: to them, the user goes now. */
export async function endWatches(ctx: Context, userId: string, watcher: string): Promise<void> {
  const range = { table: 'Users', partition: userId, ...watchItemsOf(watcher), limit: MAX_DEVICES } as const;
  const watches = await ctx.db.query(range);
  if (watches.length === 0) return;
  await Promise.all(watches.map((watch) => deleteWatch(ctx, userId, watch)));
  const [head] = await ctx.db.batchGet('Users', [mailboxKey(userId)]);
  // Whom they took for offline anyway, they hear nothing of.
  if (!presenceOf(ctx, userId, head).online) return;
  const told = watches.filter((watch) => !hasExpired(ctx, watch)).map(connectionOf);
  await announceTo(ctx, told, { push: 'presence', userId, online: false, since: ctx.now() });
}

interface Turn {
  readonly toldAt: number;
  /** What those who watch were told last, or are about to be. */
  readonly told: boolean;
  /** Also if that is so. */
  readonly isTransition: boolean;
}

async function takeTurn(ctx: Context, userId: string, online: boolean): Promise<Turn | 'left' | 'again'> {
  const now = ctx.now();
  const item = { table: 'Users', key: presenceKey(userId) } as const;
  const first = await ctx.db.update({
    ...item,
    update: 'SET #toldAt = :now, #told = :online, #expiresAt = :expiresAt REMOVE #dueAt',
    condition:
      '(attribute_not_exists(#toldAt) OR #toldAt <= :past) AND (attribute_not_exists(#dueAt) OR #dueAt <= :dead)',
    names: { expiresAt: ttlAttribute },
    values: {
      now,
      online,
      expiresAt: Math.ceil(now / 1_000) + ITEM_SECONDS,
      past: now - INTERVAL_MS,
      dead: now - PATIENCE_MS,
    },
  });
  if (first.ok) return { toldAt: now, told: online, isTransition: true };
  const taken = first.item?.['dueAt'] as number | undefined;
  if (taken !== undefined && taken > now - PATIENCE_MS) return 'left';
  const toldAt = first.item?.['toldAt'] as number | undefined;
  if (toldAt === undefined) return 'again';
  const due = toldAt + INTERVAL_MS;
  const claimed = await ctx.db.update({
    ...item,
    update: 'SET #dueAt = :due',
    condition: `#toldAt = :toldAt AND ${taken === undefined ? 'attribute_not_exists(#dueAt)' : '#dueAt = :taken'}`,
    values: { due, toldAt, ...(taken !== undefined && { taken }) },
  });
  if (!claimed.ok) return 'again';
  // Not longer, whatever another one's clock says.
  await ctx.wait(Math.min(Math.max(due - ctx.now(), 0), INTERVAL_MS));
  const at = Math.max(ctx.now(), due);
  const released = await ctx.db.update({
    ...item,
    update: 'SET #toldAt = :at REMOVE #dueAt',
    condition: '#dueAt = :due',
    values: { at, due },
    returning: 'ALL_NEW',
  });
  if (!released.ok) return 'left';
  return { toldAt: at, told: released.item['told'] as boolean, isTransition: false };
}

async function tellNow(ctx: Context, userId: string, { toldAt, told, isTransition }: Turn): Promise<void> {
  const [head] = await ctx.db.batchGet('Users', [mailboxKey(userId)]);
  const now = presenceOf(ctx, userId, head);
  if (now.online === told && !isTransition) return;
  if (now.online !== told) {
    const noted = await ctx.db.update({
      table: 'Users',
      key: presenceKey(userId),
      update: 'SET #told = :online',
      condition: '#toldAt = :toldAt',
      values: { online: now.online, toldAt },
    });
    // A later one tells, and compares with what was noted.
    if (!noted.ok) return;
  }
  const push: Push = { push: 'presence', userId, online: now.online, since: sinceOf(ctx, now, head) };
  await pushToWatchers(ctx, userId, push);
}

function sinceOf(ctx: Context, { online, lastSeen }: Presence, head: Item | undefined): number {
  if (!online || !head) return lastSeen ?? ctx.now();
  return Math.min(...liveConnections(ctx, head).map(({ connectedAt }) => connectedAt));
}

async function pushToWatchers(ctx: Context, userId: string, push: Push): Promise<void> {
  const watches = await readWatches(ctx, userId, MAX_WATCHERS);
  const pushes = ctx.connections.startPushes();
  const told = watches
    .filter((watch) => !hasExpired(ctx, watch))
    .map(async (watch) => {
      const delivery = await pushes.push(connectionOf(watch), push);
      if (delivery === 'gone') await deleteWatch(ctx, userId, watch);
    });
  pushes.lastCall();
  await Promise.all(told);
}

/** One that was made a moment ago may be missing: its watcher read the state after making it. */
function readWatches(ctx: Context, userId: string, limit: number): Promise<Item[]> {
  return ctx.db.query({ table: 'Users', partition: userId, ...watchItems, limit, read: 'eventual' });
}

const connectionOf = (watch: Item) => watch['connectionId'] as string;

/** Unless its device has opened another connection meanwhile, and watches over that. */
function deleteWatch(ctx: Context, userId: string, watch: Item) {
  return ctx.db.delete(
    'Users',
    { userId, item: watch['item'] as string },
    { condition: '#connectionId = :connectionId', values: { connectionId: connectionOf(watch) } },
  );
}
