// Mailbox entries: pointers to messages, or small events, kept short because sixteen of them share one write unit.
//
//   bob#7          message 7 of the direct conversation with bob, named by the peer alone
//   bob#7!x9Zk     the same, in the sender's own mailbox: made by the device of that digest
//   bob#9.7        message 9, a control message about message 7
//   g:team#9.0     message 9, a control message about the group, or about one that this user may not see
//   bob#+s3        the settings of that conversation changed, for the third time
//   g:team#7       message 7 of a group
//   bob#+cs1z141   the contact bob changed, or was removed
import { directConversationId, isGroupId } from '../protocol/ids.ts';
import type { ConversationChange } from '../protocol/server-frames.ts';

export interface MessagePointer {
  readonly kind: 'message';
  readonly conversationId: string;
  readonly seq: number;
  /** Made by the server: nothing that waits to be read. So is whatever has a `target`. */
  readonly isControl?: boolean;
  /** The message that a control message is about, if this user may see it. */
  readonly target?: number;
  /** Digest of the device that made it, when it was one of this user's own. */
  readonly madeBy?: string;
}

/** What happened to a conversation for this user alone. */
export interface ConversationEntry {
  readonly kind: 'conversation';
  readonly conversationId: string;
  readonly change: ConversationChange;
  /** Tells it from the same change before. */
  readonly version: number;
  readonly madeBy?: undefined;
}

/** What happened to a contact of this user. */
export interface ContactEntry {
  readonly kind: 'contact';
  readonly userId: string;
  /** Tells it from the same change before. */
  readonly version: number;
  readonly madeBy?: undefined;
}

export type Entry = MessagePointer | ConversationEntry | ContactEntry;
/** One that stands in the mailbox itself. */
export type EventEntry = Omit<ConversationEntry, 'kind' | 'madeBy'> | Omit<ContactEntry, 'kind' | 'madeBy'>;

/** `peer`: the other user, in a direct conversation. */
type Encodable = (Omit<MessagePointer, 'kind'> | EventEntry) & { readonly peer?: string };

/** For ever: entries live as long as a mailbox keeps its pages. */
const changeCodes = {
  settings: 's',
  joined: 'j',
  left: 'l',
  removed: 'r',
  dismissed: 'd',
  heads: 'h',
} as const satisfies Record<ConversationChange, string>;

const CONTACT_CODE = 'c';

const changes = Object.fromEntries(
  Object.entries(changeCodes).map(([change, code]) => [code, change]),
) as Record<string, ConversationChange>;

/** In the place of one: no message has the number 0. */
const NO_TARGET = '0';

/** How an entry reads in the mailbox of its user. */
export function encodeEntry(entry: Encodable): string {
  if ('userId' in entry) return `${entry.userId}#+${CONTACT_CODE}${entry.version.toString(36)}`;
  const conversation = entry.peer ?? entry.conversationId;
  if ('change' in entry) {
    return `${conversation}#+${changeCodes[entry.change]}${entry.version.toString(36)}`;
  }
  const { seq, isControl, target, madeBy } = entry;
  const about = target !== undefined ? `.${target.toString(36)}` : isControl ? `.${NO_TARGET}` : '';
  return `${conversation}#${seq.toString(36)}${about}${madeBy ? `!${madeBy}` : ''}`;
}

const pointerPattern = /^([0-9a-z]+)(?:\.([0-9a-z]+))?(?:!(.+))?$/;
const changePattern = /^\+([a-z])([0-9a-z]+)$/;

export function decodeEntry(entry: string, userId: string): Entry {
  const separator = entry.indexOf('#');
  const conversation = entry.slice(0, separator);
  const rest = entry.slice(separator + 1);
  const [, code = '', version = ''] = changePattern.exec(rest) ?? [];
  if (code === CONTACT_CODE) return { kind: 'contact', userId: conversation, version: parseInt(version, 36) };
  const conversationId = isGroupId(conversation) ? conversation : directConversationId(userId, conversation);
  const change = changes[code];
  if (change) return { kind: 'conversation', conversationId, change, version: parseInt(version, 36) };
  const [, seq, target, madeBy] = pointerPattern.exec(rest) ?? [];
  if (separator < 1 || !seq) throw new Error(`Not a mailbox entry: ${entry}`);
  return {
    kind: 'message',
    conversationId,
    seq: parseInt(seq, 36),
    ...(target !== undefined && { isControl: true }),
    ...(target && target !== NO_TARGET && { target: parseInt(target, 36) }),
    ...(madeBy !== undefined && { madeBy }),
  };
}
