// What tests of fan-out deliver, and who asks to be notified of it.
import type { Caller } from '../../src/core/context.ts';
import type { ClientFrame } from '../../src/protocol/client-frames.ts';
import { directConversationId } from '../../src/protocol/ids.ts';
import type { Message } from '../../src/protocol/messages.ts';

export function directMessage(
  from: Caller,
  to: Caller,
  seq: number,
  { serverTime, text = 'hi' }: { serverTime: number; text?: string | undefined },
): Message {
  return {
    conversationId: directConversationId(from.userId, to.userId),
    seq,
    clientMsgId: `message-${seq}`,
    serverTime,
    from: from.userId,
    deviceId: from.deviceId,
    type: 'text',
    body: { text },
    recalled: false,
    edited: null,
    silent: false,
  };
}

export const registration = ({ userId, deviceId }: Caller): ClientFrame<'device'> => ({
  action: 'device',
  id: 'r',
  pushToken: `token of ${userId} ${deviceId}`,
  provider: 'fcm',
  remove: false,
});
