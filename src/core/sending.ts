// What sending to one user and to a group have in common, once the send has its number.
import type { ClientFrame } from '../protocol/client-frames.ts';
import { refuse, type Refusal } from '../protocol/errors.ts';
import type { Slot } from '../protocol/messages.ts';
import type { Answer } from '../protocol/server-frames.ts';
import { isVoid, referencesOf } from '../protocol/slots.ts';
import type { RingRefusal } from './claims.ts';
import type { Caller, Context } from './context.ts';
import type { ConversationHead } from './conversations.ts';
import { mayStillBePlaced } from './retention.ts';
import type { RingEntry } from './rings.ts';
import { putMessage, readSlot } from './timeline.ts';

export interface Sending {
  readonly caller: Caller;
  readonly conversationId: string;
  readonly request: ClientFrame<'send'>;
  /** Digests of the clientMsgId and of what is sent under it. */
  readonly id: Buffer;
  readonly payload: Buffer;
}

/** What to answer to a clientMsgId that the ring remembers; nothing, when its slot will never hold it. */
export async function answerRepeat(
  ctx: Context,
  sending: Sending,
  entry: RingEntry,
  head: Pick<ConversationHead, 'expiring'>,
): Promise<Answer<'send'> | Refusal | undefined> {
  if (!entry.payload.equals(sending.payload)) return refuseConflict();
  const present = await readSlot(ctx, sending.caller.userId, { ...sending, seq: entry.seq });
  if (!present && !mayStillBePlaced(ctx, head, entry.at)) return undefined;
  // An empty slot: the first try died before its last request, or is about to make it.
  const slot = present ?? (await placeMessage(ctx, sending, entry));
  return isSameMessage(slot, sending) ? { ...stored(slot), duplicate: true } : undefined;
}

export const refuseConflict = () =>
  refuse('idempotency_conflict', 'clientMsgId: was used for another message');

export function refuseRing(
  ctx: Context,
  { conversationId }: Sending,
  why: Exclude<RingRefusal, { outcome: 'burst' }>,
): Refusal {
  if (why.outcome === 'rate_limited') {
    return refuse('rate_limited', 'too many messages to this conversation', {
      retryAfterMs: why.retryAfterMs,
    });
  }
  ctx.log.warn('send.overtaken', { conversationId });
  return refuse('unavailable', 'clientMsgId: the device has sent others since, try again');
}

export function placeMessage(
  ctx: Context,
  { caller, conversationId, request }: Sending,
  claim: Pick<RingEntry, 'seq' | 'counted' | 'at'> & {
    readonly before?: number;
    readonly beforeThat?: number;
  },
): Promise<Slot> {
  const { seq, counted, at, before, beforeThat } = claim;
  return putMessage(ctx, {
    conversationId,
    seq,
    counted,
    ...(before !== undefined && { before }),
    ...(beforeThat !== undefined && { beforeThat }),
    clientMsgId: request.clientMsgId,
    from: caller.userId,
    deviceId: caller.deviceId,
    type: request.type,
    body: request.body,
    serverTime: at,
    silent: request.silent,
    ...referencesOf(request),
  });
}

type StoredMessage = Exclude<Slot, { void: true }>;

export const stored = ({ conversationId, seq, serverTime }: StoredMessage) =>
  ({ ok: true, conversationId, seq, serverTime }) as const;

export function isSameMessage(slot: Slot, { caller, request }: Sending): slot is StoredMessage {
  return !isVoid(slot) && slot.from === caller.userId && slot.clientMsgId === request.clientMsgId;
}
