// Syncing a device: one look at the mailbox head brings it up to date, and asking for more acknowledges what it had.
import { refuse, type Refusal } from '../protocol/errors.ts';
import type { ClientFrame } from '../protocol/client-frames.ts';
import type { Slot } from '../protocol/messages.ts';
import type { Answer, SyncEvent } from '../protocol/server-frames.ts';
import type { Caller, Context } from './context.ts';
import { Portions, withinBytes } from './answer-size.ts';
import { confirmConnection } from './connections.ts';
import { acknowledge, moveCursor, readMailboxAndDevice } from './cursors.ts';
import { readEntries } from './mailbox.ts';
import { decodePointer, type MessagePointer } from './pointers.ts';
import { readSlots } from './timeline.ts';

export async function sync(
  ctx: Context,
  caller: Caller,
  request: ClientFrame<'sync'>,
): Promise<Answer<'sync'>> {
  const { mailbox, device } = await readMailboxAndDevice(ctx, caller);
  const after = request.after ?? device.cursor;
  const { seq: head, name } = mailbox;
  const reset = { ok: true, reset: true, head, mailbox: name } as const;
  const [range] = await Promise.all([
    readEntries(ctx, mailbox, after, request.limit),
    after > device.cursor && after <= head ? moveCursor(ctx, caller, mailbox, after) : undefined,
    confirmConnection(ctx, caller, mailbox),
  ]);
  if (range.reset) return reset;
  const pointers = range.entries.map((entry) => decodePointer(entry, caller.userId));
  const events = withinBytes(await join(ctx, after, pointers));
  const next = after + events.length;
  return { ok: true, events, next, head, more: next < head, mailbox: name };
}

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
  const { seq: head, name } = mailbox;
  await confirmConnection(ctx, caller, mailbox);
  if (request.cursor !== undefined && request.cursor > head) {
    return refuse('bad_request', `cursor: ${request.cursor} is beyond the head of your mailbox, ${head}`);
  }
  return { ok: true, head, serverTime: ctx.now(), mailbox: name };
}

/**
 * Pointers with their messages, as far as one answer holds; what is not kept any more reads as a void, so that syncSeq
 * stays dense.
 */
async function join(ctx: Context, after: number, pointers: readonly MessagePointer[]): Promise<SyncEvent[]> {
  const portions = new Portions();
  const slots = new Map<string, Slot>();
  const events: SyncEvent[] = [];
  while (events.length < pointers.length && !portions.full) {
    const portion = pointers.slice(events.length, events.length + portions.next);
    // A pointer may stand twice.
    const unread = new Map(portion.map((pointer) => [keyOf(pointer), pointer]));
    for (const key of slots.keys()) unread.delete(key);
    for (const slot of await readSlots(ctx, [...unread.values()])) slots.set(keyOf(slot), slot);
    const joined = portion.map((pointer, index): SyncEvent => {
      const { conversationId, seq } = pointer;
      const message = slots.get(keyOf(pointer)) ?? { conversationId, seq, void: true };
      return { syncSeq: after + events.length + index + 1, kind: 'message', message };
    });
    events.push(...joined);
    portions.take(joined);
  }
  return events;
}

function keyOf({ conversationId, seq }: { conversationId: string; seq: number }): string {
  return `${conversationId}#${seq}`;
}
