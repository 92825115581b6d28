// Conversations and who is in them: opening a direct conversation, and a member's own item.
import { refuse, type Refusal } from '../protocol/errors.ts';
import { peerOf, type ConversationRef } from '../protocol/ids.ts';
import type { Caller, Context } from './context.ts';
import type { Item, TransactionPart } from './database.ts';
import { HEAD, itemKey } from './tables.ts';
import type { TimelineHead } from './timeline.ts';
import type { Window } from './window.ts';

export interface Member {
  /** Lowest seq that this member may see. */
  readonly joinedSeq: number;
  readonly readSeq: number;
  readonly readCounted: number;
  readonly window: Window;
}

export interface ConversationHead extends TimelineHead {
  /** Counted slots that hold nothing to read any more: voided or recalled. */
  readonly uncounted: ReadonlySet<number>;
}

/** A member and the conversation, in one consistent read of each. */
export interface Membership {
  readonly head: ConversationHead;
  readonly member: Member;
}

export const memberKey = (conversationId: string, userId: string) => ({
  conversationId,
  item: itemKey.member(userId),
});

export async function readMember(
  ctx: Context,
  conversationId: string,
  userId: string,
  read: 'strong' | 'eventual',
): Promise<Member | undefined> {
  const item = await ctx.db.get('Conversations', memberKey(conversationId, userId), read);
  return item && toMember(item);
}

/** Head and membership of each conversation that the user is in; those that it is not in are missing. */
export async function readMemberships(
  ctx: Context,
  conversationIds: readonly string[],
  userId: string,
): Promise<Map<string, Membership>> {
  const items = await ctx.db.batchGet(
    'Conversations',
    conversationIds.flatMap((conversationId) => [
      { conversationId, item: HEAD },
      memberKey(conversationId, userId),
    ]),
  );
  const heads = new Map<string, Item>();
  const members = new Map<string, Item>();
  for (const item of items) {
    (item['item'] === HEAD ? heads : members).set(item['conversationId'] as string, item);
  }
  return new Map(
    [...members].flatMap(([conversationId, member]) => {
      const head = heads.get(conversationId);
      return head ? [[conversationId, { head: toHead(head), member: toMember(member) }] as const] : [];
    }),
  );
}

/** Exact, from numbers alone (I6): counted slots above the read position that still hold something to read. */
export function unreadCount({ head, member }: Membership): number {
  const gone = [...head.uncounted].filter((seq) => seq > member.readSeq).length;
  return head.counted - member.readCounted - gone;
}

/**
 * Creates a direct conversation, in one transaction with both members and both views of it. The peer must exist
 * and not block the caller. A conversation that someone else just created is as good.
 */
export async function openDirectConversation(
  ctx: Context,
  caller: Caller,
  conversation: ConversationRef & { kind: 'direct' },
): Promise<Refusal | undefined> {
  const { conversationId, users } = conversation;
  const peer = peerOf(users, caller.userId);
  const parts: TransactionPart[] = [
    {
      kind: 'put',
      table: 'Conversations',
      item: { conversationId, item: HEAD, kind: 'direct', seq: 0, counted: 0, at: ctx.now() },
      condition: 'attribute_not_exists(#conversationId)',
    },
    {
      kind: 'check',
      table: 'Users',
      key: { userId: peer, item: HEAD },
      condition: 'attribute_exists(#userId)',
    },
    {
      kind: 'check',
      table: 'Users',
      key: { userId: peer, item: itemKey.block(caller.userId) },
      condition: 'attribute_not_exists(#userId)',
    },
    ...[...new Set(users)].flatMap((userId): TransactionPart[] => [
      { kind: 'put', table: 'Conversations', item: { ...memberKey(conversationId, userId), ...newMember } },
      {
        kind: 'put',
        table: 'Users',
        item: { userId, item: itemKey.conversationView(conversationId), kind: 'direct' },
      },
    ]),
  ];
  const written = await ctx.db.transact(parts);
  if (written.ok || written.failed[0]) return undefined;
  if (written.failed[1]) return refuse('user_not_found', `to: there is no user ${peer}`);
  return refuse('blocked', `to: ${peer} does not take messages from you`);
}

const newMember = {
  role: 'member',
  joinedSeq: 1,
  readSeq: 0,
  readCounted: 0,
  window: [],
} as const;

export function toMember(item: Item): Member {
  return {
    joinedSeq: item['joinedSeq'] as number,
    readSeq: item['readSeq'] as number,
    readCounted: item['readCounted'] as number,
    window: item['window'] as Window,
  };
}

function toHead(item: Item): ConversationHead {
  return {
    seq: item['seq'] as number,
    counted: item['counted'] as number,
    at: item['at'] as number,
    uncounted: (item['uncounted'] as Set<number> | undefined) ?? new Set(),
  };
}
