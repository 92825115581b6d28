// `upload`: where a client puts a file, before it sends the message that names it.
import type { ClientFrame } from '../../protocol/client-frames.ts';
import { refuse, type Refusal } from '../../protocol/errors.ts';
import { parseConversationId } from '../../protocol/ids.ts';
import type { Answer } from '../../protocol/server-frames.ts';
import type { Caller, Context } from '../context.ts';
import { expiryAfter } from '../expiry.ts';
import { isMuted } from '../groups/group.ts';
import { readMemberships, refuseStranger } from '../members.ts';
import { takeTurn } from '../rate.ts';
import { mediaKey, ttlAttribute } from '../tables.ts';
import { conversationMediaKey, publicMediaKey, toMedia } from './keys.ts';

export interface UploadContext extends Context {
  /** An id that nobody guesses: of `A-Za-z0-9_-`. */
  readonly newId: () => string;
}

/** For so long is what no message names. */
const UNNAMED_DAYS = 1;

export async function upload(
  ctx: UploadContext,
  caller: Caller,
  request: ClientFrame<'upload'>,
): Promise<Answer<'upload'> | Refusal> {
  const { conversationId, size } = request;
  const { mediaMaxBytes, avatarMaxBytes } = ctx.settings;
  const maxBytes = conversationId === undefined ? avatarMaxBytes : mediaMaxBytes;
  if (size > maxBytes) return refuse('too_large', `size: ${size} bytes, at most ${maxBytes}`);
  const refusal = conversationId === undefined ? undefined : await refuseSender(ctx, caller, conversationId);
  if (refusal) return refusal;
  const rate = { name: 'uploads', perMinute: ctx.settings.uploadsPerMinute };
  const limited = await takeTurn(ctx, caller.userId, rate);
  if (limited) return refuse('rate_limited', 'upload: too many uploads', { retryAfterMs: limited.waitMs });

  const key = await nameFile(ctx, caller, request);
  const isProvisional = conversationId !== undefined;
  const signed = await ctx.objects.signUpload(key, { sizeBytes: size, mime: request.mime, isProvisional });
  return { ok: true, method: 'PUT', ...signed, media: toMedia(key) };
}

async function nameFile(
  ctx: UploadContext,
  { userId }: Caller,
  { conversationId, name }: ClientFrame<'upload'>,
): Promise<string> {
  const id = ctx.newId();
  if (conversationId === undefined) return publicMediaKey(userId, id);
  const item = { from: userId, name, [ttlAttribute]: expiryAfter(ctx, UNNAMED_DAYS) };
  await ctx.db.put({ table: 'Conversations', item: { ...mediaKey(conversationId, id), ...item } });
  return conversationMediaKey(conversationId, id);
}

/** As a send would be. One's own direct conversation may be yet to begin: the message, then, is what begins it. */
async function refuseSender(
  ctx: Context,
  { userId }: Caller,
  conversationId: string,
): Promise<Refusal | undefined> {
  const membership = (await readMemberships(ctx, [conversationId], userId)).get(conversationId);
  if (!membership) return isOwn(conversationId, userId) ? undefined : refuseStranger(conversationId);
  if (membership.member.isBlocked) {
    return refuse('blocked', 'conversationId: the other user does not take messages from you');
  }
  if (isMuted(ctx, membership)) return refuse('muted', 'conversationId: you may not write in this group');
  return undefined;
}

/** A direct conversation of this user's. */
export function isOwn(conversationId: string, userId: string): boolean {
  const conversation = parseConversationId(conversationId);
  return conversation?.kind === 'direct' && conversation.users.includes(userId);
}
