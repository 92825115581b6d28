// Messages that are pushed to who is online and never stored or numbered.
import type { ClientFrame } from '../protocol/client-frames.ts';
import { refuse, type Refusal } from '../protocol/errors.ts';
import { peerOf, type ConversationRef } from '../protocol/ids.ts';
import type { Answer, Push } from '../protocol/server-frames.ts';
import { announce } from './announce.ts';
import type { Caller, Context } from './context.ts';
import { toMailbox } from './mailbox.ts';
import { sideOf } from './conversations.ts';
import { HEAD, mailboxKey, sideAttributes } from './tables.ts';

/** To all devices of both users, the sending one excepted; within a conversation that exists. */
export async function sendEphemeral(
  ctx: Context,
  caller: Caller,
  conversation: ConversationRef & { kind: 'direct' },
  request: ClientFrame<'send'>,
): Promise<Answer<'send'> | Refusal> {
  const { conversationId, users } = conversation;
  const [head, mailboxItems] = await Promise.all([
    ctx.db.get('Conversations', { conversationId, item: HEAD }, 'strong'),
    ctx.db.batchGet('Users', [...new Set(users)].map(mailboxKey)),
  ]);
  if (!head) return refuse('not_member', `to: there is no conversation ${conversationId} yet`);
  const { blocked } = sideAttributes(sideOf(conversation, caller.userId));
  if (head[blocked] !== undefined) {
    return refuse('blocked', `to: ${peerOf(users, caller.userId)} does not take messages from you`);
  }
  const mailboxes = mailboxItems.map(toMailbox);
  const { clientMsgId, type, body, silent } = request;
  const serverTime = ctx.now();
  const message = { conversationId, clientMsgId, serverTime, from: caller.userId, deviceId: caller.deviceId };
  const push: Push = {
    push: 'ephemeral',
    message: { ...message, type, body, recalled: false, edited: null, silent },
  };
  await announce(ctx, caller, mailboxes, push);
  return { ok: true, conversationId, serverTime };
}
