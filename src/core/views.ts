// A user's own view of a conversation: pinned, muted, hidden, cleared, and a draft. Nobody else sees it.
import { parseConversationId, peerOf } from '../protocol/ids.ts';
import type { ConversationSettings } from '../protocol/server-frames.ts';
import type { Context } from './context.ts';
import { toHead, type ConversationHead } from './conversations.ts';
import type { Item } from './database.ts';
import { conversationIdOf, draftKey, headKey, viewItems, viewKey } from './tables.ts';

export interface View {
  readonly conversationId: string;
  readonly pinned: boolean;
  readonly muted: boolean;
  /** Hidden when the conversation held so many messages: so it is, until it holds more. */
  readonly hiddenAt?: number;
  /** 0 = nothing is cleared. */
  readonly clearedSeq: number;
  /** The draft itself stands in an item of its own. */
  readonly hasDraft: boolean;
  /** How often it was changed, and up to which change the user's devices were told. */
  readonly version: number;
  readonly toldVersion: number;
}

export function toView(item: Item): View {
  const hiddenAt = item['hiddenAt'] as number | undefined;
  return {
    conversationId: conversationIdOf(item['item'] as string),
    pinned: item['pinned'] === true,
    muted: item['muted'] === true,
    ...(hiddenAt !== undefined && { hiddenAt }),
    clearedSeq: (item['clearedSeq'] as number | undefined) ?? 0,
    hasDraft: item['hasDraft'] === true,
    version: (item['version'] as number | undefined) ?? 0,
    toldVersion: (item['toldVersion'] as number | undefined) ?? 0,
  };
}

/** At most so many, by conversation; those that come first by id. */
export async function readViews(ctx: Context, userId: string, limit: number): Promise<Map<string, View>> {
  const items = await ctx.db.query({ table: 'Users', partition: userId, ...viewItems, limit });
  return new Map(items.map(toView).map((view) => [view.conversationId, view]));
}

/** Of a conversation that the user has not touched: all as by default. */
export const untouched = (conversationId: string): View => toView({ item: viewKey('', conversationId).item });

/** Messages that were numbered so far; what only tells of a change of others brings no conversation back. */
export const messagesIn = ({ seq, controls }: Pick<ConversationHead, 'seq' | 'controls'>) => seq - controls;

export function isHidden({ hiddenAt }: View, head: Pick<ConversationHead, 'seq' | 'controls'>): boolean {
  return hiddenAt !== undefined && messagesIn(head) <= hiddenAt;
}

export function toSettings(
  view: View,
  head: Pick<ConversationHead, 'seq' | 'controls'>,
  draft: string,
): ConversationSettings {
  const { pinned, muted, clearedSeq } = view;
  return { pinned, muted, hidden: isHidden(view, head), clearedSeq, draft };
}

/** As they are now, by conversation. */
export async function readSettings(
  ctx: Context,
  userId: string,
  conversationIds: readonly string[],
): Promise<Map<string, ConversationSettings>> {
  if (conversationIds.length === 0) return new Map();
  const [users, heads] = await Promise.all([
    ctx.db.batchGet(
      'Users',
      conversationIds.flatMap((id) => [viewKey(userId, id), draftKey(userId, id)]),
    ),
    ctx.db.batchGet('Conversations', conversationIds.map(headKey)),
  ]);
  const find = (key: { item: string }) => users.find((item) => item['item'] === key.item);
  return new Map(
    conversationIds.flatMap((conversationId) => {
      const head = heads.find((item) => item['conversationId'] === conversationId);
      if (!head) return [];
      const item = find(viewKey(userId, conversationId));
      const view = item ? toView(item) : untouched(conversationId);
      const draft = find(draftKey(userId, conversationId))?.['text'] as string | undefined;
      return [[conversationId, toSettings(view, toHead(head), draft ?? '')]];
    }),
  );
}

/** How mailbox entries name a conversation: a direct one by the peer alone. */
export function peerIn(conversationId: string, userId: string): { peer?: string } {
  const conversation = parseConversationId(conversationId);
  if (conversation?.kind !== 'direct') return {};
  return { peer: peerOf(conversation.users, userId) };
}
