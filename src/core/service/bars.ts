// The app's own backend keeps users out: for a time, or with the tokens that they have. The head says so first, so that no
// connection comes after it; then those that there are end. Whoever dies in between is finished by the repeat.
import type { Refusal } from '../../protocol/errors.ts';
import type { BanRequest, UserRequest } from '../../protocol/service-requests.ts';
import type { Context } from '../context.ts';
import type { Update } from '../database.ts';
import { toMailbox, type Mailbox } from '../mailbox.ts';
import { barAttributes, mailboxKey } from '../tables.ts';
import { endConnections } from './kick.ts';
import { refuseUnknown } from './users.ts';

const BANNED = 'banned';
const REVOKED = 'revoked';

/** @returns until when: milliseconds since the epoch, 0 when the ban is ended. */
export async function banUser(
  ctx: Context,
  { userId, seconds, reason = BANNED }: BanRequest,
): Promise<{ readonly ok: true; readonly until: number } | Refusal> {
  const until = seconds === 0 ? 0 : ctx.now() + seconds * 1_000;
  const mailbox = await changeHead(ctx, userId, {
    update: until === 0 ? 'REMOVE #bannedUntil' : 'SET #bannedUntil = :until',
    ...(until !== 0 && { values: { until } }),
  });
  if (!mailbox) return refuseUnknown(userId);
  if (until !== 0) await endConnections(ctx, userId, mailbox.connections, reason);
  return { ok: true, until };
}

/** Tokens that were issued before now are good no more. */
export async function revokeUser(
  ctx: Context,
  { userId }: UserRequest,
): Promise<{ readonly ok: true } | Refusal> {
  const mailbox = await changeHead(ctx, userId, {
    update: 'SET #revokedAt = :now',
    values: { now: ctx.now() },
  });
  if (!mailbox) return refuseUnknown(userId);
  await endConnections(ctx, userId, mailbox.connections, REVOKED);
  return { ok: true };
}

/** @returns the mailbox after it; `undefined`: there is no such user. */
async function changeHead(
  ctx: Context,
  userId: string,
  change: Pick<Update, 'update' | 'values'>,
): Promise<Mailbox | undefined> {
  const written = await ctx.db.update({
    table: 'Users',
    key: mailboxKey(userId),
    condition: 'attribute_exists(#userId)',
    names: barAttributes,
    ...change,
    returning: 'ALL_NEW',
  });
  return written.ok ? toMailbox(written.item) : undefined;
}
