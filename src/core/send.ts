// Sending, in four steps: who am I (1), take a number (2), note it in my window (3), put the message there (4).
// Each step is conditional, so that a sender may die after any of them and the repeat finishes its work.
import { refuse, type Refusal } from '../protocol/errors.ts';
import type { ClientFrame } from '../protocol/client-frames.ts';
import { resolveTarget } from '../protocol/ids.ts';
import { limits } from '../protocol/limits.ts';
import { isVoid, type Slot } from '../protocol/messages.ts';
import type { Answer } from '../protocol/server-frames.ts';
import type { Caller, Context } from './context.ts';
import { sendEphemeral } from './ephemeral.ts';
import { memberKey, openDirectConversation, readMember, toMember, type Member } from './conversations.ts';
import { putMessage, readSlot, takeNumber, voidSlot, type Taken } from './timeline.ts';
import {
  clientMsgIdDigest,
  findSend,
  floodWaitMs,
  payloadDigest,
  recordSend,
  type WindowEntry,
} from './window.ts';

/** Rounds of losing a race for the window or the slot before giving up; each loss means that another send won. */
const MAX_ROUNDS = 12;

type SendRequest = ClientFrame<'send'>;

interface Sending {
  readonly caller: Caller;
  readonly conversationId: string;
  readonly request: SendRequest;
  readonly id: string;
  readonly payload: string;
}

export async function send(
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
  if (conversation.kind === 'direct' && !conversation.users.includes(caller.userId))
    return notMember(conversationId);

  if (request.ephemeral && conversation.kind === 'direct') {
    return sendEphemeral(ctx, caller, conversation, request);
  }

  let member = await readMember(ctx, conversationId, caller.userId, 'eventual');
  if (!member && conversation.kind === 'direct') {
    const refusal = await openDirectConversation(ctx, caller, conversation);
    if (refusal) return refusal;
    member = await readMember(ctx, conversationId, caller.userId, 'strong');
  }
  if (!member) return notMember(conversationId);

  const { type, body, silent } = request;
  const id = clientMsgIdDigest(request.clientMsgId);
  const payload = payloadDigest([type, body, silent]);
  return sendAs(ctx, { caller, conversationId, request, id, payload }, member);
}

/** Steps 2 to 4, over again with what a lost race has shown. */
async function sendAs(ctx: Context, sending: Sending, member: Member): Promise<Answer<'send'> | Refusal> {
  const { conversationId, request, id, payload } = sending;
  let current = member;
  let taken: Taken | undefined;
  for (let round = 1; round <= MAX_ROUNDS; round++) {
    if (round > 2) await ctx.backOff(round - 2);
    const prior = findSend(current.window, id);
    // Our own entry: the write that put it there took place, but its answer was lost.
    const ours = prior !== undefined && prior.seq === taken?.seq;
    if (prior && !ours) {
      const repeated = await repeat(ctx, sending, prior);
      if (repeated) {
        if (taken) await voidSlot(ctx, conversationId, taken, request.silent);
        return repeated;
      }
      // Its slot was voided: this send goes on under a new number, in place of the old entry.
    } else if (!prior) {
      const waitMs = floodWaitMs(current.window, ctx.now(), ctx.settings.floodMs);
      if (waitMs > 0) {
        if (taken) await voidSlot(ctx, conversationId, taken, request.silent);
        return refuse('rate_limited', 'too many messages to this conversation', { retryAfterMs: waitMs });
      }
    }

    let entry = prior;
    if (!entry || !ours) {
      taken ??= await takeNumber(ctx, conversationId, request.silent);
      entry = { id, payload, ...taken, at: ctx.now() };
      const noted = await noteInWindow(ctx, sending, current, entry);
      if (!noted.ok) {
        if (!noted.member) {
          await voidSlot(ctx, conversationId, taken, request.silent);
          return notMember(conversationId);
        }
        current = noted.member;
        continue;
      }
      current = noted.member;
    }

    const slot = await placeMessage(ctx, sending, entry);
    if (isSameMessage(slot, sending))
      return { ok: true, conversationId, seq: slot.seq, serverTime: slot.serverTime };
    // A reader took us for dead and fenced the slot. The entry in the window is known to be void: once more.
    taken = undefined;
  }
  return refuse('unavailable', 'too much contention in this conversation, try again');
}

/** What to answer to a clientMsgId that is in the window; nothing, when its slot became a void. */
async function repeat(
  ctx: Context,
  sending: Sending,
  prior: WindowEntry,
): Promise<Answer<'send'> | Refusal | undefined> {
  const { conversationId, payload } = sending;
  if (prior.payload !== payload) {
    return refuse('idempotency_conflict', 'clientMsgId: was used for another message');
  }
  // An empty slot: the first try died before step 4, so this one takes it.
  const slot = (await readSlot(ctx, conversationId, prior.seq)) ?? (await placeMessage(ctx, sending, prior));
  if (!isSameMessage(slot, sending)) return undefined;
  return { ok: true, conversationId, seq: slot.seq, serverTime: slot.serverTime, duplicate: true };
}

function placeMessage(ctx: Context, sending: Sending, entry: WindowEntry): Promise<Slot> {
  const { caller, conversationId, request } = sending;
  return putMessage(ctx, {
    conversationId,
    seq: entry.seq,
    counted: entry.counted,
    clientMsgId: request.clientMsgId,
    from: caller.userId,
    deviceId: caller.deviceId,
    type: request.type,
    body: request.body,
    serverTime: entry.at,
    silent: request.silent,
  });
}

/** Step 3, on condition that the member is as it was read. A send implies that everything before it was read. */
async function noteInWindow(
  ctx: Context,
  { caller, conversationId }: Sending,
  member: Member,
  entry: WindowEntry,
): Promise<{ ok: true; member: Member } | { ok: false; member?: Member }> {
  const ahead = entry.seq > member.readSeq ? { readSeq: entry.seq, readCounted: entry.counted } : {};
  const noted: Member = { ...member, ...ahead, window: recordSend(member.window, entry) };
  const written = await ctx.db.update({
    table: 'Conversations',
    key: memberKey(conversationId, caller.userId),
    update: 'SET #window = :newWindow, #readSeq = :newReadSeq, #readCounted = :newReadCounted',
    condition: '#window = :window AND #readSeq = :readSeq',
    values: {
      window: member.window,
      readSeq: member.readSeq,
      newWindow: noted.window,
      newReadSeq: noted.readSeq,
      newReadCounted: noted.readCounted,
    },
  });
  if (written.ok) return { ok: true, member: noted };
  return { ok: false, ...(written.item && { member: toMember(written.item) }) };
}

function isSameMessage(slot: Slot, { caller, request }: Sending): slot is Exclude<Slot, { void: true }> {
  return !isVoid(slot) && slot.from === caller.userId && slot.clientMsgId === request.clientMsgId;
}

function notMember(conversationId: string): Refusal {
  return refuse('not_member', `to: you are not in ${conversationId}`);
}
