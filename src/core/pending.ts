// Counts first: what waits for a device, by conversation, before it pulls any of it.
import type { ClientFrame } from '../protocol/client-frames.ts';
import { limits } from '../protocol/limits.ts';
import type { Answer, WaitingConversation } from '../protocol/server-frames.ts';
import type { Caller, Context } from './context.ts';
import { Portions, withinBytes } from './answer-size.ts';
import { readMailboxAndDevice } from './cursors.ts';
import { readLastMessages } from './last-message.ts';
import { readMemberships, unreadCount, type Membership } from './members.ts';
import { readEntries } from './mailbox.ts';
import { decodeEntry } from './entries.ts';
import { readLiveSlots, type LiveSlots } from './retention.ts';

/** Pointers that are counted at most; whoever is further behind pulls some and asks again. */
const MAX_ENTRIES = 10_000;

interface Waiting {
  readonly conversationId: string;
  /** Seqs of others' messages that wait; a set, for a pointer may stand twice. */
  readonly seqs: Set<number>;
}

export async function pending(
  ctx: Context,
  caller: Caller,
  request: ClientFrame<'pending'>,
): Promise<Answer<'pending'>> {
  const { mailbox, device } = await readMailboxAndDevice(ctx, caller);
  const cursor = request.after ?? device.cursor;
  const head = mailbox.seq;
  const range = await readEntries(ctx, mailbox, cursor, MAX_ENTRIES);
  if (range.reset) return { ok: true, reset: true, head };

  const waiting = countByConversation(caller.userId, range.entries);
  const newest = waiting.slice(0, limits.pendingConversations);
  const described = await describeInPortions(ctx, caller, newest);
  const conversations = withinBytes(described);
  // Those that expired since are known for the conversations that were looked at.
  const expired = newest.reduce((sum, { conversationId, seqs }) => {
    const found = described.find((conversation) => conversation.conversationId === conversationId);
    return found ? sum + seqs.size - found.waiting : sum;
  }, 0);
  return {
    ok: true,
    total: waiting.reduce((sum, { seqs }) => sum + seqs.size, 0) - expired,
    conversations,
    more: conversations.length < waiting.length || cursor + range.entries.length < head,
    head,
    cursor,
  };
}

/** Newest conversation first. */
function countByConversation(userId: string, entries: readonly string[]): Waiting[] {
  const byConversation = new Map<string, Waiting>();
  for (const entry of entries.toReversed()) {
    const decoded = decodeEntry(entry, userId);
    if (decoded.kind !== 'message' || decoded.isControl) continue;
    const { conversationId, seq, madeBy } = decoded;
    const waiting = byConversation.get(conversationId) ?? { conversationId, seqs: new Set() };
    byConversation.set(conversationId, waiting);
    if (madeBy === undefined) waiting.seqs.add(seq);
  }
  return [...byConversation.values()];
}

/** As many from the front as one answer holds: of the others no message is read. */
async function describeInPortions(
  ctx: Context,
  caller: Caller,
  waiting: readonly Waiting[],
): Promise<WaitingConversation[]> {
  const portions = new Portions();
  const described: WaitingConversation[] = [];
  for (let start = 0; start < waiting.length && !portions.full;) {
    const portion = waiting.slice(start, start + portions.next);
    const found = await describe(ctx, caller, portion);
    described.push(...found);
    portions.take(found);
    start += portion.length;
  }
  return described;
}

async function describe(
  ctx: Context,
  caller: Caller,
  waiting: readonly Waiting[],
): Promise<WaitingConversation[]> {
  const ids = waiting.map(({ conversationId }) => conversationId);
  const memberships = await readMemberships(ctx, ids, caller.userId);
  const lastMessages = await readLastMessages(ctx, caller.userId, memberships);
  const described = waiting.map(async ({ conversationId, seqs }): Promise<WaitingConversation[]> => {
    const membership = memberships.get(conversationId);
    if (!membership) return [];
    const { head, member } = membership;
    const from = Math.min(member.readSeq, ...[...seqs].map((seq) => seq - 1));
    const live = head.expiring ? await readLiveSlots(ctx, conversationId, head, from) : undefined;
    return [
      {
        conversationId,
        unread: await unreadCount(ctx, conversationId, membership, live),
        waiting: countKept(seqs, membership, live),
        lastSeq: head.seq,
        last: lastMessages.get(conversationId) ?? null,
      },
    ];
  });
  return (await Promise.all(described)).flat();
}

/** What was cleared or recalled, or has expired since, waits no more. */
function countKept(
  seqs: ReadonlySet<number>,
  { head, member }: Membership,
  live: LiveSlots | undefined,
): number {
  return [...seqs].filter(
    (seq) =>
      seq >= member.floorSeq &&
      !head.uncounted.has(seq) &&
      (!live || seq > live.to || live.messages.has(seq)),
  ).length;
}
