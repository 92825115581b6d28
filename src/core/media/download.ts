// `download`: a file of a conversation is for who may see the message that names it; what users show of themselves, and
// groups, is for everybody.
import type { ClientFrame } from '../../protocol/client-frames.ts';
import { refuse, type Refusal } from '../../protocol/errors.ts';
import type { Answer } from '../../protocol/server-frames.ts';
import type { Caller, Context } from '../context.ts';
import { findMessage } from '../find-message.ts';
import { readMemberships, refuseStranger } from '../members.ts';
import { readBinding, type Binding } from './bindings.ts';
import { mediaOf, parseMedia, type MediaName } from './keys.ts';
import { isOwn } from './upload.ts';

type OfConversation = MediaName & { kind: 'conversation' };

export async function download(
  ctx: Context,
  caller: Caller,
  { conversationId, media: named, seq }: ClientFrame<'download'>,
): Promise<Answer<'download'> | Refusal> {
  const media = parseMedia(named);
  if (!media) return refuseUnknown();
  if (media.kind === 'public') return { ok: true, ...(await ctx.objects.signDownload(media.key)) };
  if (conversationId !== undefined && conversationId !== media.conversationId) return refuseUnknown();
  const binding = await readBinding(ctx, media);
  // Whoever knows the message may be faster than what binds the file to it.
  const namedBy = seq ?? binding?.seq;
  const refusal =
    binding === undefined || namedBy === undefined
      ? await refuseUnlessUploader(ctx, caller, media, binding)
      : await refuseUnlessShown(ctx, caller, media, { ...binding, seq: namedBy });
  return refusal ?? { ok: true, ...(await ctx.objects.signDownload(media.key, binding?.name)) };
}

async function refuseUnlessUploader(
  ctx: Context,
  { userId }: Caller,
  { conversationId }: OfConversation,
  binding: Binding | undefined,
): Promise<Refusal | undefined> {
  const isIn =
    isOwn(conversationId, userId) ||
    (await readMemberships(ctx, [conversationId], userId)).has(conversationId);
  if (!isIn) return refuseStranger(conversationId);
  return binding?.from === userId ? undefined : refuseUnknown();
}

async function refuseUnlessShown(
  ctx: Context,
  caller: Caller,
  media: OfConversation,
  { seq, from }: Binding & { readonly seq: number },
): Promise<Refusal | undefined> {
  const found = await findMessage(ctx, caller, media.conversationId, seq);
  if ('error' in found) return found.error.code === 'not_member' ? found : refuseUnknown();
  const { message } = found;
  const isNamed = !message.recalled && message.from === from && mediaOf(message)?.key === media.key;
  return isNamed ? undefined : refuseUnknown();
}

/** The same whether it is not there, not named, or not for the caller (I8). */
const refuseUnknown = () => refuse('not_found', 'media: there is no such file');
