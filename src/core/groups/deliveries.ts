// What of a group's messages goes to whom: to the mailboxes of those who were in when it was numbered, or, above the
// cut-over, to the connections that look at the group; and to whoever comes or goes, that they do.
import type { Message } from '../../protocol/messages.ts';
import type { ConversationChange } from '../../protocol/server-frames.ts';
import { targetSeq, type GroupBody } from '../../protocol/slots.ts';
import { deviceDigest } from '../digest.ts';
import { encodeEntry } from '../entries.ts';
import type { AddressedDelivery } from '../deliver.ts';
import type { GroupHead } from './group.ts';
import { isIn, type GroupWithStays, type Stay } from './known-groups.ts';

/** Everything that a message of a group puts into mailboxes, in the order of each. */
export function deliveriesOf(message: Message, { head, stays }: GroupWithStays): AddressedDelivery[] {
  const { conversationId, seq } = message;
  const event = (userId: string, change: ConversationChange): AddressedDelivery => ({
    userId,
    pointer: encodeEntry({ conversationId, change, version: seq }),
    conversationId,
    message,
    event: change,
  });
  const change = changeOf(message);
  const joining = new Set(change?.change === 'joined' ? change.users : []);
  const isWritten = head.cutoverSeq === undefined || seq <= head.cutoverSeq;
  const toMembers = stays
    .filter((stay) => isIn(stay, seq))
    .flatMap((stay) => [
      ...(joining.has(stay.userId) ? [event(stay.userId, 'joined')] : []),
      ...(isWritten ? [messageFor(stay, message, head)] : []),
      ...(change?.change === 'dismissed' ? [event(stay.userId, 'dismissed')] : []),
    ]);
  const isGoing = change?.change === 'removed' || change?.change === 'left';
  return [...toMembers, ...(isGoing ? change.users.map((userId) => event(userId, change.change)) : [])];
}

/** Who was not in yet when what it is about was sent is not shown that, unless they may see all. */
function messageFor(stay: Stay, message: Message, { policy }: GroupHead): AddressedDelivery {
  const { userId } = stay;
  const { conversationId, seq, from, deviceId } = message;
  const target = targetSeq(message);
  const mayBeShown = target === undefined || policy.history === 'all' || isIn(stay, target);
  const pointer = encodeEntry({
    conversationId,
    seq,
    // What the server made, every device has to hear of.
    ...(message.type === 'control'
      ? { isControl: true, ...(target !== undefined && mayBeShown && { target }) }
      : userId === from && { madeBy: deviceDigest(deviceId) }),
  });
  return { userId, pointer, message, ...(!mayBeShown && { hidesTarget: true }) };
}

interface MembershipChange {
  readonly change: Extract<ConversationChange, 'joined' | 'left' | 'removed' | 'dismissed'>;
  /** All, when it is dismissed. */
  readonly users: readonly string[];
}

function changeOf({ type, body, from }: Message): MembershipChange | undefined {
  if (type !== 'control') return undefined;
  const told = body as unknown as GroupBody;
  switch (told.op) {
    case 'group.created':
      return { change: 'joined', users: [from, ...told.users] };
    case 'group.added':
      return { change: 'joined', users: told.users };
    case 'group.removed':
      return { change: 'removed', users: told.users };
    case 'group.left':
      return { change: 'left', users: [from] };
    case 'group.dismissed':
      return { change: 'dismissed', users: [] };
    case 'group.updated':
    case 'group.role':
    case 'group.muted':
    case 'group.fanout':
    // And what was done to a message.
    default:
      return undefined;
  }
}
