// Recall and edit: the message is changed in place, so that whoever reads it from then on reads it as it is now; a silent
// control message that never carries a body tells those who have it already.
import type { ClientFrame } from '../protocol/client-frames.ts';
import { bodyIssue } from '../protocol/issues.ts';
import { refuse, type Refusal } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import type { Message } from '../protocol/messages.ts';
import type { Answer } from '../protocol/server-frames.ts';
import type { Caller, Context } from './context.ts';
import { changeAndTell } from './control-messages.ts';
import { clientMsgIdDigest, payloadDigest } from './digest.ts';
import { findMessage } from './find-message.ts';
import type { BeforeSend } from './hooks.ts';
import { isAdmin, isMuted } from './groups/group.ts';
import { bindMedia, deleteMedia } from './media/bindings.ts';
import { mediaOf } from './media/keys.ts';
import { PUSH_TIMEOUT_MS } from './pushes.ts';
import { takeBackPart } from './taken-back.ts';
import { sealUncounted } from './uncounted.ts';

/** Edits of a message that are remembered: a client has one under way. */
const REMEMBERED_EDITS = 4;
/** Rounds of losing a race against another change of the same message. */
const MAX_ROUNDS = 4;

/** Takes the message back for everybody, as its sender or as who governs the group: its body is gone when this is answered (I7). */
export async function recall(
  ctx: Context,
  caller: Caller,
  { conversationId, seq }: ClientFrame<'recall'>,
): Promise<Answer<'recall'> | Refusal> {
  for (let round = 1; round <= MAX_ROUNDS; round++) {
    const found = await findMessage(ctx, caller, conversationId, seq);
    if ('error' in found) return found;
    const { message, item, membership } = found;
    const { groupMember } = membership;
    const governs = groupMember !== undefined && isAdmin(groupMember);
    if (message.from !== caller.userId && !governs) return refuseForeign(seq);
    if (message.recalled) {
      await deleteMedia(ctx, { ...message, body: { url: item['media'] } });
      return { ok: true, seq: item['control'] as number };
    }
    const { recallSeconds } = ctx.settings;
    if (!governs && isOlder(ctx, message, recallSeconds)) return refuseLate('recalled', recallSeconds);
    const told = await changeAndTell(ctx, caller, {
      conversationId,
      clientMsgId: `recall-${seq}`,
      body: { op: 'recall', seq },
      head: membership.head,
      ...(!message.silent && { uncounted: seq }),
      change: (control) => takeBackPart(item, message, control),
    });
    if (told.outcome === 'contended') break;
    if (told.outcome === 'refused') continue;
    await sealUncounted(ctx, conversationId, told.head);
    await Promise.all([deleteMedia(ctx, message), lastPushesOf(ctx, message)]);
    return { ok: true, seq: told.seq };
  }
  return refuse('unavailable', 'too much contention in this conversation, try again');
}

/** Until then the stream may be pushing it as it was sent, without a look at what it is by now. */
async function lastPushesOf(ctx: Context, { serverTime }: Message): Promise<void> {
  const over = serverTime + ctx.settings.pushFreshMs + PUSH_TIMEOUT_MS;
  if (over > ctx.now()) await ctx.wait(over - ctx.now());
}

/** Gives the message another body of the same type. */
export async function edit(
  ctx: Context,
  caller: Caller,
  { conversationId, seq, clientMsgId, body }: ClientFrame<'edit'>,
): Promise<Answer<'edit'> | Refusal> {
  const sizeBytes = Buffer.byteLength(JSON.stringify(body));
  if (sizeBytes > limits.bodyBytes) {
    return refuse('too_large', `body: ${sizeBytes} bytes as JSON, at most ${limits.bodyBytes}`);
  }
  const id = clientMsgIdDigest(clientMsgId).toString('base64url');
  const payload = payloadDigest(body).toString('base64url');
  let passed: Awaited<ReturnType<BeforeSend>> | undefined;
  for (let round = 1; round <= MAX_ROUNDS; round++) {
    const found = await findMessage(ctx, caller, conversationId, seq);
    if ('error' in found) return found;
    const { message, item, membership } = found;
    if (message.from !== caller.userId) return refuseForeign(seq);
    const edits = (item['edits'] as Edit[] | undefined) ?? [];
    const same = edits.find((done) => done.id === id);
    if (same && same.payload !== payload) {
      return refuse('idempotency_conflict', 'clientMsgId: was used for another edit');
    }
    if (same) {
      await bindMedia(ctx, message);
      return { ok: true, seq: same.control, edited: same.edited };
    }
    if (message.recalled) return refuse('not_found', `seq: message ${seq} was recalled`);
    const { editSeconds } = ctx.settings;
    if (isOlder(ctx, message, editSeconds)) return refuseLate('edited', editSeconds);
    if (membership.member.isBlocked) {
      return refuse('blocked', 'conversationId: the other user does not take messages from you');
    }
    if (isMuted(ctx, membership)) return refuse('muted', 'conversationId: you may not write in this group');
    const issue = bodyIssue(message.type, body);
    if (issue) return refuse('bad_request', issue);
    const { type, silent } = message;
    passed ??= (await ctx.beforeSend?.(ctx, caller, conversationId, {
      clientMsgId,
      type,
      body,
      silent,
      seq,
    })) ?? { body };
    if ('error' in passed) return passed;
    const written = passed.body;

    // Whoever sees two edits tells by this which is the newer.
    const edited = Math.max(ctx.now(), (message.edited ?? 0) + 1);
    const seen = item['control'] as number | undefined;
    const told = await changeAndTell(ctx, caller, {
      conversationId,
      clientMsgId,
      body: { op: 'edit', seq },
      head: membership.head,
      change: (control) => ({
        kind: 'update',
        table: 'Messages',
        key: { conversationId, seq },
        update: 'SET #body = :body, #edited = :edited, #control = :control, #edits = :edits',
        condition: `attribute_exists(#type) AND attribute_not_exists(#recalled) AND ${
          seen === undefined ? 'attribute_not_exists(#control)' : '#control = :seen'
        }`,
        values: {
          body: JSON.stringify(written),
          edited,
          control,
          edits: [{ id, payload, control, edited }, ...edits].slice(0, REMEMBERED_EDITS),
          ...(seen !== undefined && { seen }),
        },
      }),
    });
    if (told.outcome === 'contended') break;
    if (told.outcome !== 'told') continue;
    const changed = { ...message, body: written };
    await bindMedia(ctx, changed);
    if (mediaOf(message)?.key !== mediaOf(changed)?.key) await deleteMedia(ctx, message);
    return { ok: true, seq: told.seq, edited };
  }
  return refuse('unavailable', 'too much contention in this conversation, try again');
}

/** What a message notes of an edit, for the same one to be answered alike. */
interface Edit {
  readonly id: string;
  readonly payload: string;
  readonly control: number;
  readonly edited: number;
}

const refuseForeign = (seq: number) => refuse('forbidden', `seq: message ${seq} is not yours`);

const isOlder = (ctx: Context, { serverTime }: Message, seconds: number) =>
  ctx.now() - serverTime > seconds * 1_000;

const refuseLate = (what: string, seconds: number) =>
  refuse('recall_expired', `seq: a message can be ${what} for ${seconds} s`);
