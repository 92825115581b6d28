// Who has read a message, and who has not: of those to whom it went, other than its author.
import type { ClientFrame } from '../protocol/client-frames.ts';
import { refuse, type Refusal } from '../protocol/errors.ts';
import { parseConversationId, peerOf } from '../protocol/ids.ts';
import { isVoid } from '../protocol/slots.ts';
import type { Answer } from '../protocol/server-frames.ts';
import type { Caller, Context } from './context.ts';
import { readMemberships, refuseStranger, type Membership } from './members.ts';
import { memberIdOf, memberItems } from './tables.ts';
import { readSlots } from './timeline.ts';

/** Members, and former ones of the last days, of a group whose receipts are told. */
const MAX_MEMBERS = 20_000;

interface Reader {
  readonly userId: string;
  readonly readSeq: number;
}

export async function receipts(
  ctx: Context,
  caller: Caller,
  { conversationId, seq, cursor, limit }: ClientFrame<'receipts'>,
): Promise<Answer<'receipts'> | Refusal> {
  const { userId } = caller;
  const membership = (await readMemberships(ctx, [conversationId], userId)).get(conversationId);
  if (!membership) return refuseStranger(conversationId);
  if (membership.group?.cutoverSeq !== undefined) {
    return refuse('too_large', 'conversationId: the group is too large to say who has read what');
  }
  const [slot] =
    seq < membership.member.floorSeq ? [] : await readSlots(ctx, userId, [{ conversationId, seq }]);
  if (!slot || isVoid(slot)) return refuse('not_found', `seq: there is no message ${seq}`);
  const readers = await readersOf(ctx, { conversationId, seq, userId, membership });
  const others = readers.filter((reader) => reader.userId !== slot.from);
  const page = others.filter((reader) => cursor === undefined || reader.userId > cursor).slice(0, limit);
  const hasRead = ({ readSeq }: Reader) => readSeq >= seq;
  const readCount = others.filter(hasRead).length;
  const last = page.at(-1)?.userId;
  return {
    ok: true,
    readCount,
    unreadCount: others.length - readCount,
    read: page.filter(hasRead),
    unread: page.filter((reader) => !hasRead(reader)),
    ...(last !== undefined && others.at(-1)!.userId !== last && { next: last }),
  };
}

interface Asked {
  readonly conversationId: string;
  readonly seq: number;
  readonly userId: string;
  readonly membership: Membership;
}

/** Those to whom it went, in the order of their ids. */
async function readersOf(
  ctx: Context,
  { conversationId, seq, userId, membership }: Asked,
): Promise<readonly Reader[]> {
  const conversation = parseConversationId(conversationId)!;
  if (conversation.kind === 'direct') {
    const peer = peerOf(conversation.users, userId);
    const me = { userId, readSeq: membership.member.readSeq };
    return peer === userId ? [me] : [me, { userId: peer, readSeq: membership.peerReadSeq ?? 0 }];
  }
  const range = { table: 'Conversations', partition: conversationId, ...memberItems } as const;
  const items = await ctx.db.query({ ...range, limit: MAX_MEMBERS });
  return items
    .filter((item) => item['role'] !== undefined && (item['joinedSeq'] as number) <= seq)
    .map((item) => {
      const reader = memberIdOf(item['item'] as string);
      const isShown = item['hidesReads'] === undefined && !membership.member.hidesReads;
      const readSeq = (item['readSeq'] as number | undefined) ?? 0;
      return { userId: reader, readSeq: isShown || reader === userId ? readSeq : 0 };
    });
}
