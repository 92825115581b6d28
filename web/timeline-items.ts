// What the timeline shows, line by line (pure): days, where the new ones begin, and messages in blocks of one sender.
import type { OutgoingMessage } from '../src/client/outbox/outgoing.ts';
import type { Message } from '../src/protocol/messages.ts';
import { daysBetween } from './times.ts';

export type Shown = Message | OutgoingMessage;

export type TimelineItem =
  | { readonly kind: 'day'; readonly key: string; readonly at: number }
  | { readonly kind: 'new'; readonly key: 'new' }
  | {
      readonly kind: 'message';
      readonly key: string;
      readonly message: Shown;
      /** Of a block: it says who and when. */
      readonly isFirst: boolean;
    };

const BLOCK_MS = 3 * 60_000;

export const timeOfMessage = (message: Shown) =>
  message.seq === undefined ? message.createdAt : message.serverTime;

/** `unreadAfter`: what was read when the conversation was opened, if there was more. */
export function itemsOf(
  messages: readonly Shown[],
  userId: string,
  unreadAfter: number | undefined,
): TimelineItem[] {
  const items: TimelineItem[] = [];
  let before: Shown | undefined;
  let isMarked = unreadAfter === undefined;
  for (const message of messages) {
    const at = timeOfMessage(message);
    const isOtherDay = !before || daysBetween(timeOfMessage(before), at) !== 0;
    if (isOtherDay) items.push({ kind: 'day', key: `day ${new Date(at).toDateString()}`, at });
    const isNew =
      !isMarked && message.seq !== undefined && message.seq > unreadAfter! && message.from !== userId;
    if (isNew) {
      items.push({ kind: 'new', key: 'new' });
      isMarked = true;
    }
    const isFirst =
      isOtherDay || isNew || before!.from !== message.from || at - timeOfMessage(before!) > BLOCK_MS;
    // Its own for as long as it is shown: what is sent keeps the one that it was written under.
    items.push({ kind: 'message', key: `${message.from} ${message.clientMsgId}`, message, isFirst });
    before = message;
  }
  return items;
}
