// Whether a device is told of a conversation, as things stand at that moment, and of how much.
import type { Message } from '../../protocol/messages.ts';
import { isVoid } from '../../protocol/slots.ts';
import type { Context } from '../context.ts';
import type { Item } from '../database.ts';
import { hasExpired } from '../expiry.ts';
import { unreadCount, type Membership } from '../members.ts';
import { readSlots, toSlot } from '../timeline.ts';
import type { View } from '../views.ts';
import type { DropReason } from './notification.ts';
import type { WaitingConversation } from './waiting.ts';

/** Messages that are looked at for one that is worth telling of, and how many of them at a time. */
const MAX_LOOKED_AT = 128;
const PORTION = 16;

export type Decision =
  | { readonly kind: 'tell'; readonly message: Message; readonly count: number }
  | { readonly kind: 'drop'; readonly reason: DropReason; readonly message?: Message };

/** Of the user, in the conversation. */
export interface Standing {
  readonly membership: Membership | undefined;
  readonly view: View;
  /** Muted or not, the user wants to hear of what mentions or answers them. */
  readonly mentions: boolean;
}

export async function decide(
  ctx: Context,
  userId: string,
  waiting: WaitingConversation,
  { membership, view, mentions }: Standing,
): Promise<Decision> {
  if (!membership) return drop('left');
  if (membership.blocksPeer) return drop('blocked');
  const { readSeq, floorSeq } = membership.member;
  const unread = waiting.freshSeqs.filter((seq) => seq > readSeq);
  if (unread.length === 0) return drop('read');
  const visible = unread.filter((seq) => seq >= floorSeq);
  if (visible.length === 0) return drop('cleared');
  const { conversationId } = waiting;
  const isNews: IsNews = async (messages) =>
    view.muted && mentions ? thoseFor(ctx, userId, messages) : messages;
  const found = await findNews(ctx, { userId, conversationId, isNews }, visible);
  if (found.kind === 'drop') return found;
  if (view.muted && !mentions) return { kind: 'drop', reason: 'muted', message: found.message };
  const count = await countWaiting(ctx, waiting, membership);
  return { kind: 'tell', message: found.message, count: Math.max(count, 1) };
}

type Drop = Extract<Decision, { kind: 'drop' }>;

const drop = (reason: DropReason): Drop => ({ kind: 'drop', reason });

/** Those of a portion that are worth telling of, in its order. */
type IsNews = (messages: readonly Message[]) => Promise<readonly Message[]>;

interface Search {
  readonly userId: string;
  readonly conversationId: string;
  readonly isNews: IsNews;
}

/** The newest message that may be told of; if there is none, what became of the newest that there was. */
async function findNews(
  ctx: Context,
  { userId, conversationId, isNews }: Search,
  seqs: readonly number[],
): Promise<{ kind: 'tell'; message: Message } | Drop> {
  let obstacle: Drop | undefined;
  for (let start = 0; start < Math.min(seqs.length, MAX_LOOKED_AT); start += PORTION) {
    const portion = seqs.slice(start, start + PORTION);
    const items = await ctx.db.batchGet(
      'Messages',
      portion.map((seq) => ({ conversationId, seq })),
    );
    const messages: Message[] = [];
    for (const seq of portion) {
      const slot = toKeptSlot(
        ctx,
        userId,
        items.find((item) => item['seq'] === seq),
      );
      const reason = obstacleOf(slot, userId);
      if (reason) obstacle ??= drop(reason);
      else messages.push(slot as Message);
    }
    const [news] = await isNews(messages);
    if (news) return { kind: 'tell', message: news };
    const [passedOver] = messages;
    if (passedOver && obstacle?.reason !== 'muted')
      obstacle = { kind: 'drop', reason: 'muted', message: passedOver };
  }
  return obstacle ?? drop('expired');
}

/** Messages that mention the user, or answer one of theirs. */
async function thoseFor(ctx: Context, userId: string, messages: readonly Message[]): Promise<Message[]> {
  const answered = messages.flatMap(({ conversationId, replyTo }) =>
    replyTo === undefined ? [] : [{ conversationId, seq: replyTo }],
  );
  const targets = answered.length > 0 ? await readSlots(ctx, userId, answered) : [];
  const isOwn = (seq: number | undefined) =>
    targets.some((target) => target.seq === seq && !isVoid(target) && target.from === userId);
  return messages.filter(
    ({ mentions, replyTo }) => mentions === 'all' || mentions?.includes(userId) || isOwn(replyTo),
  );
}

function toKeptSlot(ctx: Context, userId: string, item: Item | undefined) {
  return item && !hasExpired(ctx, item) ? toSlot(item, userId) : undefined;
}

function obstacleOf(slot: ReturnType<typeof toSlot> | undefined, userId: string): DropReason | undefined {
  if (!slot || isVoid(slot)) return 'expired';
  if (slot.recalled) return 'recalled';
  if (slot.silent || slot.type === 'control') return 'silent';
  return slot.from === userId ? 'read' : undefined;
}

/** Exact: what is unread from the first message on that waits. Each message knows how many were counted up to it. */
async function countWaiting(
  ctx: Context,
  { conversationId, firstSeq }: WaitingConversation,
  membership: Membership,
): Promise<number> {
  const { member } = membership;
  const first =
    firstSeq !== undefined && firstSeq > member.readSeq + 1
      ? await ctx.db.get('Messages', { conversationId, seq: firstSeq }, 'strong')
      : undefined;
  // A slot that is void or gone knows nothing: then all that is unread waits, as far as can be said.
  if (!first || typeof first['counted'] !== 'number' || firstSeq === undefined) {
    return unreadCount(ctx, conversationId, membership);
  }
  const counted = first['counted'] - (first['silent'] ? 0 : 1);
  return unreadCount(ctx, conversationId, {
    ...membership,
    member: { ...member, readSeq: firstSeq - 1, readCounted: counted },
  });
}
