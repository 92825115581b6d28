// What is known of a conversation after one more slot, or a newer version of one (pure).
import type { Message, Slot } from '../../protocol/messages.ts';
import type { ConversationSettings } from '../../protocol/server-frames.ts';
import { isVoid } from '../../protocol/slots.ts';
import type { ConversationRecord, GroupSummary } from '../store/schema.ts';
import { isShowable } from '../store/versions.ts';

/** A send implies that everything before it was read (the server sees it so, too). */
export function count(record: ConversationRecord, slot: Slot, userId: string): ConversationRecord {
  const { seq } = slot;
  const countedSeq = Math.max(record.countedSeq, seq);
  if (isVoid(slot)) return record;
  if (!isShowable(slot)) {
    return { ...record, countedSeq, ...groupAfter(record, slot), ...sizeAfter(record, slot, userId) };
  }
  const isNews = seq > record.countedSeq;
  const { settings } = record;
  const seen = {
    ...record,
    countedSeq,
    last: slot,
    // A conversation is hidden until the next message.
    ...(isNews && settings?.hidden && { settings: { ...settings, hidden: false } }),
  };
  if (slot.from === userId) {
    const read = moveRead(record, { conversationId: record.conversationId, readSeq: seq, isTold: true });
    return { ...seen, ...read, ownSeq: seq, unread: isNews ? 0 : record.unread };
  }
  const isDirect = record.conversationId.startsWith('d:');
  return {
    ...seen,
    ...(isDirect && { peerReadSeq: Math.max(record.peerReadSeq ?? 0, seq) }),
    unread: record.unread + (isNews && isCounted(slot, userId) ? 1 : 0),
  };
}

const unnamed: GroupSummary = { title: '', avatar: '', memberCount: 0 };

/** What a control message says of its group. */
function groupAfter({ group }: ConversationRecord, { body }: Message): Pick<ConversationRecord, 'group'> {
  const { values, ...told } = body as { readonly values?: object };
  const known = Object.entries({ ...told, ...values }).filter(
    ([name, value]) => Object.hasOwn(unnamed, name) && value !== undefined,
  );
  return known.length > 0 ? { group: { ...unnamed, ...group, ...Object.fromEntries(known) } } : {};
}

/** Who comes by a message comes into a group that is not large, until it says so. */
function sizeAfter(
  { large = false }: ConversationRecord,
  { body, from }: Message,
  userId: string,
): Pick<ConversationRecord, 'large'> {
  const { op, users = [] } = body as { readonly op?: string; readonly users?: readonly string[] };
  if (op === 'group.fanout') return { large: true };
  const isComing = op === 'group.created' || op === 'group.added';
  return isComing && [from, ...users].includes(userId) ? { large } : {};
}

/** What this user wants of a conversation. What is cleared is read, and nothing to show. */
export function settle(
  record: ConversationRecord,
  settings: ConversationSettings,
  remaining: readonly Message[],
  userId: string,
): ConversationRecord {
  const { clearedSeq } = settings;
  const { conversationId, last, unread } = record;
  const read = moveRead(record, { conversationId, readSeq: clearedSeq, isTold: true });
  const unreadHere = remaining.filter((message) => message.seq > read.readSeq! && isCounted(message, userId));
  return {
    ...record,
    ...read,
    settings,
    last: last && last.seq > clearedSeq ? last : null,
    unread: clearedSeq > (record.readSeq ?? 0) ? Math.min(unread, unreadHere.length) : unread,
  };
}

/** What became known of how far was read. */
export interface ReadPosition {
  readonly conversationId: string;
  readonly readSeq?: number;
  /** The server has it. */
  readonly isTold?: boolean;
  readonly peerReadSeq?: number | undefined;
  /** What the server counted, over everything up to `seq`. */
  /** Where the conversation begins here, if it is not known. */
  readonly begin?: Pick<ConversationRecord, 'shownSeq' | 'last'>;
  readonly counted?: { readonly unread: number; readonly seq: number };
  readonly group?: GroupSummary | undefined;
  readonly large?: boolean;
}

/** Positions move forward only. */
export function moveRead(
  record: ConversationRecord,
  { readSeq = 0, isTold, peerReadSeq = 0 }: ReadPosition,
): Pick<ConversationRecord, 'readSeq' | 'toldSeq' | 'peerReadSeq'> {
  const { readSeq: read = 0, toldSeq: told = 0, peerReadSeq: peerRead = 0 } = record;
  return {
    readSeq: Math.max(read, readSeq),
    toldSeq: isTold ? Math.max(told, readSeq) : told,
    peerReadSeq: Math.max(peerRead, peerReadSeq),
  };
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
