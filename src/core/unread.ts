// `unread`: how much a user has not read, exactly.
import { limits } from '../protocol/limits.ts';
import type { Answer } from '../protocol/server-frames.ts';
import type { Caller, Context } from './context.ts';
import { readMemberships, unreadCount } from './members.ts';
import { readViews } from './views.ts';

/** `total` without muted conversations. */
export async function unread(ctx: Context, caller: Pick<Caller, 'userId'>): Promise<Answer<'unread'>> {
  const { unreadConversations } = limits;
  const views = [...(await readViews(ctx, caller.userId, unreadConversations + 1)).values()];
  const counted = views.slice(0, unreadConversations);
  const memberships = await readMemberships(
    ctx,
    counted.map(({ conversationId }) => conversationId),
    caller.userId,
  );
  const sums = { total: 0, muted: 0 };
  for (const { conversationId, muted } of counted) {
    const membership = memberships.get(conversationId);
    if (membership) sums[muted ? 'muted' : 'total'] += await unreadCount(ctx, conversationId, membership);
  }
  return { ok: true, ...sums, complete: views.length <= unreadConversations };
}
