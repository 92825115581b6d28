// What a list of conversations shows.
import type { Message } from '../protocol/messages.ts';
import { parseConversationId, peerOf } from '../protocol/ids.ts';
import type { ConversationRecord } from './store/schema.ts';

/** A conversation, as this device knows it. */
export interface ConversationSummary {
  /** `d:<userA>:<userB>` or `g:<id>`. */
  readonly conversationId: string;
  readonly kind: 'direct' | 'group';
  /** The other user of a direct conversation. */
  readonly peer?: string;
  /** The newest message that was shown here. */
  readonly lastMessage: Message | null;
  readonly unread: number;
}

export function summarize(
  { conversationId, unread, last }: Pick<ConversationRecord, 'conversationId' | 'unread' | 'last'>,
  userId: string,
): ConversationSummary {
  const parsed = parseConversationId(conversationId);
  return {
    conversationId,
    kind: parsed?.kind ?? 'group',
    ...(parsed?.kind === 'direct' && { peer: peerOf(parsed.users, userId) }),
    lastMessage: last,
    unread,
  };
}
