// Messages that are pushed to who is online and never stored or numbered.
import type { ClientFrame } from '../protocol/client-frames.ts';
import { refuse, type Refusal } from '../protocol/errors.ts';
import { peerOf, type ConversationRef } from '../protocol/ids.ts';
import type { Answer, Push } from '../protocol/server-frames.ts';
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
    message: { ...message, type, body, recalled: false, edited: null, silent },
  };
  const refusal =
    conversation.kind === 'group'
      ? await tellGroup(ctx, caller, conversationId, push)
      : await tellPeer(ctx, caller, conversation, push);
  return refusal ?? { ok: true, conversationId, serverTime };
}

async function tellPeer(
  ctx: Context,
  caller: Caller,
  conversation: ConversationRef & { kind: 'direct' },
  push: Push,
): Promise<Refusal | undefined> {
  const { conversationId, users } = conversation;
  const [head, mailboxItems] = await Promise.all([
    ctx.db.get('Conversations', headKey(conversationId), 'strong'),
    ctx.db.batchGet('Users', [...new Set(users)].map(mailboxKey)),
  ]);
  if (!head) return refuse('not_member', `to: there is no conversation ${conversationId} yet`);
  const { blocked } = sideAttributes(sideOf(conversation, caller.userId));
  if (head[blocked] !== undefined) {
    return refuse('blocked', `to: ${peerOf(users, caller.userId)} does not take messages from you`);
  }
  await announce(ctx, caller, mailboxItems.map(toMailbox), push);
  return undefined;
}

/** In a large group, to who looks at it. */
async function tellGroup(
  ctx: Context,
  caller: Caller,
  conversationId: string,
  push: Push,
): Promise<Refusal | undefined> {
  const { userId } = caller;
  const membership = (await readMemberships(ctx, [conversationId], userId)).get(conversationId);
  if (!membership?.group) return refuseStranger(conversationId, 'to');
  if (isMuted(ctx, membership)) return refuse('muted', 'to: you may not write in this group');
  const group = (await readStays(ctx, [conversationId])).get(conversationId);
  if (!group) return undefined;
  if (group.head.cutoverSeq !== undefined) {
    const subscribers = await readSubscribers(ctx, conversationId, group);
    await announceTo(
      ctx,
      subscribers.map(({ connectionId }) => connectionId).filter((id) => id !== caller.connectionId),
      push,
    );
    return undefined;
  }
  const present = group.stays.filter(({ leftSeq }) => leftSeq === undefined);
  const keys = present.map((stay) => mailboxKey(stay.userId));
  const items = await ctx.db.batchGet('Users', keys, 'eventual');
  await announce(ctx, caller, items.map(toMailbox), push);
  return undefined;
}
