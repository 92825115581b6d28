// Exports: everything that a user may see, as JSON Lines in files, for who asks what is kept of them. One a day.
import type { Refusal } from '../../protocol/errors.ts';
import type { UserRequest } from '../../protocol/service-requests.ts';
import type { Context } from '../context.ts';
import { exportDigest } from '../digest.ts';
import { DAY_MS, expiryAfter } from '../expiry.ts';
import { exportFileKey } from '../media/keys.ts';
import { refuseUnknown } from '../service/users.ts';
import { exportKey, mailboxKey, ttlAttribute } from '../tables.ts';

export interface ExportTask {
  readonly userId: string;
  readonly exportId: string;
}

export interface Exports {
  /** Where exports wait to be made. */
  readonly exports: { send(task: ExportTask): Promise<void> };
}

export interface ExportState {
  readonly ok: true;
  readonly exportId: string;
  readonly state: 'running' | 'done';
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly finishedAt?: number;
  /** In order; when it is done. */
  readonly files: readonly { readonly url: string; readonly expiresAt: number }[];
}

/** The bucket's lifecycle takes the files then (lib/media.ts). */
export const EXPORT_DAYS = 7;

/** Begins today's, or tells of it. */
export async function exportUser(
  ctx: Context & Exports,
  { userId }: UserRequest,
): Promise<ExportState | Refusal> {
  const exportId = exportIdOn(userId, ctx.now());
  const [head, before] = await Promise.all([
    ctx.db.get('Users', mailboxKey(userId), 'eventual'),
    ctx.db.get('Users', exportKey(exportId), 'strong'),
  ]);
  if (!head) return refuseUnknown(userId);
  if (before?.['finishedAt'] !== undefined) {
    const files = Array.from({ length: before['parts'] as number }, (_, part) =>
      ctx.objects.signDownload(exportFileKey(userId, exportId, part), `${userId}-${part + 1}.jsonl`),
    );
    return {
      ok: true,
      exportId,
      state: 'done',
      startedAt: before['startedAt'] as number,
      finishedAt: before['finishedAt'] as number,
      files: await Promise.all(files),
    };
  }
  const startedAt = (before?.['startedAt'] as number | undefined) ?? ctx.now();
  if (!before) {
    await ctx.db.put({
      table: 'Users',
      item: {
        ...exportKey(exportId),
        parts: 0,
        startedAt,
        [ttlAttribute]: expiryAfter(ctx, EXPORT_DAYS),
      },
      condition: 'attribute_not_exists(#userId)',
    });
    // Also when another request was faster, for that one may have died here.
    await ctx.exports.send({ userId, exportId });
  } else if (ctx.now() - startedAt > STALLED_MS) {
    await ctx.exports.send({ userId, exportId });
  }
  return { ok: true, exportId, state: 'running', startedAt, files: [] };
}

/** Who asks again after so long has it carried on, if it was cut short. */
const STALLED_MS = 60_000;

const exportIdOn = (userId: string, now: number) => exportDigest(userId, Math.floor(now / DAY_MS));

/** Those whose files may be there: of today, and of the days before. */
export const exportIdsOf = (userId: string, now: number): string[] =>
  Array.from({ length: EXPORT_DAYS + 1 }, (_, daysAgo) => exportIdOn(userId, now - daysAgo * DAY_MS));
