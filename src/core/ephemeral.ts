// What is pushed to who is online and never stored or numbered: messages, and that somebody types.
import type { ClientFrame } from '../protocol/client-frames.ts';
import { refuse, type Refusal } from '../protocol/errors.ts';
import { parseConversationId, peerOf, type ConversationRef } from '../protocol/ids.ts';
import type { Answer, Push } from '../protocol/server-frames.ts';
import { referencesOf } from '../protocol/slots.ts';
import { announce, announceTo } from './announce.ts';
import type { Caller, Context } from './context.ts';
import { sideOf } from './conversations.ts';
import { isMuted } from './groups/group.ts';
import { readStays } from './groups/known-groups.ts';
import { readSubscribers } from './groups/subscriptions.ts';
import { toMailbox } from './mailbox.ts';
import { readMemberships, refuseStranger } from './members.ts';
import { headKey, mailboxKey, sideAttributes } from './tables.ts';

/** To all devices of the conversation's users, the sending one excepted; within a conversation that exists. */
export async function sendEphemeral(
  ctx: Context,
  caller: Caller,
  conversation: ConversationRef,
  request: ClientFrame<'send'>,
): Promise<Answer<'send'> | Refusal> {
  const { conversationId } = conversation;
  const { clientMsgId, type, body, silent } = request;
  const serverTime = ctx.now();
  const message = { conversationId, clientMsgId, serverTime, from: caller.userId, deviceId: caller.deviceId };
  const push: Push = {
    push: 'ephemeral',
    message: { ...message, type, body, recalled: false, edited: null, silent, ...referencesOf(request) },
  };
  const refusal = await tell(ctx, caller, conversation, { push, field: 'to', isListener: () => true });
  return refusal ?? { ok: true, conversationId, serverTime };
}

/** That the caller types, or does no more, to the other users of the conversation. */
export async function typing(
  ctx: Context,
  caller: Caller,
  { conversationId, stopped }: ClientFrame<'typing'>,
): Promise<Answer<'typing'> | Refusal> {
  const conversation = parseConversationId(conversationId);
  const isStrange = conversation?.kind === 'direct' && !conversation.users.includes(caller.userId);
  if (!conversation || isStrange) return refuseStranger(conversationId);
  const push: Push = { push: 'typing', conversationId, from: caller.userId, ...(stopped && { stopped }) };
  const isListener = (userId: string) => userId !== caller.userId;
  const told = { push, field: 'conversationId', isListener } as const;
  const refusal = await tell(ctx, caller, conversation, told);
  return refusal ?? { ok: true };
}

interface Told {
  readonly push: Push;
  /** Of the request, that names the conversation. */
  readonly field: 'to' | 'conversationId';
  /** Of the conversation's users. */
  readonly isListener: (userId: string) => boolean;
}

const tell = (
  ctx: Context,
  caller: Caller,
  conversation: ConversationRef,
  told: Told,
): Promise<Refusal | undefined> =>
  conversation.kind === 'group'
    ? tellGroup(ctx, caller, conversation.conversationId, told)
    : tellPeer(ctx, caller, conversation, told);

async function tellPeer(
  ctx: Context,
  caller: Caller,
  conversation: ConversationRef & { kind: 'direct' },
  told: Told,
): Promise<Refusal | undefined> {
  const { conversationId, users } = conversation;
  const { push, field, isListener } = told;
  const listeners = [...new Set(users)].filter(isListener);
  const [head, mailboxItems] = await Promise.all([
    ctx.db.get('Conversations', headKey(conversationId), 'strong'),
    ctx.db.batchGet('Users', listeners.map(mailboxKey)),
  ]);
  if (!head) return refuse('not_member', `${field}: there is no conversation ${conversationId} yet`);
  const peer = peerOf(users, caller.userId);
  const isBlocked = (userId: string) =>
    head[sideAttributes(sideOf(conversation, userId)).blocked] !== undefined;
  if (isBlocked(caller.userId)) {
    return refuse('blocked', `${field}: ${peer} does not take messages from you`);
  }
  // Who types is online: whom they block is not to learn that.
  if (push.push === 'typing' && isBlocked(peer)) return undefined;
  await announce(ctx, caller, mailboxItems.map(toMailbox), push);
  return undefined;
}

/** In a large group, to who looks at it. */
async function tellGroup(
  ctx: Context,
  caller: Caller,
  conversationId: string,
  told: Told,
): Promise<Refusal | undefined> {
  const { userId } = caller;
  const { push, field, isListener } = told;
  const membership = (await readMemberships(ctx, [conversationId], userId)).get(conversationId);
  if (!membership?.group) return refuseStranger(conversationId, field);
  if (isMuted(ctx, membership)) return refuse('muted', `${field}: you may not write in this group`);
  const group = (await readStays(ctx, [conversationId])).get(conversationId);
  if (!group) return undefined;
  if (group.head.cutoverSeq !== undefined) {
    const subscribers = await readSubscribers(ctx, conversationId, group);
    const listeners = subscribers.filter((one) => isListener(one.userId));
    await announceTo(
      ctx,
      listeners.map(({ connectionId }) => connectionId).filter((id) => id !== caller.connectionId),
      push,
    );
    return undefined;
  }
  const present = group.stays.filter((stay) => stay.leftSeq === undefined && isListener(stay.userId));
  const keys = present.map((stay) => mailboxKey(stay.userId));
  const items = await ctx.db.batchGet('Users', keys, 'eventual');
  await announce(ctx, caller, items.map(toMailbox), push);
  return undefined;
}
