// What is known of a conversation after one more slot, or a newer version of one (pure).
import type { Message, Slot } from '../../protocol/messages.ts';
import { isVoid } from '../../protocol/slots.ts';
import type { ConversationRecord } from '../store/schema.ts';
import { isShowable } from '../store/versions.ts';

/** A send implies that everything before it was read (the server sees it so, too). */
export function count(record: ConversationRecord, slot: Slot, userId: string): ConversationRecord {
  const { seq } = slot;
  const countedSeq = Math.max(record.countedSeq, seq);
  if (isVoid(slot)) return record;
  if (!isShowable(slot)) return { ...record, countedSeq };
  if (slot.from === userId && seq > record.countedSeq) {
    return { ...record, unread: 0, readSeq: seq, countedSeq, last: slot };
  }
  const counts = seq > record.countedSeq && isCounted(slot, userId);
  return { ...record, unread: record.unread + (counts ? 1 : 0), countedSeq, last: slot };
}

/** A message that was stored is another now; what the server counted knows of control messages up to then. */
export function revise(
  record: ConversationRecord,
  {
    message,
    known,
    controlSeq,
  }: { readonly message: Message; readonly known: Message | undefined; readonly controlSeq: number },
  userId: string,
): ConversationRecord {
  const { last, unread, readSeq = 0, countedSeq } = record;
  const wasCounted = known && isCounted(known, userId) && known.seq > readSeq && known.seq <= countedSeq;
  const isLess = wasCounted && message.recalled && controlSeq > countedSeq;
  return {
    ...record,
    unread: Math.max(0, unread - (isLess ? 1 : 0)),
    last: last?.seq === message.seq ? message : last,
  };
}

export const isCounted = ({ from, silent, recalled }: Message, userId: string) =>
  from !== userId && !silent && !recalled;
