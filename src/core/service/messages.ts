// Messages that the app's own backend sends, as any user. There is no device whose ring would remember them: an item
// beside the HEAD does, for a day, written in one transaction with the number and the message. So the same request, many times
// at once, is stored once, and nobody dies in between.
import pLimit from 'p-limit';
import { refuse, type Refusal } from '../../protocol/errors.ts';
import { resolveTarget, type ConversationRef } from '../../protocol/ids.ts';
import { limits } from '../../protocol/limits.ts';
import type { SendMessagesRequest } from '../../protocol/service-requests.ts';
import type { Context } from '../context.ts';
import { openUnlimited } from '../conversations.ts';
import { findItem } from '../database.ts';
import { payloadDigest, serviceDigest } from '../digest.ts';
import { DAY_MS, hasExpired } from '../expiry.ts';
import { isMuted, toGroupHead, toGroupMember } from '../groups/group.ts';
import { refuseStranger } from '../members.ts';
import { refuseConflict } from '../sending.ts';
import { headKey, memberKey, serviceClaimKey } from '../tables.ts';
import { placeInNext, placeInTaken, type Placing } from './placing.ts';

/** Targets that are served at the same time. */
const MAX_AT_ONCE = 8;
/** Of losing races against other sends; from then on a number is taken beforehand. */
const OPTIMISTIC_ROUNDS = 3;
const MAX_ROUNDS = 12;
/** Who speaks in every group, and is in none. */
const SYSTEM = 'system';

/** One message, whoever it goes to. */
export type ServiceMessage = Omit<SendMessagesRequest, 'to'>;

type Sent = { readonly ok: true; readonly conversationId: string; readonly seq: number } & {
  readonly duplicate?: true;
};

interface Results {
  readonly ok: true;
  readonly results: readonly ({ readonly to: string } & (Omit<Sent, 'ok'> | Pick<Refusal, 'error'>))[];
}

/** To each target by itself: one that is refused keeps nobody else from theirs. */
export async function sendMessages(ctx: Context, request: SendMessagesRequest): Promise<Results | Refusal> {
  const sizeBytes = Buffer.byteLength(JSON.stringify(request.body));
  if (sizeBytes > limits.bodyBytes) {
    return refuse('too_large', `body: ${sizeBytes} bytes as JSON, at most ${limits.bodyBytes}`);
  }
  const limit = pLimit(MAX_AT_ONCE);
  const results = await Promise.all(
    request.to.map((to) =>
      limit(async () => {
        const { ok: _, ...result } = await sendToTarget(ctx, request, to);
        return { to, ...result };
      }),
    ),
  );
  return { ok: true, results };
}

/** What failed for one is to be tried again, for all: who has theirs gets nothing more. */
export async function sendToTarget(
  ctx: Context,
  request: ServiceMessage,
  to: string,
): Promise<Sent | Refusal> {
  try {
    return await sendTo(ctx, request, resolveTarget(to, request.from));
  } catch (error) {
    ctx.log.error('service send failed', { to, error: String(error) });
    return refuse('unavailable', 'to: the store did not answer in time, try the same again');
  }
}

async function sendTo(
  ctx: Context,
  request: ServiceMessage,
  conversation: ConversationRef,
): Promise<Sent | Refusal> {
  const { from, clientMsgId, type, body, silent } = request;
  const { conversationId } = conversation;
  if (conversation.kind === 'direct' && !conversation.users.includes(from)) {
    return refuseStranger(conversationId, 'to');
  }
  const payload = payloadDigest([type, body, silent]);
  const keys = {
    claim: serviceClaimKey(conversationId, serviceDigest(from, clientMsgId)),
    head: headKey(conversationId),
    member: memberKey(conversationId, from),
  };
  const isGroup = conversation.kind === 'group';
  for (let round = 1; round <= MAX_ROUNDS; round++) {
    if (round > 1) await ctx.backOff(Math.min(round - 1, 5));
    const items = await ctx.db.batchGet('Conversations', [
      keys.claim,
      keys.head,
      ...(isGroup ? [keys.member] : []),
    ]);
    const claim = findItem(items, keys.claim);
    if (claim && !hasExpired(ctx, claim)) {
      if (!payload.equals(claim['payload'] as Uint8Array)) return refuseConflict();
      return { ok: true, conversationId, seq: claim['seq'] as number, duplicate: true };
    }
    const head = findItem(items, keys.head);
    if (!head && !isGroup) {
      const refusal = await openUnlimited(ctx, from, conversation);
      if (refusal) return refusal;
      continue;
    }
    const memberItem = findItem(items, keys.member);
    const groupMember = memberItem && toGroupMember(memberItem);
    if (!head || head['dismissedSeq'] !== undefined) return refuseStranger(conversationId, 'to');
    if (isGroup && !groupMember && from !== SYSTEM) return refuseStranger(conversationId, 'to');
    if (groupMember && isMuted(ctx, { group: toGroupHead(head), groupMember })) {
      return refuse('muted', `to: ${from} may not write there`);
    }
    const placing: Placing = {
      request,
      conversation,
      head,
      isMember: groupMember !== undefined,
      claim: { ...keys.claim, payload, expiresAt: Math.ceil((ctx.now() + DAY_MS) / 1_000) },
    };
    const place = round > OPTIMISTIC_ROUNDS ? placeInTaken : placeInNext;
    const placed = await place(ctx, placing);
    if (placed === 'again') continue;
    if (placed === 'blocked')
      return refuse('blocked', `to: the other user does not take messages from ${from}`);
    return { ok: true, conversationId, seq: placed.seq };
  }
  return refuse('unavailable', 'to: too much contention in this conversation, try again');
}
