// Sending to one other user, in two requests: one conditional update takes the next number, remembers the send in the
// device's ring and moves the sender's read position (1); one conditional put stores the message (2). A sender may die
// after either: the repeat finds its number in the ring and finishes the work.
import { refuse, type Refusal } from '../protocol/errors.ts';
import type { ClientFrame } from '../protocol/client-frames.ts';
import { resolveTarget, type ConversationRef } from '../protocol/ids.ts';
import { limits } from '../protocol/limits.ts';
import type { Slot } from '../protocol/messages.ts';
import { isVoid } from '../protocol/slots.ts';
import type { Answer } from '../protocol/server-frames.ts';
import { claimNumber, type Claim, type ClaimPlan } from './claims.ts';
import type { Caller, Context } from './context.ts';
import { acknowledge } from './cursors.ts';
import { openDirectConversation, toHead } from './conversations.ts';
import { clientMsgIdDigest, payloadDigest } from './digest.ts';
import { sendEphemeral } from './ephemeral.ts';
import { mayStillBePlaced } from './retention.ts';
import type { RingEntry } from './rings.ts';
import { putMessage, readSlot } from './timeline.ts';

/** Rounds of losing a race before giving up; each loss means that another send of this very device won. */
const MAX_ROUNDS = 8;

type SendRequest = ClientFrame<'send'>;

interface Sending {
  readonly caller: Caller;
  readonly conversation: ConversationRef & { kind: 'direct' };
  readonly request: SendRequest;
  readonly id: Buffer;
  readonly payload: Buffer;
}

export async function send(
  ctx: Context,
  caller: Caller,
  request: SendRequest,
): Promise<Answer<'send'> | Refusal> {
  const acknowledged = acknowledgeBeside(ctx, caller, request.cursor);
  try {
    return await sendMessage(ctx, caller, request);
  } finally {
    await acknowledged;
  }
}

/** The cursor that a message carries concerns nothing else: whether it moves or not, the message is sent or refused. */
async function acknowledgeBeside(ctx: Context, caller: Caller, cursor: number | undefined): Promise<void> {
  if (cursor === undefined) return;
  try {
    await acknowledge(ctx, caller, cursor);
  } catch (error) {
    ctx.log.warn('acknowledgement failed', { error: String(error) });
  }
}

async function sendMessage(
  ctx: Context,
  caller: Caller,
  request: SendRequest,
): Promise<Answer<'send'> | Refusal> {
  const sizeBytes = Buffer.byteLength(JSON.stringify(request.body));
  if (sizeBytes > limits.bodyBytes) {
    return refuse('too_large', `body: ${sizeBytes} bytes as JSON, at most ${limits.bodyBytes}`);
  }
  const conversation = resolveTarget(request.to, caller.userId);
  if (conversation.kind !== 'direct' || !conversation.users.includes(caller.userId)) {
    return refuse('not_member', `to: you are not in ${conversation.conversationId}`);
  }
  if (request.ephemeral) return sendEphemeral(ctx, caller, conversation, request);

  const { type, body, silent } = request;
  const id = clientMsgIdDigest(request.clientMsgId);
  const payload = payloadDigest([type, body, silent]);
  return sendDirect(ctx, { caller, conversation, request, id, payload });
}

async function sendDirect(ctx: Context, sending: Sending): Promise<Answer<'send'> | Refusal> {
  const { caller, conversation, request } = sending;
  let plan: ClaimPlan = { kind: 'new' };
  for (let round = 1; round <= MAX_ROUNDS; round++) {
    if (round > 3) await ctx.backOff(round - 3);
    const claim = await claimNumber(ctx, { ...sending, silent: request.silent }, plan);
    switch (claim.outcome) {
      case 'claimed': {
        const slot = await placeMessage(ctx, sending, claim);
        if (isSameMessage(slot, sending)) return stored(slot);
        // A reader took us for dead and fenced the slot: the same send, under a new number.
        plan = { kind: 'renewal', index: 0, seq: claim.seq };
        break;
      }
      case 'absent': {
        const refusal = await openDirectConversation(ctx, caller, conversation);
        if (refusal) return refusal;
        break;
      }
      case 'blocked':
        return refuse('blocked', 'to: the other user does not take messages from you');
      case 'rate_limited':
        return refuse('rate_limited', 'too many messages to this conversation', {
          retryAfterMs: claim.retryAfterMs,
        });
      case 'burst':
        plan = { kind: 'burst', newest: claim.newest };
        break;
      case 'overtaken':
        ctx.log.warn('send.overtaken', { conversationId: conversation.conversationId });
        return refuse('unavailable', 'clientMsgId: the device has sent others since, try again');
      case 'repeat': {
        const answer = await repeat(ctx, sending, claim);
        if (answer) return answer;
        plan = { kind: 'renewal', index: claim.entry.index, seq: claim.entry.seq };
        break;
      }
      case 'again':
        plan = { kind: 'new' };
    }
  }
  return refuse('unavailable', 'too much contention in this conversation, try again');
}

/** What to answer to a clientMsgId that the ring remembers; nothing, when its slot will never hold it. */
async function repeat(
  ctx: Context,
  sending: Sending,
  { entry, item }: Extract<Claim, { outcome: 'repeat' }>,
): Promise<Answer<'send'> | Refusal | undefined> {
  if (!entry.payload.equals(sending.payload)) {
    return refuse('idempotency_conflict', 'clientMsgId: was used for another message');
  }
  const present = await readSlot(ctx, sending.conversation.conversationId, entry.seq);
  if (!present && !mayStillBePlaced(ctx, toHead(item), entry.at)) return undefined;
  // An empty slot: the first try died before its second request, or is about to make it.
  const slot = present ?? (await placeMessage(ctx, sending, entry));
  return isSameMessage(slot, sending) ? { ...stored(slot), duplicate: true } : undefined;
}

function placeMessage(
  ctx: Context,
  { caller, conversation: { conversationId }, request }: Sending,
  claim: Pick<RingEntry, 'seq' | 'counted' | 'at'> & {
    readonly before?: number;
    readonly beforeThat?: number;
  },
) {
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
  });
}

type StoredMessage = Exclude<Slot, { void: true }>;

const stored = ({ conversationId, seq, serverTime }: StoredMessage) =>
  ({ ok: true, conversationId, seq, serverTime }) as const;

function isSameMessage(slot: Slot, { caller, request }: Sending): slot is StoredMessage {
  return !isVoid(slot) && slot.from === caller.userId && slot.clientMsgId === request.clientMsgId;
}
