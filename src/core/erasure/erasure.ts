// Erasing a user: first nobody gets in any more, then everything of theirs goes, bit by bit, in an order in which what is left
// always says what is still to be done. So it may die anywhere, and be run again.
import type { Refusal } from '../../protocol/errors.ts';
import type { UserRequest } from '../../protocol/service-requests.ts';
import type { Context } from '../context.ts';
import { erasureDigest } from '../digest.ts';
import { DAY_MS, expiryAfter } from '../expiry.ts';
import { endConnections } from '../service/kick.ts';
import { refuseUnknown } from '../service/users.ts';
import { toMailbox } from '../mailbox.ts';
import { barAttributes, erasureKey, mailboxKey, ttlAttribute } from '../tables.ts';

export interface ErasureTask {
  readonly userId: string;
}

export interface Erasures {
  /** Where erasures wait to be carried out. */
  readonly erasures: { send(task: ErasureTask): Promise<void> };
}

const REASON = 'erased';
/** Until they are erased, which takes minutes. */
const SHUT_OUT_DAYS = 30;
const KEPT_DAYS = 30;

/** The same request again has it carried out further, if it is not done. */
export async function eraseUser(
  ctx: Context & Erasures,
  { userId }: UserRequest,
): Promise<{ readonly ok: true; readonly erasureId: string } | Refusal> {
  const erasureId = erasureDigest(userId);
  const now = ctx.now();
  const shut = await ctx.db.update({
    table: 'Users',
    key: mailboxKey(userId),
    update: 'SET #bannedUntil = :until, #revokedAt = :now',
    condition: 'attribute_exists(#userId)',
    names: barAttributes,
    values: { until: now + SHUT_OUT_DAYS * DAY_MS, now },
    returning: 'ALL_NEW',
  });
  if (!shut.ok) {
    const before = await ctx.db.get('Users', erasureKey(erasureId), 'strong');
    return before ? { ok: true, erasureId } : refuseUnknown(userId);
  }
  await ctx.db.put({
    table: 'Users',
    item: { ...erasureKey(erasureId), startedAt: now, [ttlAttribute]: expiryAfter(ctx, KEPT_DAYS) },
  });
  await ctx.erasures.send({ userId });
  await endConnections(ctx, userId, toMailbox(shut.item).connections, REASON);
  return { ok: true, erasureId };
}
