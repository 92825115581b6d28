// What a list of conversations shows.
import type { Message } from '../protocol/messages.ts';
import { parseConversationId, peerOf } from '../protocol/ids.ts';
import type { ConversationSettings } from '../protocol/server-frames.ts';
import type { ConversationRecord } from './store/schema.ts';

/** A conversation, as this device knows it. */
export interface ConversationSummary extends ConversationSettings {
  /** `d:<userA>:<userB>` or `g:<id>`. */
  readonly conversationId: string;
  readonly kind: 'direct' | 'group';
  /** The other user of a direct conversation. */
  readonly peer?: string;
  /** Of a group. */
  readonly title?: string;
  /** `''`: none. */
  readonly avatar?: string;
  readonly memberCount?: number;
  /** This user is not in the group any more: it stands in no list. */
  readonly left?: boolean;
  /** The newest message that was shown here; it may be recalled. */
  readonly lastMessage: Message | null;
  readonly unread: number;
  /** This user has read everything up to here. */
  readonly readSeq: number;
  /** The other user of a direct conversation has read everything up to here. */
  readonly peerReadSeq: number;
}

const untouched = { pinned: false, muted: false, hidden: false, clearedSeq: 0, draft: '' };

export type Summarized = Pick<ConversationRecord, 'conversationId'> & Partial<ConversationRecord>;

export function summarize(record: Summarized, userId: string): ConversationSummary {
  const { conversationId, unread = 0, last = null, readSeq = 0, peerReadSeq = 0 } = record;
  const parsed = parseConversationId(conversationId);
  return {
    conversationId,
    kind: parsed?.kind ?? 'group',
    ...(parsed?.kind === 'direct' && { peer: peerOf(parsed.users, userId) }),
    ...record.group,
    ...(record.left && { left: true }),
    lastMessage: last,
    unread,
    readSeq,
    peerReadSeq,
    ...(record.settings ?? untouched),
  };
}

/** The other one of a direct conversation: nobody in one with oneself. */
export function peerIn(conversationId: string, userId: string): string | undefined {
  const { peer } = summarize({ conversationId }, userId);
  return peer === userId ? undefined : peer;
}
