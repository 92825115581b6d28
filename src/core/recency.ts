// Which conversations were busy last: the mailbox read backwards. So recency costs no write; and whoever pages by a head
// that stays the same finds the same order, whatever arrives meanwhile.
import type { Context } from './context.ts';
import { decodeEntry, type ContactEntry, type Entry } from './entries.ts';
import { readEntries, type Mailbox } from './mailbox.ts';

/** Entries that are looked at, at most: of conversations that were last busy before, nobody knows which were first. */
const MAX_ENTRIES = 1_024;
const PORTION = 128;

export class Recency {
  /** Of each conversation that was found, the syncSeq of its newest message; in that order, newest first. */
  readonly found = new Map<string, number>();
  private readonly ctx: Context;
  private readonly mailbox: Mailbox;
  private readonly end: number;
  private next: number;

  /** `head`: nothing that came later is looked at. */
  constructor(ctx: Context, mailbox: Mailbox, head: number) {
    this.ctx = ctx;
    this.mailbox = mailbox;
    this.next = Math.min(head, mailbox.seq);
    this.end = Math.max(0, this.next - MAX_ENTRIES);
  }

  /** Looks further back; false = that was all. */
  async lookBack(): Promise<boolean> {
    if (this.next <= this.end) return false;
    const { base } = this.mailbox;
    // What stands in the head has been read already.
    const after = this.next > base ? Math.max(base, this.end) : Math.max(this.next - PORTION, this.end);
    const range = await readEntries(this.ctx, this.mailbox, after, this.next - after);
    this.next = after;
    if (range.reset) {
      this.next = this.end;
      return false;
    }
    for (const [index, entry] of [...range.entries.entries()].toReversed()) {
      const decoded = decodeEntry(entry, this.mailbox.userId);
      if (!isRecent(decoded)) continue;
      const { conversationId } = decoded;
      if (!this.found.has(conversationId)) this.found.set(conversationId, after + index + 1);
    }
    return true;
  }
}

/** What tells of a change, of another message or of the group, makes no conversation recent. */
function isRecent(entry: Entry): entry is Exclude<Entry, ContactEntry> {
  if (entry.kind === 'contact') return false;
  if (entry.kind === 'message') return !entry.isControl;
  return entry.change === 'joined' || entry.change === 'heads';
}
