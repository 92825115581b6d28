// From new messages to mailboxes and devices. One batch costs a recipient one mailbox update and a device one frame.
import pLimit from 'p-limit';
import { parseConversationId, peerOf } from '../protocol/ids.ts';
import type { Message } from '../protocol/messages.ts';
import { targetSeq } from '../protocol/slots.ts';
import type { Context, Pushes } from './context.ts';
import { isConnectionOver } from './connections.ts';
import { currentMessages, type CurrentMessages } from './current-messages.ts';
import { appendPointers, isFull, sealPage, type Appended } from './mailbox.ts';
import { noteWaiting } from './offline-queue.ts';
import { deviceDigest } from './digest.ts';
import { encodeEntry } from './entries.ts';
import { pushAppended } from './pushes.ts';

/** Recipients at once; the clients bound the requests (src/runtime/clients.ts). */
const MAX_RECIPIENTS = 64;
/** Pushes at once: as many as there are sockets for. */
const MAX_PUSHES = 64;

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
  const recipients = [...bundle(messages)].map(([userId, deliveries]) => {
    const pointers = deliveries.map(({ pointer }) => pointer);
    return { deliveries, appending: limit(() => appendPointers(ctx, userId, pointers)) };
  });
  const pushes = limitPushes(ctx.connections.startPushes());
  void Promise.allSettled(recipients.map(({ appending }) => appending)).then(() => pushes.lastCall());
  const current = currentMessages(ctx, messages);
  const outcomes = await Promise.all(
    recipients.map(async ({ deliveries, appending }): Promise<FanOutFailure[]> => {
      try {
        const appended = await appending;
        if (appended) await tellDevices(ctx, { pushes, current }, appended, deliveries);
        return [];
      } catch (cause) {
        return deliveries.map(({ message }) => ({ message, cause }));
      }
    }),
  );
  return outcomes.flat();
}

/** The short time of a push must not go by while it waits for a socket. */
function limitPushes(pushes: Pushes): Pushes {
  const limit = pLimit(MAX_PUSHES);
  return { ...pushes, push: (connectionId, frame) => limit(() => pushes.push(connectionId, frame)) };
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
      const target = targetSeq(message);
      const pointer = encodeEntry({
        conversationId,
        seq,
        peer: peerOf(conversation.users, userId),
        // What the server made, every device has to hear of.
        ...(target !== undefined ? { target } : userId === from && { madeBy: deviceDigest(deviceId) }),
      });
      const deliveries = bundles.get(userId) ?? [];
      deliveries.push({ pointer, message });
      bundles.set(userId, deliveries);
    }
  }
  return bundles;
}

async function tellDevices(
  ctx: Context,
  { pushes, current }: { pushes: Pushes; current: CurrentMessages },
  appended: Appended,
  deliveries: readonly Delivery[],
): Promise<void> {
  const { mailbox } = appended;
  const live = mailbox.connections.filter((connection) => !isConnectionOver(ctx, connection));
  const connected = new Set(live.map(({ deviceId }) => deviceId));
  const noteFor = (isAbsent: (deviceId: string) => boolean) =>
    noteForAbsent(ctx, appended, deliveries, mailbox.pushDevices.filter(isAbsent));
  const push = async () => {
    if (mailbox.connections.length === 0) return;
    const tell = await current();
    const told = new Map(deliveries.map(({ pointer, message }) => [pointer, tell(message)]));
    await pushAppended(ctx, pushes, appended, told, (ended) => noteFor((deviceId) => deviceId === ended));
  };
  await Promise.all([
    push(),
    noteFor((deviceId) => !connected.has(deviceId)),
    isFull(mailbox) ? sealPage(ctx, mailbox) : undefined,
  ]);
}

/** For each registered device without a connection: what waits for it, unless it is silent or the user's own. */
async function noteForAbsent(
  ctx: Context,
  { mailbox, extents, fresh }: Appended,
  deliveries: readonly Delivery[],
  absent: readonly string[],
): Promise<void> {
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
