// Syncing a device: one look at the mailbox head brings it up to date, and asking for more acknowledges what it had.
import { refuse, type Refusal } from '../protocol/errors.ts';
import type { ClientFrame } from '../protocol/client-frames.ts';
import type { Slot } from '../protocol/messages.ts';
import type { Answer, SyncEvent } from '../protocol/server-frames.ts';
import type { Caller, Context } from './context.ts';
import { withinBytes } from './answer-size.ts';
import { deviceKey, moveCursor, toDevice, type Device } from './devices.ts';
import { readEntries, toMailbox, type Mailbox } from './mailbox.ts';
import { decodePointer } from './pointers.ts';
import { HEAD } from './tables.ts';
import { readSlots } from './timeline.ts';

interface MailboxAndDevice {
  readonly mailbox: Mailbox;
  readonly device: Device;
}

export async function sync(
  ctx: Context,
  caller: Caller,
  request: ClientFrame<'sync'>,
): Promise<Answer<'sync'>> {
  const { mailbox, device } = await readMailboxAndDevice(ctx, caller);
  const after = request.after ?? device.cursor;
  const head = mailbox.seq;
  if (after > head) return { ok: true, reset: true, head };

  const [range] = await Promise.all([
    readEntries(ctx, mailbox, after, request.limit),
    after > device.cursor ? moveCursor(ctx, caller, after) : undefined,
  ]);
  if (range.reset) return { ok: true, reset: true, head };
  const events = withinBytes(await join(ctx, caller.userId, after, range.entries));
  const next = after + events.length;
  return { ok: true, events, next, head, more: next < head };
}

/** One-way: a cursor beyond the head is not a cursor of this mailbox, and changes nothing (I5). */
export async function ack(ctx: Context, caller: Caller, request: ClientFrame<'ack'>): Promise<void> {
  await acknowledge(ctx, caller, request.cursor);
}

export async function ping(
  ctx: Context,
  caller: Caller,
  request: ClientFrame<'ping'>,
): Promise<Answer<'ping'> | Refusal> {
  const head = await acknowledge(ctx, caller, request.cursor);
  if (request.cursor !== undefined && request.cursor > head) {
    return refuse('bad_request', `cursor: ${request.cursor} is beyond the head of your mailbox, ${head}`);
  }
  return { ok: true, head, serverTime: ctx.now() };
}

/** Moves the cursor if it is one, and returns the mailbox head. */
async function acknowledge(ctx: Context, caller: Caller, cursor: number | undefined): Promise<number> {
  const { mailbox, device } = await readMailboxAndDevice(ctx, caller);
  if (cursor !== undefined && cursor > device.cursor && cursor <= mailbox.seq) {
    await moveCursor(ctx, caller, cursor);
  }
  return mailbox.seq;
}

export async function readMailboxAndDevice(ctx: Context, caller: Caller): Promise<MailboxAndDevice> {
  const items = await ctx.db.batchGet('Users', [
    { userId: caller.userId, item: HEAD },
    deviceKey(caller.userId, caller.deviceId),
  ]);
  const head = items.find((item) => item['item'] === HEAD);
  if (!head) throw new Error('A connected user has no mailbox');
  return { mailbox: toMailbox(head), device: toDevice(items.find((item) => item !== head)) };
}

/** Pointers with their messages; what is not kept any more reads as a void, so that syncSeq stays dense. */
async function join(
  ctx: Context,
  userId: string,
  after: number,
  entries: readonly string[],
): Promise<SyncEvent[]> {
  const pointers = entries.map((entry) => decodePointer(entry, userId));
  const keyOf = (slot: { conversationId: string; seq: number }) => `${slot.conversationId}#${slot.seq}`;
  const distinct = new Map(pointers.map((pointer) => [keyOf(pointer), pointer]));
  const slots = await readSlots(ctx, [...distinct.values()]);
  const byKey = new Map(slots.map((slot) => [keyOf(slot), slot]));
  return pointers.map((pointer, index): SyncEvent => {
    const { conversationId, seq } = pointer;
    const message: Slot = byKey.get(keyOf(pointer)) ?? { conversationId, seq, void: true };
    return { syncSeq: after + index + 1, kind: 'message', message };
  });
}
