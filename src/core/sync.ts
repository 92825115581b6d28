// Syncing a device: one look at the mailbox head brings it up to date, and asking for more acknowledges what it had.
import { refuse, type Refusal } from '../protocol/errors.ts';
import type { ClientFrame } from '../protocol/client-frames.ts';
import type { Slot } from '../protocol/messages.ts';
import type { Answer, ConversationSettings, SyncEvent } from '../protocol/server-frames.ts';
import type { Caller, Context } from './context.ts';
import { readPointedSlots } from './after-leaving.ts';
import { Portions, withinBytes } from './answer-size.ts';
import { confirmConnection } from './connections.ts';
import { acknowledge, moveCursor, readMailboxAndDevice } from './cursors.ts';
import { readEntries, type Mailbox } from './mailbox.ts';
import { readContacts } from './people/kept-contacts.ts';
import { decodeEntry, type ConversationEntry, type Entry, type MessagePointer } from './entries.ts';
import { emptySlot, keyOf } from './timeline.ts';
import { readSettings } from './views.ts';

export async function sync(
  ctx: Context,
  caller: Caller,
  request: ClientFrame<'sync'>,
): Promise<Answer<'sync'>> {
  const { mailbox, device } = await readMailboxAndDevice(ctx, caller);
  const after = request.after ?? device.cursor;
  const { seq: head } = mailbox;
  const name = nameIn(ctx, mailbox);
  const reset = { ok: true, reset: true, head, mailbox: name } as const;
  const [range] = await Promise.all([
    readEntries(ctx, mailbox, after, request.limit),
    after > device.cursor && after <= head ? moveCursor(ctx, caller, mailbox, after) : undefined,
    confirmConnection(ctx, caller, mailbox),
  ]);
  if (range.reset) return reset;
  const entries = range.entries.map((entry) => decodeEntry(entry, caller.userId));
  const events = withinBytes(await join(ctx, caller.userId, after, entries));
  const next = after + events.length;
  return { ok: true, events, next, head, more: next < head, mailbox: name };
}

/** Of a mailbox in tables that were restored, another: what clients have beyond it never was. */
const nameIn = ({ settings: { epoch } }: Context, { name }: Mailbox) => (epoch ? `${name}.${epoch}` : name);

/** One-way: nobody is told that a cursor is none. */
export async function ack(ctx: Context, caller: Caller, request: ClientFrame<'ack'>): Promise<void> {
  await acknowledge(ctx, caller, request.cursor);
}

export async function ping(
  ctx: Context,
  caller: Caller,
  request: ClientFrame<'ping'>,
): Promise<Answer<'ping'> | Refusal> {
  const mailbox = await acknowledge(ctx, caller, request.cursor);
  const { seq: head } = mailbox;
  const name = nameIn(ctx, mailbox);
  await confirmConnection(ctx, caller, mailbox);
  if (request.cursor !== undefined && request.cursor > head) {
    return refuse('bad_request', `cursor: ${request.cursor} is beyond the head of your mailbox, ${head}`);
  }
  return { ok: true, head, serverTime: ctx.now(), mailbox: name };
}

/**
 * Entries with their messages, settings and contacts as they are now, as far as one answer holds; what is not kept any more reads as
 * a void, so that syncSeq stays dense.
 */
async function join(
  ctx: Context,
  userId: string,
  after: number,
  entries: readonly Entry[],
): Promise<SyncEvent[]> {
  const portions = new Portions();
  const slots = new Map<string, Slot>();
  const settings = new Map<string, ConversationSettings>();
  const events: SyncEvent[] = [];
  while (events.length < entries.length && !portions.full) {
    const portion = entries.slice(events.length, events.length + portions.next);
    // An entry may stand twice.
    const unread = new Map(portion.flatMap(slotsOf).map((slot) => [keyOf(slot), slot]));
    for (const key of slots.keys()) unread.delete(key);
    const changed = portion.filter(isSettings).map(({ conversationId }) => conversationId);
    const contactIds = portion.flatMap((entry) => (entry.kind === 'contact' ? [entry.userId] : []));
    const [foundSlots, foundSettings, foundContacts] = await Promise.all([
      readPointedSlots(ctx, userId, [...unread.values()]),
      readSettings(
        ctx,
        userId,
        [...new Set(changed)].filter((id) => !settings.has(id)),
      ),
      readContacts(ctx, userId, [...new Set(contactIds)]),
    ]);
    for (const slot of foundSlots) slots.set(keyOf(slot), slot);
    for (const [conversationId, found] of foundSettings) settings.set(conversationId, found);
    const joined = portion.map((entry, index): SyncEvent => {
      const syncSeq = after + events.length + index + 1;
      if (entry.kind === 'contact') {
        const contact = foundContacts.get(entry.userId);
        return { syncSeq, kind: 'contact', userId: entry.userId, ...(contact && { contact }) };
      }
      if (entry.kind === 'conversation') {
        const { conversationId } = entry;
        const now = isSettings(entry) ? settings.get(conversationId) : undefined;
        return {
          syncSeq,
          kind: 'conversation',
          conversationId,
          change: entry.change,
          ...(now && { settings: now }),
        };
      }
      const [message, target] = slotsOf(entry).map((slot) => slots.get(keyOf(slot)) ?? emptySlot(slot));
      return { syncSeq, kind: 'message', message: message!, ...(target && { target }) };
    });
    events.push(...joined);
    portions.take(joined);
  }
  return events;
}

const isSettings = (entry: Entry): entry is ConversationEntry =>
  entry.kind === 'conversation' && entry.change === 'settings';

/** The message, and the one that it is about. */
function slotsOf(entry: Entry): Pick<MessagePointer, 'conversationId' | 'seq'>[] {
  if (entry.kind !== 'message') return [];
  const { conversationId, seq, target } = entry;
  return [{ conversationId, seq }, ...(target === undefined ? [] : [{ conversationId, seq: target }])];
}
