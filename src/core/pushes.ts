// What a batch pushes to one connection, and what becomes of the connection when that fails.
import { limits } from '../protocol/limits.ts';
import type { Push, SyncEvent } from '../protocol/server-frames.ts';
import type { Context, Pushes } from './context.ts';
import { dropConnection, expireConnection, isConnectionOver } from './connections.ts';
import { deviceDigest } from './digest.ts';
import type { Appended, DeviceConnection, Extent, Mailbox } from './mailbox.ts';
import { decodeEntry } from './entries.ts';

/** After so many pushes in a row that it did not take, a connection is closed: its device pulls when it comes back. */
const MAX_STALLED = 3;
/** What one push may take. */
export const PUSH_TIMEOUT_MS = 500;

interface EventExtent extends Extent {
  readonly events: readonly SyncEvent[];
}

/** What an event tells, without its place in the mailbox. */
export type Told = SyncEvent extends infer Event
  ? Event extends SyncEvent
    ? Omit<Event, 'syncSeq'>
    : never
  : never;

/**
 * Tells the connected devices of a mailbox what was appended to it. `onEnded`: a connection is gone, or was closed for it
 * does not take its pushes.
 */
export async function pushAppended(
  ctx: Context,
  pushes: Pushes,
  { mailbox, extents }: Appended,
  told: ReadonlyMap<string, Told>,
  onEnded?: (deviceId: string) => Promise<void>,
): Promise<void> {
  const withEvents = extents.map((extent) => ({
    ...extent,
    events: extent.pointers.map((pointer, index): SyncEvent => ({
      syncSeq: extent.from + index,
      ...told.get(pointer)!,
    })),
  }));
  await Promise.all(
    mailbox.connections.map(async (connection) => {
      if (isConnectionOver(ctx, connection)) return expireConnection(ctx, mailbox.userId, connection);
      const outcome = await pushExtents(ctx, pushes, mailbox, connection, withEvents);
      if (outcome === 'ended') await onEnded?.(connection.deviceId);
    }),
  );
}

/** @returns `ended`: from now on the device is away. */
async function pushExtents(
  ctx: Context,
  pushes: Pushes,
  mailbox: Mailbox,
  connection: DeviceConnection,
  extents: readonly EventExtent[],
): Promise<'ended' | 'left'> {
  const { connectionId } = connection;
  for (const frame of framesFor(mailbox, connection, extents)) {
    const delivery = await pushes.push(connectionId, frame);
    if (delivery === 'accepted') {
      ctx.pushFailures.forget(connectionId);
      continue;
    }
    if (delivery === 'gone') {
      await dropConnection(ctx, mailbox.userId, connection);
      return 'ended';
    }
    // The gap is there: whatever came after it would only be waited for.
    if (delivery !== 'stalled' || ctx.pushFailures.count(connectionId) < MAX_STALLED) return 'left';
    ctx.log.warn('connection takes no pushes', { connectionId });
    ctx.pushFailures.forget(connectionId);
    await expireConnection(ctx, mailbox.userId, connection);
    return 'ended';
  }
  return 'left';
}

function* framesFor(
  mailbox: Mailbox,
  connection: DeviceConnection,
  extents: readonly EventExtent[],
): Generator<Push> {
  const own = deviceDigest(connection.deviceId);
  const isOwn = (pointer: string) => decodeEntry(pointer, mailbox.userId).madeBy === own;
  for (const extent of extents) {
    // A device has what it sent: its own entries are covered by the extent, and not repeated.
    const events = extent.events.filter((_, index) => !isOwn(extent.pointers[index]!));
    if (events.length === 0) continue;
    let { from } = extent;
    while (from - 1 > mailbox.base && isOwn(mailbox.page[from - 2 - mailbox.base]!)) from--;
    const to = extent.from + extent.pointers.length - 1;
    yield fitFrame({ from, to, events });
  }
}

function fitFrame({ from, to, events }: { from: number; to: number; events: readonly SyncEvent[] }): Push {
  const frame: Push = { push: 'sync', from, to, events: [...events] };
  const sizeBytes = Buffer.byteLength(JSON.stringify(frame));
  return sizeBytes <= limits.frameBytes ? frame : { push: 'sync', from, to };
}
