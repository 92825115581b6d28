// Who is kept out, though their token is good: a user who is banned for a time, and tokens of before a revocation. Both
// stand in the mailbox head, which every connection writes anyway: so looking costs nothing.
import type { Caller, Context } from './context.ts';
import type { Expressions, Item } from './database.ts';
import { barAttributes } from './tables.ts';

export interface Bars {
  /** Milliseconds since the epoch. */
  readonly bannedUntil?: number;
  /** Milliseconds since the epoch: what was issued before it is good no more. */
  readonly revokedAt?: number;
}

export type Bar = 'banned' | 'revoked';

export function toBars(head: Item): Bars {
  const bannedUntil = head[barAttributes.bannedUntil] as number | undefined;
  const revokedAt = head[barAttributes.revokedAt] as number | undefined;
  return {
    ...(bannedUntil !== undefined && { bannedUntil }),
    ...(revokedAt !== undefined && { revokedAt }),
  };
}

export function barOf(ctx: Context, caller: Caller, { bannedUntil, revokedAt }: Bars): Bar | undefined {
  if (bannedUntil !== undefined && bannedUntil > ctx.now()) return 'banned';
  return revokedAt !== undefined && issuedAtMs(caller) < revokedAt ? 'revoked' : undefined;
}

/** The same, as a condition on the mailbox head. */
export const unlessBarred = (ctx: Context, caller: Caller) =>
  ({
    condition:
      '(attribute_not_exists(#bannedUntil) OR #bannedUntil <= :now) AND ' +
      '(attribute_not_exists(#revokedAt) OR #revokedAt <= :issuedAt)',
    names: barAttributes,
    values: { now: ctx.now(), issuedAt: issuedAtMs(caller) },
  }) satisfies Expressions;

/** No token is younger than the connection that it opened. */
const issuedAtMs = ({ issuedAt, connectedAt }: Caller) =>
  issuedAt === undefined ? connectedAt : issuedAt * 1_000;

/** Tells a connection that it is not wanted, and ends it. */
export async function endBarred(ctx: Context, connectionId: string, reason: string): Promise<void> {
  const delivery = await ctx.connections.post(connectionId, { push: 'kicked', reason });
  if (delivery !== 'gone') await ctx.connections.close(connectionId);
}
