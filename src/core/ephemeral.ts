// Messages that are pushed to who is online and never stored or numbered.
import type { ClientFrame } from '../protocol/client-frames.ts';
import { refuse, type Refusal } from '../protocol/errors.ts';
import { peerOf, type ConversationRef } from '../protocol/ids.ts';
import type { Answer, Push } from '../protocol/server-frames.ts';
import { isConnectionOver } from './connections.ts';
import type { Caller, Context } from './context.ts';
import { toMailbox } from './mailbox.ts';
import { HEAD, itemKey } from './tables.ts';

/** To all devices of both users, the sending one excepted. A conversation need not exist for it, and is not made. */
export async function sendEphemeral(
  ctx: Context,
  caller: Caller,
  conversation: ConversationRef & { kind: 'direct' },
  request: ClientFrame<'send'>,
): Promise<Answer<'send'> | Refusal> {
  const { conversationId, users } = conversation;
  const peer = peerOf(users, caller.userId);
  const block = { userId: peer, item: itemKey.block(caller.userId) };
  const items = await ctx.db.batchGet('Users', [
    ...[...new Set(users)].map((userId) => ({ userId, item: HEAD })),
    block,
  ]);
  const mailboxes = items.filter((item) => item['item'] === HEAD).map(toMailbox);
  if (!mailboxes.some(({ userId }) => userId === peer)) {
    return refuse('user_not_found', `to: there is no user ${peer}`);
  }
  if (items.some((item) => item['item'] === block.item)) {
    return refuse('blocked', `to: ${peer} does not take messages from you`);
  }
  const { clientMsgId, type, body, silent } = request;
  const serverTime = ctx.now();
  const message = { conversationId, clientMsgId, serverTime, from: caller.userId, deviceId: caller.deviceId };
  const push: Push = {
    push: 'ephemeral',
    message: { ...message, type, body, recalled: false, edited: null, silent },
  };
  const others = mailboxes
    .flatMap(({ connections }) => connections)
    .filter(({ connectionId }) => connectionId !== caller.connectionId);
  await Promise.all(
    others.map((connection) =>
      isConnectionOver(ctx, connection)
        ? ctx.connections.close(connection.connectionId)
        : ctx.connections.post(connection.connectionId, push),
    ),
  );
  return { ok: true, conversationId, serverTime };
}
