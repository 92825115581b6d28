// From new messages to mailboxes and devices. One batch costs a recipient one mailbox update and a device one frame.
import pLimit from 'p-limit';
import { parseConversationId, peerOf } from '../protocol/ids.ts';
import type { Message, Slot } from '../protocol/messages.ts';
import type { ConversationChange } from '../protocol/server-frames.ts';
import { targetSeq } from '../protocol/slots.ts';
import type { Context, Pushes } from './context.ts';
import { isConnectionOver } from './connections.ts';
import { currentMessages, type CurrentMessages } from './current-messages.ts';
import { appendPointers, isFull, sealPage, type Appended } from './mailbox.ts';
import { noteWaiting } from './offline-queue.ts';
import { deviceDigest } from './digest.ts';
import { encodeEntry } from './entries.ts';
import { deliveriesOf } from './groups/deliveries.ts';
import { readStays, type GroupWithStays } from './groups/known-groups.ts';
import { forgetDismissed } from './groups/membership.ts';
import { pushToSubscribers, type GroupBatch } from './groups/subscriptions.ts';
import { pushAppended, type Told } from './pushes.ts';
import { keyOf } from './timeline.ts';

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
  /** Instead of the message: what it tells of, for this user alone. */
  readonly event?: ConversationChange;
}

/**
 * Delivers a batch. A recipient that fails delays no other (I9): the messages it has not got are returned, to be
 * tried again; all of this is idempotent.
 */
export async function fanOut(ctx: Context, messages: readonly Message[]): Promise<FanOutFailure[]> {
  const limit = pLimit(MAX_RECIPIENTS);
  const { direct, groups, unknown } = await sortOut(ctx, messages);
  const recipients = [...bundle(direct, groups)].map(([userId, deliveries]) => {
    const pointers = deliveries.map(({ pointer }) => pointer);
    return { deliveries, appending: limit(() => appendPointers(ctx, userId, pointers)) };
  });
  const pushes = limitPushes(ctx.connections.startPushes());
  void Promise.allSettled(recipients.map(({ appending }) => appending)).then(() => pushes.lastCall());
  const current = currentMessages(ctx, messages);
  const attempt = async (those: readonly Message[], work: () => Promise<void>): Promise<FanOutFailure[]> => {
    try {
      await work();
      return [];
    } catch (cause) {
      return those.map((message) => ({ message, cause }));
    }
  };
  const outcomes = await Promise.all([
    ...recipients.map(({ deliveries, appending }) =>
      attempt(
        deliveries.map(({ message }) => message),
        async () => {
          const appended = await appending;
          if (appended) await tellDevices(ctx, { pushes, current }, appended, deliveries);
        },
      ),
    ),
    ...large(groups, current).map((batch) =>
      attempt(batch.messages, () => pushToSubscribers(ctx, pushes, batch)),
    ),
  ]);
  return [...unknown, ...outcomes.flat()];
}

interface SortedOut {
  readonly direct: readonly Message[];
  readonly groups: readonly { readonly group: GroupWithStays; readonly messages: readonly Message[] }[];
  /** Of groups that could not be read. */
  readonly unknown: readonly FanOutFailure[];
}

/** Each message once, in the order of its conversation. */
async function sortOut(ctx: Context, messages: readonly Message[]): Promise<SortedOut> {
  const distinct = new Map(messages.map((message) => [keyOf(message), message]));
  const direct: Message[] = [];
  const byGroup = new Map<string, Message[]>();
  for (const message of [...distinct.values()].toSorted((a, b) => a.seq - b.seq)) {
    const { conversationId } = message;
    const kind = parseConversationId(conversationId)?.kind;
    if (!kind) throw new Error(`Not a conversation: ${conversationId}`);
    if (kind === 'direct') direct.push(message);
    else byGroup.set(conversationId, [...(byGroup.get(conversationId) ?? []), message]);
  }
  if (byGroup.size === 0) return { direct, groups: [], unknown: [] };
  try {
    const known = await readStays(ctx, [...byGroup.keys()]);
    const groups = [...byGroup].flatMap(([conversationId, those]) => {
      const group = known.get(conversationId);
      return group ? [{ group, messages: those }] : [];
    });
    return { direct, groups, unknown: [] };
  } catch (cause) {
    const unknown = [...byGroup.values()].flat().map((message) => ({ message, cause }));
    return { direct, groups: [], unknown };
  }
}

