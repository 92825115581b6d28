// Sending to one other user, in two requests: one conditional update takes the next number, remembers the send in the
// device's ring and moves the sender's read position (1); one conditional put stores the message (2). A sender may die
// after either: the repeat finds its number in the ring and finishes the work.
import { refuse, type Refusal } from '../protocol/errors.ts';
import type { ClientFrame } from '../protocol/client-frames.ts';
import { resolveTarget, type ConversationRef } from '../protocol/ids.ts';
import { limits } from '../protocol/limits.ts';
import type { Answer } from '../protocol/server-frames.ts';
import { referencesOf } from '../protocol/slots.ts';
import { claimNumber, type ClaimPlan } from './claims.ts';
import type { Caller, Context } from './context.ts';
import { acknowledge } from './cursors.ts';
import { openDirectConversation, toHead } from './conversations.ts';
import { clientMsgIdDigest, payloadDigest } from './digest.ts';
import { sendEphemeral } from './ephemeral.ts';
import { sendToGroup } from './groups/group-send.ts';
import { refuseStranger } from './members.ts';
import { refuseReply } from './replies.ts';
import { answerRepeat, isSameMessage, placeMessage, refuseRing, stored, type Sending } from './sending.ts';

/** Rounds of losing a race before giving up; each loss means that another send of this very device won. */
const MAX_ROUNDS = 8;

type SendRequest = ClientFrame<'send'>;

interface DirectSending extends Sending {
  readonly conversation: ConversationRef & { kind: 'direct' };
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
  const { conversationId } = conversation;
  if (conversation.kind === 'direct' && !conversation.users.includes(caller.userId)) {
    return refuseStranger(conversationId, 'to');
  }
  const id = clientMsgIdDigest(request.clientMsgId);
  const { type, body, silent, replyTo } = request;
  const refusal = replyTo && (await refuseReply(ctx, { caller, id }, conversation, replyTo));
  if (refusal) return refusal;
  // Asked for each try; what tells a repeat by is what the client sent, not what the hook made of it.
  const passed = (await ctx.beforeSend?.(ctx, caller, conversationId, request)) ?? { body };
  if ('error' in passed) return passed;
  const written = { ...request, ...passed } as SendRequest;
  if (request.ephemeral) return sendEphemeral(ctx, caller, conversation, written);

  const references = referencesOf(request);
  const payload = payloadDigest([
    type,
    body,
    silent,
    ...(Object.keys(references).length > 0 ? [references] : []),
  ]);
  const sending: Sending = { caller, conversationId, request: written, id, payload };
  return conversation.kind === 'group'
    ? sendToGroup(ctx, sending)
    : sendDirect(ctx, { ...sending, conversation });
}

async function sendDirect(ctx: Context, sending: DirectSending): Promise<Answer<'send'> | Refusal> {
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
      case 'overtaken':
        return refuseRing(ctx, sending, claim);
      case 'burst':
        plan = { kind: 'burst', newest: claim.newest };
        break;
      case 'repeat': {
        const answer = await answerRepeat(ctx, sending, claim.entry, toHead(claim.item));
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
