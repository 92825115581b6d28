// The messages that a command means without naming them.
import type { Conversation } from '../src/client/conversation.ts';
import type { OutgoingMessage } from '../src/client/outbox/outgoing.ts';
import type { Message } from '../src/protocol/messages.ts';

async function newest(conversation: Conversation): Promise<Message[]> {
  const messages: (Message | OutgoingMessage)[] = await conversation.messages();
  return messages
    .filter((one): one is Message => one.seq !== undefined)
    .filter(({ type, recalled }) => type !== 'control' && !recalled)
    .toReversed();
}

/** Of this user, as far as it is shown at first. */
export async function lastOwn(conversation: Conversation, userId: string): Promise<Message | undefined> {
  return (await newest(conversation)).find(({ from }) => from === userId);
}

/** `back`: 1 is the newest. @throws Error */
export async function ofOthers(conversation: Conversation, userId: string, back: number): Promise<Message> {
  const found = (await newest(conversation)).filter(({ from }) => from !== userId)[back - 1];
  if (!found) throw new Error('There is no such message of others here');
  return found;
}
