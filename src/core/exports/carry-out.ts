// Makes an export, a file at a time: each is written under its number, from where the one before ended. So whoever dies, or runs
// beside another, writes the same file again.
import type { Context } from '../context.ts';
import { exportFileKey } from '../media/keys.ts';
import { exportKey } from '../tables.ts';
import type { ExportTask } from './export.ts';
import { readPage, type Position } from './lines.ts';

const FILE_BYTES = 4 * 1024 * 1024;

/** @returns whether there is more to do: an invocation is not for ever. */
export async function exportFurther(ctx: Context, { userId, exportId }: ExportTask): Promise<boolean> {
  const until = ctx.now() + ctx.settings.workSliceMs;
  const state = await ctx.db.get('Users', exportKey(exportId), 'strong');
  if (!state || state['finishedAt'] !== undefined) return false;
  const part = state['parts'] as number;
  let at: Position | undefined =
    state['at'] === undefined
      ? undefined
      : { conversationId: state['at'] as string, seq: state['seq'] as number };
  const lines: string[] = [];
  let sizeBytes = 0;
  do {
    const page = await readPage(ctx, userId, at);
    lines.push(...page.lines);
    for (const one of page.lines) sizeBytes += Buffer.byteLength(one) + 1;
    at = page.next;
  } while (at && sizeBytes < FILE_BYTES && ctx.now() < until);
  if (lines.length > 0) {
    const content = lines.map((one) => `${one}\n`).join('');
    await ctx.objects.put(exportFileKey(userId, exportId, part), content, 'application/jsonl');
  }
  const parts = part + (lines.length > 0 ? 1 : 0);
  const moved = await ctx.db.update({
    table: 'Users',
    key: exportKey(exportId),
    update: at
      ? 'SET #parts = :parts, #at = :at, #seq = :seq'
      : 'SET #parts = :parts, #finishedAt = :now REMOVE #at, #seq',
    condition: '#parts = :seen AND attribute_not_exists(#finishedAt)',
    values: {
      parts,
      seen: part,
      ...(at ? { at: at.conversationId, seq: at.seq } : { now: ctx.now() }),
    },
  });
  return moved.ok && at !== undefined;
}
