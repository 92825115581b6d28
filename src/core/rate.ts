// How often a user may do what is dear or tells about others: the generic cell rate algorithm in one small item.
import type { Context } from './context.ts';
import { ttlAttribute, rateKey } from './tables.ts';

export interface Rate {
  /** Names the item. */
  readonly name: string;
  /** Steadily, and so many at once. */
  readonly perMinute: number;
}

/** Races that are lost to the same user's other requests before it counts as too often. */
const MAX_ROUNDS = 4;
const MINUTE_MS = 60_000;

/** Takes a turn; or says how long to wait for the next, in milliseconds. */
export async function takeTurn(
  ctx: Context,
  userId: string,
  { name, perMinute }: Rate,
): Promise<{ readonly waitMs: number } | undefined> {
  const intervalMs = MINUTE_MS / perMinute;
  const burstMs = intervalMs * (perMinute - 1);
  const now = ctx.now();
  const write = (update: string, condition: string, values: Record<string, number>) =>
    ctx.db.update({
      table: 'Users',
      key: rateKey(userId, name),
      update: `SET #due = ${update}, #expiresAt = :expiresAt`,
      condition,
      names: { expiresAt: ttlAttribute },
      values: { ...values, expiresAt: Math.ceil((now + 2 * MINUTE_MS) / 1_000) },
    });

  let written = await write(':next', 'attribute_not_exists(#due) OR #due <= :now', {
    now,
    next: now + intervalMs,
  });
  for (let round = 1; !written.ok; round++) {
    const due = (written.item?.['due'] as number | undefined) ?? now;
    if (due - now > burstMs || round > MAX_ROUNDS)
      return { waitMs: Math.ceil(Math.max(due - now - burstMs, 1)) };
    written = await write('#due + :interval', '#due = :seen', { seen: due, interval: intervalMs });
  }
  return undefined;
}
