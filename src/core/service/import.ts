// History of another system, with its own times: into the timeline alone, as silent messages that nobody is told of. Up to
// twenty-five of them, their claims and the numbers are one transaction: no holes, and nobody dies in between.
import { refuse, type Refusal } from '../../protocol/errors.ts';
import { parseConversationId, type ConversationRef } from '../../protocol/ids.ts';
import { limits } from '../../protocol/limits.ts';
import type { ImportRequest } from '../../protocol/service-requests.ts';
import type { Context } from '../context.ts';
import { numbering } from '../control-messages.ts';
import { openUnlimited, toHead } from '../conversations.ts';
import { findItem, type Item, type TransactionPart } from '../database.ts';
import { payloadDigest, serviceDigest } from '../digest.ts';
import { expiryAfter, hasExpired } from '../expiry.ts';
import { refuseConflict } from '../sending.ts';
import { headKey, importedAttribute, serviceClaimKey } from '../tables.ts';
import { messageItem } from '../timeline.ts';
import { SERVICE_DEVICE } from './callers.ts';

/** Of losing races against sends. */
const MAX_ROUNDS = 12;
/** An import may take days, and be begun again. */
const CLAIM_DAYS = 30;

type ToImport = ImportRequest['messages'][number];

interface Placed {
  readonly conversationId: string;
  readonly seq: number;
  readonly duplicate?: true;
}

interface Results {
  readonly ok: true;
  readonly results: readonly ({ readonly to: string; readonly clientMsgId: string } & (
    | Placed
    | Pick<Refusal, 'error'>
  ))[];
}

type Outcome = ({ readonly ok: true } & Placed) | Refusal;

/** Each in the order of the request; one that is refused keeps no other from its place. */
export async function importMessages(ctx: Context, request: ImportRequest): Promise<Results | Refusal> {
  const { conversationId, messages } = request;
  const late = messages.findIndex(({ serverTime }) => serverTime > ctx.now());
  if (late >= 0) return refuse('bad_request', `messages.${late}.serverTime: is in the future`);
  const conversation = parseConversationId(conversationId)!;
  for (let round = 1; round <= MAX_ROUNDS; round++) {
    if (round > 1) await ctx.backOff(Math.min(round - 1, 5));
    const keys = messages.map((message) => claimKey(conversationId, message));
    const items = await ctx.db.batchGet('Conversations', [headKey(conversationId), ...keys]);
    const head = findItem(items, headKey(conversationId));
    if (!head && conversation.kind === 'direct') {
      const refusal = await openUnlimited(ctx, conversation.users[0], conversation);
      if (refusal) return refusal;
      continue;
    }
    if (!head || head['dismissedSeq'] !== undefined) {
      return refuse('not_found', `conversationId: there is no conversation ${conversationId}`);
    }
    const known = messages.map((message, index) => {
      const claim = findItem(items, keys[index]!);
      return knownOutcome(ctx, conversation, message, claim);
    });
    const fresh = messages.filter((_, index) => known[index] === undefined);
    const first = toHead(head).seq + 1;
    if (fresh.length > 0 && !(await place(ctx, conversationId, head, fresh))) continue;
    const outcomes = messages.map(
      (message, index): Outcome =>
        known[index] ?? { ok: true, conversationId, seq: first + fresh.indexOf(message) },
    );
    return {
      ok: true,
      results: outcomes.map((outcome, index) => {
        const { ok: _, ...result } = outcome;
        return { to: conversationId, clientMsgId: messages[index]!.clientMsgId, ...result };
      }),
    };
  }
  return refuse('unavailable', 'conversationId: too much contention in this conversation, try again');
}

/** What is imported already, or cannot be; `undefined`: it is to be placed. */
function knownOutcome(
  ctx: Context,
  conversation: ConversationRef,
  message: ToImport,
  claim: Item | undefined,
): Outcome | undefined {
  const { conversationId } = conversation;
  if (conversation.kind === 'direct' && !conversation.users.includes(message.from)) {
    return refuse('not_member', `from: ${message.from} is not in ${conversationId}`);
  }
  const sizeBytes = Buffer.byteLength(JSON.stringify(message.body));
  if (sizeBytes > limits.bodyBytes) {
    return refuse('too_large', `body: ${sizeBytes} bytes as JSON, at most ${limits.bodyBytes}`);
  }
  if (!claim || hasExpired(ctx, claim)) return undefined;
  if (!payloadOf(message).equals(claim['payload'] as Uint8Array)) return refuseConflict();
  return { ok: true, conversationId, seq: claim['seq'] as number, duplicate: true };
}

/** @returns whether it is done: not, when somebody took a number, or imported the same, in this very moment. */
async function place(
  ctx: Context,
  conversationId: string,
  headItem: Item,
  messages: readonly ToImport[],
): Promise<boolean> {
  const head = toHead(headItem);
  const now = ctx.now();
  const { messageRetentionDays } = ctx.settings;
  const written = await ctx.db.transact([
    {
      kind: 'update',
      table: 'Conversations',
      key: headKey(conversationId),
      update: `SET #seq = :last, ${numbering}${messageRetentionDays ? ', #expiring = :one' : ''}`,
      condition: '#seq = :seen AND attribute_not_exists(#dismissedSeq)',
      values: {
        seen: head.seq,
        last: head.seq + messages.length,
        now,
        ...(messageRetentionDays && { one: 1 }),
      },
    },
    ...messages.flatMap((message, index) =>
      placeParts(ctx, { conversationId, seq: head.seq + index + 1, counted: head.counted }, message),
    ),
  ]);
  return written.ok;
}

function placeParts(
  ctx: Context,
  place: { readonly conversationId: string; readonly seq: number; readonly counted: number },
  message: ToImport,
): TransactionPart[] {
  const now = ctx.now();
  const item = messageItem(ctx, {
    ...place,
    ...message,
    // Those below are settled: they were written together.
    before: now,
    beforeThat: now,
    deviceId: SERVICE_DEVICE,
    silent: true,
  });
  return [
    {
      kind: 'put',
      table: 'Messages',
      // When its number was given out is another time than when it was sent.
      item: { ...item, at: now, [importedAttribute]: true },
      condition: 'attribute_not_exists(#conversationId)',
    },
    {
      kind: 'put',
      table: 'Conversations',
      item: {
        ...claimKey(place.conversationId, message),
        payload: payloadOf(message),
        seq: place.seq,
        expiresAt: expiryAfter(ctx, CLAIM_DAYS),
      },
      condition: 'attribute_not_exists(#conversationId) OR #expiresAt <= :now',
      values: { now: Math.floor(now / 1_000) },
    },
  ];
}

const claimKey = (conversationId: string, { from, clientMsgId }: ToImport) =>
  serviceClaimKey(conversationId, serviceDigest(from, clientMsgId));

const payloadOf = ({ type, body, serverTime }: ToImport) => payloadDigest([type, body, serverTime]);
