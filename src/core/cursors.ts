// How far each device has come: the highest syncSeq that it has durably taken.
import type { Caller, Context } from './context.ts';
import type { Item } from './database.ts';
import { toMailbox, type Mailbox } from './mailbox.ts';
import { forgetWaiting } from './offline-queue.ts';
import { deviceExpiry } from './expiry.ts';
import { deviceKey, HEAD, mailboxKey, ttlAttribute } from './tables.ts';

interface MailboxAndDevice {
  readonly mailbox: Mailbox;
  readonly device: Device;
}

export interface Device {
  /** Highest syncSeq that the device has durably taken; 0 = none. */
  readonly cursor: number;
}

export function toDevice(item: Item | undefined): Device {
  return { cursor: (item?.['cursor'] as number | undefined) ?? 0 };
}

export async function readMailboxAndDevice(ctx: Context, caller: Caller): Promise<MailboxAndDevice> {
  const items = await ctx.db.batchGet('Users', [
    mailboxKey(caller.userId),
    deviceKey(caller.userId, caller.deviceId),
  ]);
  const head = items.find((item) => item['item'] === HEAD);
  const mailbox = mailboxOf(head);
  const { cursor } = toDevice(items.find((item) => item !== head));
  // Two items are not read at one moment: a cursor that moved meanwhile may be beyond the head as it was.
  return { mailbox, device: { cursor: Math.min(cursor, mailbox.seq) } };
}

/**
 * Moves the device's cursor, if there is one to move to, and returns the mailbox. One that is beyond its head is not a
 * cursor of this mailbox, and changes nothing (I5).
 */
export async function acknowledge(
  ctx: Context,
  caller: Caller,
  cursor: number | undefined,
): Promise<Mailbox> {
  const mailbox = await readMailbox(ctx, caller.userId);
  if (cursor && cursor <= mailbox.seq) await moveCursor(ctx, caller, mailbox, cursor);
  return mailbox;
}

export async function readMailbox(ctx: Context, userId: string): Promise<Mailbox> {
  const [head] = await ctx.db.batchGet('Users', [mailboxKey(userId)]);
  return mailboxOf(head);
}

function mailboxOf(head: Item | undefined): Mailbox {
  if (!head) throw new Error('User without a mailbox');
  return toMailbox(head);
}

/** Moves a device's cursor forward (I5: never back, and the caller has checked that it is not beyond the head). */
export async function moveCursor(
  ctx: Context,
  { userId, deviceId }: Caller,
  mailbox: Mailbox,
  cursor: number,
): Promise<void> {
  const hasReturned = cursor >= mailbox.seq && mailbox.pushDevices.includes(deviceId);
  const written = await ctx.db.update({
    table: 'Users',
    key: deviceKey(userId, deviceId),
    update:
      'SET #cursor = :cursor, #lastSeen = :now, #expiresAt = :expiresAt' +
      (hasReturned ? ' REMOVE #away' : ''),
    condition: 'attribute_not_exists(#cursor) OR #cursor < :cursor',
    names: { expiresAt: ttlAttribute },
    values: { cursor, now: ctx.now(), expiresAt: deviceExpiry(ctx) },
    returning: 'ALL_OLD',
  });
  // Once for each time that it was away: a device that stays connected and acknowledges has no entry.
  if (hasReturned && written.ok && written.item['away']) await forgetWaiting(ctx, userId, deviceId, cursor);
}
