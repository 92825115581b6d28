// Members of a large group who are online and do not look at it hear of new messages once in a while. Which time is the
// next stands in an item of the group; whoever finds that none is ahead plans one.
import type { Context } from '../context.ts';
import { headsKey } from '../tables.ts';

/** There is something new in the group: after the last time, and soon or within the interval, its members are told. */
export async function planHeads(ctx: Context, conversationId: string): Promise<void> {
  const now = ctx.now();
  if (ctx.knownGroups.nextHeads(conversationId) > now) return;
  const key = headsKey(conversationId);
  const item = await ctx.db.get('Conversations', key, 'strong');
  const seen = (item?.['due'] as number | undefined) ?? 0;
  ctx.knownGroups.noteHeads(conversationId, seen);
  if (seen > now) return;
  const due = Math.max(now, seen + ctx.settings.headsIntervalMs);
  // In this order: should we die in between, somebody is told twice.
  await ctx.tasks.send([{ kind: 'heads', conversationId }], due - now);
  const written = await ctx.db.update({
    table: 'Conversations',
    key,
    update: 'SET #due = :due',
    condition: 'attribute_not_exists(#due) OR #due = :seen',
    values: { due, seen },
  });
  if (written.ok) ctx.knownGroups.noteHeads(conversationId, due);
}
