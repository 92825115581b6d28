// A file belongs to the first message of its uploader that names it: from then on it is kept as long as the message, and
// goes with it. An item beside the conversation's head says which that is.
import type { Context } from '../context.ts';
import { hasExpired } from '../expiry.ts';
import { mediaKey, ttlAttribute } from '../tables.ts';
import { messageExpiry } from '../timeline.ts';
import { mediaOf, type Naming } from './keys.ts';

export interface Binding {
  /** Who uploaded it. */
  readonly from: string;
  readonly name: string;
  /** Absent: no message names it yet. */
  readonly seq?: number;
}

/** Strong: it may have been written a moment ago. */
export async function readBinding(
  ctx: Context,
  { conversationId, id }: { readonly conversationId: string; readonly id: string },
): Promise<Binding | undefined> {
  const item = await ctx.db.get('Conversations', mediaKey(conversationId, id), 'strong');
  if (!item || hasExpired(ctx, item)) return undefined;
  const seq = item['seq'] as number | undefined;
  return {
    from: item['from'] as string,
    name: item['name'] as string,
    ...(seq !== undefined && { seq }),
  };
}

/** Idempotent. Nothing where the file is another's, another message's, or not there. */
export async function bindMedia(ctx: Context, message: Naming): Promise<void> {
  const media = mediaOf(message);
  if (!media) return;
  const { seq, from } = message;
  const { [ttlAttribute]: expiresAt } = messageExpiry(ctx);
  const bound = await ctx.db.update({
    table: 'Conversations',
    key: mediaKey(media.conversationId, media.id),
    update: expiresAt === undefined ? 'SET #seq = :seq REMOVE #end' : 'SET #seq = :seq, #end = :end',
    condition: '#from = :from AND (attribute_not_exists(#seq) OR #seq = :seq)',
    names: { end: ttlAttribute },
    values: { seq, from, ...(expiresAt !== undefined && { end: expiresAt }) },
  });
  if (bound.ok) await ctx.objects.keep(media.key);
}

/** The file goes, and after it what is known of it: so whoever repeats it ends what was begun. */
export async function deleteMedia(ctx: Context, message: Naming): Promise<void> {
  const media = mediaOf(message);
  const binding = media && (await readBinding(ctx, media));
  if (!binding || binding.from !== message.from || (binding.seq ?? message.seq) !== message.seq) return;
  await ctx.objects.delete(media.key);
  await ctx.db.delete('Conversations', mediaKey(media.conversationId, media.id), {});
}
