// A message is changed in place: which of its versions is the newer, and what an app is to see (pure).
import type { Message, Slot } from '../../protocol/messages.ts';
import { isVoid } from '../../protocol/slots.ts';

/** What a control message tells of, as it is now. */
export interface Target {
  readonly message: Message;
  /** Of the control message. */
  readonly controlSeq: number;
}

/**
 * Recalled is for ever; else the later edit counts. Reactions bear no date: those that came last count, for whoever reacts
 * later tells of all that there are. Of a server that was set up anew, another message may stand there.
 */
export function isNewer(message: Message, than: Message): boolean {
  if (than.recalled || message.clientMsgId !== than.clientMsgId) return false;
  return message.recalled || (message.edited ?? 0) > (than.edited ?? 0);
}

/** What is known of it shows something else, and is not from before. */
export function isOther(message: Message, than: Message): boolean {
  if (isNewer(message, than)) return true;
  if (isNewer(than, message)) return false;
  return JSON.stringify(message.reactions) !== JSON.stringify(than.reactions);
}

export const newerOf = (known: Message, other: Message) => (isNewer(other, known) ? other : known);

/** A control message tells of another one, and a void of nothing: they have their places, and are no messages to show. */
export const isShowable = (slot: Slot): slot is Message => !isVoid(slot) && slot.type !== 'control';
