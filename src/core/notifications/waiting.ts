// What waits for a device, as its mailbox says: by conversation, and which of it the device has not been told of.
import type { Context } from '../context.ts';
import { decodeEntry } from '../entries.ts';
import { readEntries, type Mailbox } from '../mailbox.ts';

/** Entries that are looked at, the newest ones: who is further behind is told of those. */
const MAX_ENTRIES = 2_000;
/** A device hears of so many conversations at once. */
const MAX_CONVERSATIONS = 50;

export interface WaitingConversation {
  readonly conversationId: string;
  /** The first message that waits; unknown where more wait than were looked at. */
  readonly firstSeq?: number;
  /** What the device has not been told of: newest first. */
  readonly freshSeqs: readonly number[];
}

/** Conversations with something fresh, the newest first. What this user's own devices made is nothing that waits. */
export async function readWaiting(
  ctx: Context,
  mailbox: Mailbox,
  { cursor, toldSyncSeq }: { cursor: number; toldSyncSeq: number },
): Promise<WaitingConversation[]> {
  const { after, entries } = await readNewestEntries(ctx, mailbox, cursor);
  const found = new Map<string, { firstSeq: number; freshSeqs: number[] }>();
  for (const [index, entry] of [...entries.entries()].toReversed()) {
    const decoded = decodeEntry(entry, mailbox.userId);
    if (decoded.kind !== 'message' || decoded.isControl || decoded.madeBy !== undefined) continue;
    const { conversationId, seq } = decoded;
    const waiting = found.get(conversationId) ?? { firstSeq: seq, freshSeqs: [] };
    found.set(conversationId, waiting);
    waiting.firstSeq = Math.min(waiting.firstSeq, seq);
    if (after + index + 1 > toldSyncSeq) waiting.freshSeqs.push(seq);
  }
  const isWhole = after === cursor;
  return [...found]
    .filter(([, { freshSeqs }]) => freshSeqs.length > 0)
    .slice(0, MAX_CONVERSATIONS)
    .map(([conversationId, { firstSeq, freshSeqs }]) => ({
      conversationId,
      ...(isWhole && { firstSeq }),
      freshSeqs: [...new Set(freshSeqs)].toSorted((left, right) => right - left),
    }));
}

/** Of what the mailbox does not keep any more, only the head's own page is known. */
async function readNewestEntries(
  ctx: Context,
  mailbox: Mailbox,
  cursor: number,
): Promise<{ after: number; entries: readonly string[] }> {
  const after = Math.max(cursor, mailbox.seq - MAX_ENTRIES);
  const range = await readEntries(ctx, mailbox, after, MAX_ENTRIES);
  return range.reset ? { after: mailbox.base, entries: mailbox.page } : { after, entries: range.entries };
}
