// From new messages to mailboxes and devices. One batch costs a recipient one mailbox update and a device one frame.
import pLimit from 'p-limit';
import { parseConversationId, peerOf } from '../protocol/ids.ts';
import { limits } from '../protocol/limits.ts';
import type { Message } from '../protocol/messages.ts';
import type { Push, SyncEvent } from '../protocol/server-frames.ts';
import type { Context } from './context.ts';
import { dropConnection, expireConnection, isConnectionOver } from './connections.ts';
import { appendPointers, isFull, sealPage, type Appended, type Extent, type Mailbox } from './mailbox.ts';
import { noteWaiting } from './offline-queue.ts';
import { deviceDigest } from './digest.ts';
import { decodePointer, encodePointer } from './pointers.ts';

/** Recipients at once; the clients bound the requests (src/runtime/clients.ts). */
const MAX_RECIPIENTS = 64;

export interface FanOutFailure {
  readonly message: Message;
  readonly cause: unknown;
}

interface Delivery {
  readonly pointer: string;
  readonly message: Message;
}

/**
 * Delivers a batch. A recipient that fails delays no other (I9): the messages it has not got are returned, to be
 * tried again; all of this is idempotent.
 */
export async function fanOut(ctx: Context, messages: readonly Message[]): Promise<FanOutFailure[]> {
  const limit = pLimit(MAX_RECIPIENTS);
  const outcomes = await Promise.all(
    [...bundle(messages)].map(([userId, deliveries]) =>
      limit(async (): Promise<FanOutFailure[]> => {
        try {
          await deliver(ctx, userId, deliveries);
          return [];
        } catch (cause) {
          return deliveries.map(({ message }) => ({ message, cause }));
        }
      }),
    ),
  );
  return outcomes.flat();
}

/** All that a batch holds for each recipient, once, in the order of each conversation. */
function bundle(messages: readonly Message[]): Map<string, Delivery[]> {
  const bundles = new Map<string, Delivery[]>();
  const distinct = new Map(messages.map((message) => [`${message.conversationId}#${message.seq}`, message]));
  for (const message of [...distinct.values()].toSorted((a, b) => a.seq - b.seq)) {
    const { conversationId, seq, from, deviceId } = message;
    const conversation = parseConversationId(conversationId);
    if (conversation?.kind !== 'direct') throw new Error(`Not a direct conversation: ${conversationId}`);
    for (const userId of new Set(conversation.users)) {
      const pointer = encodePointer({
        conversationId,
        seq,
        peer: peerOf(conversation.users, userId),
        ...(userId === from && { madeBy: deviceDigest(deviceId) }),
      });
      const deliveries = bundles.get(userId) ?? [];
      deliveries.push({ pointer, message });
      bundles.set(userId, deliveries);
    }
  }
  return bundles;
}

async function deliver(ctx: Context, userId: string, deliveries: readonly Delivery[]): Promise<void> {
  const appended = await appendPointers(
    ctx,
    userId,
    deliveries.map(({ pointer }) => pointer),
  );
  if (!appended) return;
  const { mailbox } = appended;
  const byPointer = new Map(deliveries.map(({ pointer, message }) => [pointer, message]));
  await Promise.all([
    ...mailbox.connections.map((connection) =>
      isConnectionOver(ctx, connection)
        ? expireConnection(ctx, userId, connection)
        : pushExtents(ctx, mailbox, connection, eventsOf(appended, byPointer)),
    ),
    noteForAbsent(ctx, appended, deliveries),
    isFull(mailbox) ? sealPage(ctx, mailbox) : undefined,
  ]);
}

interface EventExtent extends Extent {
  readonly events: readonly SyncEvent[];
}

function eventsOf(appended: Appended, byPointer: ReadonlyMap<string, Message>): EventExtent[] {
  return appended.extents.map((extent) => ({
    ...extent,
    events: extent.pointers.map((pointer, index) => ({
      syncSeq: extent.from + index,
      kind: 'message',
      message: byPointer.get(pointer)!,
    })),
  }));
}

async function pushExtents(
  ctx: Context,
  mailbox: Mailbox,
  connection: Mailbox['connections'][number],
  extents: readonly EventExtent[],
): Promise<void> {
  const own = deviceDigest(connection.deviceId);
  const isOwn = (pointer: string) => decodePointer(pointer, mailbox.userId).madeBy === own;
  for (const extent of extents) {
    // A device has what it sent: its own entries are covered by the extent, and not repeated.
    const events = extent.events.filter((_, index) => !isOwn(extent.pointers[index]!));
    if (events.length === 0) continue;
    let { from } = extent;
    while (from - 1 > mailbox.base && isOwn(mailbox.page[from - 2 - mailbox.base]!)) from--;
    const to = extent.from + extent.pointers.length - 1;
    const delivery = await ctx.connections.post(connection.connectionId, fitFrame({ from, to, events }));
    if (delivery !== 'gone') continue;
    await dropConnection(ctx, mailbox.userId, connection);
    return;
  }
}

function fitFrame({ from, to, events }: { from: number; to: number; events: readonly SyncEvent[] }): Push {
  const frame: Push = { push: 'sync', from, to, events: [...events] };
  const sizeBytes = Buffer.byteLength(JSON.stringify(frame));
  return sizeBytes <= limits.frameBytes ? frame : { push: 'sync', from, to };
}

/** For each registered device without a connection: what waits for it, unless it is silent or the user's own. */
async function noteForAbsent(
  ctx: Context,
  { mailbox, extents, fresh }: Appended,
  deliveries: readonly Delivery[],
): Promise<void> {
  const live = mailbox.connections.filter((connection) => !isConnectionOver(ctx, connection));
  const connected = new Set(live.map(({ deviceId }) => deviceId));
  const absent = mailbox.pushDevices.filter((deviceId) => !connected.has(deviceId));
  const wanted = deliveries.filter(({ message }) => message.from !== mailbox.userId && !message.silent);
  const last = wanted.at(-1)?.message;
  const lastExtent = extents.at(-1);
  if (absent.length === 0 || !last || !lastExtent) return;
  const waiting = {
    count: wanted.length,
    conversationId: last.conversationId,
    seq: last.seq,
    syncSeq: lastExtent.from + lastExtent.pointers.length - 1,
    repeated: fresh === 0,
  };
  await Promise.all(absent.map((deviceId) => noteWaiting(ctx, mailbox.userId, deviceId, waiting)));
}
