// `preferences`: what a user wants of the service, on all of their devices.
import type { ClientFrame } from '../../protocol/client-frames.ts';
import { refuse, type Refusal } from '../../protocol/errors.ts';
import type { Answer, Preferences } from '../../protocol/server-frames.ts';
import type { Caller, Context } from '../context.ts';
import type { Item } from '../database.ts';
import { takeTurn } from '../rate.ts';
import { mailboxKey, unwantedAttributes } from '../tables.ts';
import { tellPresence } from './presence-pushes.ts';
import { spreadReceipts } from './spread-receipts.ts';
import { toPreferences } from './wishes.ts';

/** Each is a write to each of the user's conversations. */
const RECEIPTS_PER_MINUTE = 20;

export async function preferences(
  ctx: Context,
  caller: Caller,
  request: ClientFrame<'preferences'>,
): Promise<Answer<'preferences'> | Refusal> {
  const { userId } = caller;
  const before = await ctx.db.get('Users', mailboxKey(userId), 'strong');
  if (!before) throw new Error('A connected user has no mailbox');
  const changed = changesOf(request, toPreferences(before));
  if (changed.includes('receipts')) {
    const limited = await takeTurn(ctx, userId, { name: 'receipts', perMinute: RECEIPTS_PER_MINUTE });
    if (limited) {
      return refuse('rate_limited', 'receipts: was changed too often', { retryAfterMs: limited.waitMs });
    }
  }
  const head = changed.length > 0 ? await write(ctx, userId, request, changed) : before;
  if (changed.includes('presence')) await tellPresence(ctx, userId, request.presence === true);
  // Also what was changed before by a try that died here.
  const now = await spreadReceipts(ctx, head);
  if (!now) return refuse('unavailable', 'receipts: is being changed by another device, try again');
  return { ok: true, ...toPreferences(now) };
}

type Name = keyof Preferences;
type Wanted = Pick<ClientFrame<'preferences'>, Name>;

function changesOf(request: Wanted, now: Preferences): Name[] {
  const names = Object.keys(unwantedAttributes) as Name[];
  return names.filter((name) => request[name] !== undefined && request[name] !== (now[name] ?? true));
}

async function write(ctx: Context, userId: string, request: Wanted, changed: readonly Name[]): Promise<Item> {
  const sets = changed.filter((name) => !request[name]).map((name) => `#${name} = :one`);
  const removes = changed.filter((name) => request[name]).map((name) => `#${name}`);
  if (changed.includes('receipts')) {
    sets.push('#receiptsVersion = if_not_exists(#receiptsVersion, :none) + :one');
  }
  const written = await ctx.db.update({
    table: 'Users',
    key: mailboxKey(userId),
    update: [
      sets.length > 0 ? `SET ${sets.join(', ')}` : '',
      removes.length > 0 ? `REMOVE ${removes.join(', ')}` : '',
    ].join(' '),
    names: unwantedAttributes,
    values: {
      ...(sets.length > 0 && { one: 1 }),
      ...(changed.includes('receipts') && { none: 0 }),
    },
    returning: 'ALL_NEW',
  });
  if (!written.ok) throw new Error('An update without a condition was refused');
  return written.item;
}
