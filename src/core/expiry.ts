// Lifetimes: DynamoDB's TTL takes epoch seconds, and deletes within days, so readers filter what has expired.
import type { Context } from './context.ts';
import type { Item } from './database.ts';
import { ttlAttribute } from './tables.ts';

const DAY_SECONDS = 86_400;
/** Clocks differ: for so long is a token good before its `nbf` and after its `exp`. */
export const TOKEN_LEEWAY_SECONDS = 5;
export const DAY_MS = DAY_SECONDS * 1_000;

/** The value of `expiresAt` for something that lives that many days from now. */
export function expiryAfter(ctx: Context, days: number): number {
  return Math.floor(ctx.now() / 1000) + days * DAY_SECONDS;
}

/** Who has not been here for as long as the mailbox keeps entries begins anew anyway. */
export const deviceExpiry = (ctx: Context) => expiryAfter(ctx, ctx.settings.mailboxRetentionDays);

/** `expiresAt`: a token's `exp`, in epoch seconds. */
export function isTokenOver(expiresAt: number, now: number): boolean {
  return (expiresAt + TOKEN_LEEWAY_SECONDS) * 1000 <= now;
}

export function hasExpired(ctx: Context, item: Item): boolean {
  const expiresAt = item[ttlAttribute] as number | undefined;
  return expiresAt !== undefined && expiresAt * 1000 <= ctx.now();
}
