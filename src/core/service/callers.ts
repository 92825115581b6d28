// Who calls the service API: backends, by the ARN that they sign as, and how often each may.
import { refuse, type Refusal } from '../../protocol/errors.ts';
import type { Caller, Context } from '../context.ts';
import { callerDigest } from '../digest.ts';
import { callerRateKey, ttlAttribute } from '../tables.ts';

const MINUTE_MS = 60_000;

/** Of no user: all devices of who is named as the sender are told. */
export const SERVICE_DEVICE = '@service';

/** Counts a call; refuses it when this caller has had its share of the minute. One write, whoever else calls meanwhile. */
export async function takeCallerTurn(ctx: Context, arn: string): Promise<Refusal | undefined> {
  const now = ctx.now();
  const minute = Math.floor(now / MINUTE_MS);
  const limit = ctx.settings.serviceRequestsPerMinute;
  const counted = await ctx.db.update({
    table: 'Users',
    key: callerRateKey(callerDigest(arn), minute),
    update: 'SET #expiresAt = :expiresAt ADD #count :one',
    condition: 'attribute_not_exists(#count) OR #count < :limit',
    names: { expiresAt: ttlAttribute },
    values: { one: 1, limit, expiresAt: (minute + 2) * (MINUTE_MS / 1_000) },
  });
  if (counted.ok) return undefined;
  return refuse('rate_limited', `more than ${limit} requests of this caller in a minute`, {
    retryAfterMs: (minute + 1) * MINUTE_MS - now,
  });
}

/** The backend acts as a user, from no device of theirs. */
export const actingAs = (ctx: Context, userId: string): Caller => ({
  userId,
  deviceId: SERVICE_DEVICE,
  platform: 'bot',
  connectionId: '',
  connectedAt: ctx.now(),
  expiresAt: Infinity,
  arrivedAt: ctx.now(),
});