/** What is pushed to who looks, of each group that is too large for more. */
function large(groups: SortedOut['groups'], current: CurrentMessages): GroupBatch[] {
  const now = async () => {
    const tell = await current();
    return (message: Message): Slot => tell(message).message;
  };
  return groups.flatMap(({ group, messages }) => {
    const { cutoverSeq } = group.head;
    const above = cutoverSeq === undefined ? [] : messages.filter(({ seq }) => seq > cutoverSeq);
    const [first] = above;
    return first ? [{ conversationId: first.conversationId, group, messages: above, now }] : [];
  });
}

/** The short time of a push must not go by while it waits for a socket. */
function limitPushes(pushes: Pushes): Pushes {
  const limit = pLimit(MAX_PUSHES);
  return { ...pushes, push: (connectionId, frame) => limit(() => pushes.push(connectionId, frame)) };
}

/** All that a batch holds for each recipient, once, in the order of each conversation. */
function bundle(
  direct: readonly Message[],
  groups: SortedOut['groups'],
): ReadonlyMap<string, readonly Delivery[]> {
  const bundles = new Map<string, Delivery[]>();
  const add = (userId: string, delivery: Delivery) => {
    const deliveries = bundles.get(userId);
    if (deliveries) deliveries.push(delivery);
    else bundles.set(userId, [delivery]);
  };
  for (const message of direct) {
    for (const { userId, ...delivery } of directDeliveries(message)) add(userId, delivery);
  }
  for (const { group, messages } of groups) {
    for (const message of messages) {
      for (const { userId, ...delivery } of deliveriesOf(message, group)) add(userId, delivery);
    }
  }
  return bundles;
}

function directDeliveries(message: Message): (Delivery & { readonly userId: string })[] {
  const { conversationId, seq, from, deviceId } = message;
  const conversation = parseConversationId(conversationId);
  if (conversation?.kind !== 'direct') return [];
  const target = targetSeq(message);
  return [...new Set(conversation.users)].map((userId) => {
    const pointer = encodeEntry({
      conversationId,
      seq,
      peer: peerOf(conversation.users, userId),
      // What the server made, every device has to hear of.
      ...(target !== undefined ? { target } : userId === from && { madeBy: deviceDigest(deviceId) }),
    });
    return { userId, pointer, message };
  });
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
    const told = new Map(
      deliveries.map(({ pointer, message, event }): [string, Told] => [
        pointer,
        event
          ? { kind: 'conversation', conversationId: message.conversationId, change: event }
          : tell(message),
      ]),
    );
    await pushAppended(ctx, pushes, appended, told, (ended) => noteFor((deviceId) => deviceId === ended));
  };
  await Promise.all([
    push(),
    noteFor((deviceId) => !connected.has(deviceId)),
    isFull(mailbox) ? sealPage(ctx, mailbox) : undefined,
    ...deliveries
      .filter(({ event }) => event === 'dismissed')
      .map(({ message }) => forgetDismissed(ctx, message.conversationId, mailbox.userId)),
  ]);
}

/** For each registered device without a connection: what waits for it, unless it is silent or the user's own. */
async function noteForAbsent(
  ctx: Context,
  { mailbox, extents, fresh }: Appended,
  deliveries: readonly Delivery[],
  absent: readonly string[],
): Promise<void> {
  const wanted = deliveries.filter(
    ({ message, event }) => !event && message.from !== mailbox.userId && !message.silent,
  );
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
