// Where a time is in a conversation: in no app that does not look for one.
import type { Message } from '../protocol/messages.ts';
import type { Conversation } from './conversation.ts';

/**
 * The seq of the first message from that time on (a date, or milliseconds since the epoch), as the server has it; `undefined`:
 * there is none. Rejects with ImError.
 */
export async function seqAt(conversation: Conversation, time: Date | number): Promise<number | undefined> {
  const since = Number(time);
  const isSince = (message: Message) => message.serverTime >= since;
  const { messages, floorSeq, headSeq } = await conversation.history({ around: since, limit: 100 });
  const found = messages.find(isSince);
  const after = messages.at(-1)?.seq ?? floorSeq - 1;
  if (found || after >= headSeq) return found?.seq;
  // Half a page that tells of other messages, or is void.
  for await (const page of conversation.pages({ after, limit: 100 })) {
    const next = page.messages.find(isSince);
    if (next) return next.seq;
  }
  return undefined;
}
