// Numbers for reactions: the HEAD remembers the last of them, and for what they were taken. So the same reaction, many
// times at once, takes one number; and a conversation takes only so many reactions in a moment.
import type { ClientFrame } from '../protocol/client-frames.ts';
import { refuse, type Refusal } from '../protocol/errors.ts';
import type { Caller, Context } from './context.ts';
import { numbering } from './control-messages.ts';
import { hasSameMembers, sameMembers, toHead, type ConversationHead } from './conversations.ts';
import type { Item, Update, Write } from './database.ts';
import { PAYLOAD_BYTES, reactionDigest } from './digest.ts';
import type { FoundMessage } from './find-message.ts';
import { refuseStranger } from './members.ts';
import {
  emptyEntries,
  encodeEntry,
  entriesOf,
  findSend,
  isSameEntry,
  oldestAt,
  ringOf,
  ringPath,
  shiftRing,
  timeOf,
} from './rings.ts';
import { headKey, reactionClaimsAttribute } from './tables.ts';

/** Reactions that a conversation remembers, and takes in so long. */
const REMEMBERED = 4;
const WINDOW_MS = 250;
/** Of losing races against the first reaction in the conversation. */
const MAX_ROUNDS = 8;

export interface ReactionNumber {
  readonly seq: number;
  /** Of the conversation, at that number. */
  readonly counted: number;
  /** When the two numbers before it were given out, as far as known. */
  readonly takenAt: readonly number[];
}

interface Wanted {
  readonly caller: Caller;
  readonly request: ClientFrame<'react'>;
  /** When the message began to be read. */
  readonly readAt: number;
  /** The number under which the message's reactions were told last: the same reaction later on is another one. */
  readonly base: number;
}

/**
 * The next number, or the one that was taken for this already. `stale`: so many were taken since the message was read that
 * one for this may be among them, and the message has to be read again.
 */
export async function takeReactionNumber(
  ctx: Context,
  { headItem }: FoundMessage,
  { caller, request, readAt, base }: Wanted,
): Promise<ReactionNumber | Refusal | 'stale'> {
  const { conversationId, seq, emoji, remove } = request;
  const id = reactionDigest([caller.userId, seq, emoji, remove, base]);
  const read = newestBefore(readAt, headItem);
  if (!read) return 'stale';
  let head: Item | undefined = headItem;
  for (let round = 1; round <= MAX_ROUNDS; round++) {
    if (round > 2) await ctx.backOff(round - 2);
    if (!head || head['dismissedSeq'] !== undefined) return refuseStranger(conversationId);
    // Whether who reacts is in still, is to be seen.
    if (!hasSameMembers(head, toHead(headItem))) return 'stale';
    const ring = ringOf(head, reactionClaimsAttribute);
    const same = ring && findSend(ring, id, REMEMBERED);
    if (same) return { seq: same.seq, counted: same.counted, takenAt: [] };
    if (ring && !entriesOf(ring, REMEMBERED).some((one) => isSameEntry(one, read))) return 'stale';
    const now = ctx.now();
    const waitMs = ring ? oldestAt(ring, REMEMBERED) + WINDOW_MS - now : 0;
    if (waitMs > 0) {
      return refuse('rate_limited', 'conversationId: too many reactions at once', { retryAfterMs: waitMs });
    }
    const entry = encodeEntry(id, Buffer.alloc(PAYLOAD_BYTES), now);
    const written: Write = await ctx.db.update({
      table: 'Conversations',
      key: headKey(conversationId),
      ...(ring ? taking({ id, entry, read, now, head: toHead(head) }) : takingFirst(head, entry, now)),
      returning: 'ALL_NEW',
    });
    head = written.item;
    if (written.ok) {
      const { seq: taken, counted, takenAt } = toHead(written.item);
      return { seq: taken, counted, takenAt: takenAt.slice(1) };
    }
  }
  return refuse('unavailable', 'too much contention in this conversation, try again');
}

type Taking = Pick<Update, 'update' | 'condition' | 'names' | 'values'>;

const NEXT = '#seq = #seq + :one, #controls = if_not_exists(#controls, :none) + :one';

/** Of what is remembered, the newest from before then; something empty, when no more was taken than can be remembered. */
function newestBefore(then: number, head: Item): Uint8Array | undefined {
  const ring = ringOf(head, reactionClaimsAttribute) ?? emptyEntries(REMEMBERED);
  return entriesOf(ring, REMEMBERED).find((entry) => timeOf(entry) < then);
}

interface Claim {
  readonly id: Buffer;
  readonly entry: Uint8Array;
  /** While it is remembered, so is all that was taken since the message was read. */
  readonly read: Uint8Array;
  readonly now: number;
  readonly head: ConversationHead;
}

/** A request may be carried out long after it was sent: by then the same may have been taken, and be forgotten. */
function taking({ id, entry, read, now, head }: Claim): Taking {
  const { condition, values } = sameMembers(head);
  const others = Array.from({ length: REMEMBERED }, (_, n) => `NOT begins_with(${ringPath.entry(n)}, :id)`);
  const isFresh = Array.from({ length: REMEMBERED }, (_, n) => `${ringPath.entry(n)} = :read`).join(' OR ');
  const claim = [
    ...shiftRing(REMEMBERED - 1),
    `${ringPath.entry(0)} = :entry`,
    `${ringPath.seq(0)} = #seq + :one`,
    `${ringPath.counted(0)} = #counted`,
  ];
  return {
    update: `SET ${NEXT}, ${numbering}, ${claim.join(', ')}`,
    condition: `${condition} AND attribute_exists(#ring) AND (${isFresh}) AND ${others.join(' AND ')}`,
    names: { ring: reactionClaimsAttribute },
    values: { one: 1, none: 0, now, id, entry, read, ...values },
  };
}

/** A conversation's first reaction, on condition that nothing has happened there since it was looked at. */
function takingFirst(head: Item, entry: Uint8Array, now: number): Taking {
  const { seq, counted } = toHead(head);
  return {
    update: `SET ${NEXT}, ${numbering}, #ring = :ring`,
    condition: '#seq = :seen AND attribute_not_exists(#dismissedSeq) AND attribute_not_exists(#ring)',
    names: { ring: reactionClaimsAttribute },
    values: {
      one: 1,
      none: 0,
      now,
      seen: seq,
      ring: [entry, seq + 1, counted, ...emptyEntries(REMEMBERED - 1)],
    },
  };
}
