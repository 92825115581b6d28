// Entries into mailboxes: one update for each recipient, whatever it holds, and then a frame for each of their devices.
import pLimit from 'p-limit';
import type { Message } from '../protocol/messages.ts';
import type { ConversationChange } from '../protocol/server-frames.ts';
import { isConnectionOver } from './connections.ts';
import type { Context, Pushes } from './context.ts';
import type { CurrentMessages } from './current-messages.ts';
import { forgetDismissed } from './groups/leaving.ts';
import { appendPointers, isFull, sealPage, type Appended } from './mailbox.ts';
import type { Note } from './notifications/note.ts';
import { noteWaiting, type Waiting } from './offline-queue.ts';
import { pushAppended, type Told } from './pushes.ts';

/** Recipients at once; the clients bound the requests (src/runtime/clients.ts). */
const MAX_RECIPIENTS = 64;
/** Pushes at once: as many as there are sockets for. */
const MAX_PUSHES = 64;

/** An entry for a mailbox, with the message that it brings, or the event. */
export type Delivery =
  | {
      readonly pointer: string;
      readonly message: Message;
      /** Who gets it may not see what it is about. */
      readonly hidesTarget?: boolean;
      readonly event?: undefined;
    }
  /** What happened to a conversation for this user; `message`: tells of it. */
  | {
      readonly pointer: string;
      readonly conversationId: string;
      readonly event: ConversationChange;
      readonly message?: Message;
    };

export type AddressedDelivery = Delivery & { readonly userId: string };

/** By user. */
export type Bundles = ReadonlyMap<string, readonly Delivery[]>;

/** All that there is for each recipient, in this order. */
export function bundle(deliveries: readonly AddressedDelivery[]): Bundles {
  const bundles = new Map<string, Delivery[]>();
  for (const { userId, ...delivery } of deliveries) {
    const others = bundles.get(userId);
    if (others) others.push(delivery);
    else bundles.set(userId, [delivery]);
  }
  return bundles;
}

export interface FailedDelivery {
  readonly deliveries: readonly Delivery[];
  readonly cause: unknown;
}

/** To the mailboxes of these users, and to their devices; who fails delays no other (I9). Then they are watched. */
export async function deliver(
  ctx: Context,
  bundles: Bundles,
  current: CurrentMessages,
): Promise<FailedDelivery[]> {
  const limit = pLimit(MAX_RECIPIENTS);
  const recipients = [...bundles].map(([userId, deliveries]) => {
    const pointers = deliveries.map(({ pointer }) => pointer);
    return { deliveries, appending: limit(() => appendPointers(ctx, userId, pointers)) };
  });
  const pushes = pushesOf(ctx);
  void Promise.allSettled(recipients.map(({ appending }) => appending)).then(() => pushes.lastCall());
  const failed: FailedDelivery[] = [];
  const watched: { readonly deliveries: readonly Delivery[]; readonly notes: readonly Note[] }[] = [];
  await Promise.all(
    recipients.map(async ({ deliveries, appending }) => {
      try {
        const appended = await appending;
        if (!appended) return;
        const notes = await tellDevices(ctx, { pushes, current }, appended, deliveries);
        if (notes.length > 0) watched.push({ deliveries, notes });
      } catch (cause) {
        failed.push({ deliveries, cause });
      }
    }),
  );
  try {
    await watch(
      ctx,
      watched.flatMap(({ notes }) => notes),
    );
  } catch (cause) {
    failed.push(...watched.map(({ deliveries }) => ({ deliveries, cause })));
  }
  return failed;
}

/** Whether these devices acknowledge is looked at later, by others; nothing is written for it. */
async function watch(ctx: Context, notes: readonly Note[]): Promise<void> {
  if (notes.length === 0) return;
  const { ackTimeoutMs } = ctx.settings;
  const dueAt = ctx.now() + ackTimeoutMs;
  await ctx.notes.send(notes, ackTimeoutMs);
  ctx.watches.remember(notes, dueAt);
}

/** The short time of a push must not go by while it waits for a socket. */
export function pushesOf(ctx: Context): Pushes {
  const pushes = ctx.connections.startPushes();
  const limit = pLimit(MAX_PUSHES);
  return { ...pushes, push: (connectionId, frame) => limit(() => pushes.push(connectionId, frame)) };
}

/** @returns notes for devices that look connected, to see whether they acknowledge it. */
async function tellDevices(
  ctx: Context,
  { pushes, current }: { pushes: Pushes; current: CurrentMessages },
  appended: Appended,
  deliveries: readonly Delivery[],
): Promise<Note[]> {
  const { mailbox } = appended;
  const live = mailbox.connections.filter((connection) => !isConnectionOver(ctx, connection));
  const connected = new Set(live.map(({ deviceId }) => deviceId));
  const waiting = whatWaits(appended, deliveries);
  const noteFor = async (isAbsent: (deviceId: string) => boolean) => {
    const absent = waiting ? mailbox.pushDevices.filter(isAbsent) : [];
    await Promise.all(absent.map((deviceId) => noteWaiting(ctx, mailbox.userId, deviceId, waiting!)));
  };
  const push = async () => {
    if (mailbox.connections.length === 0) return;
    const tell = await current();
    const told = new Map(
      deliveries.map((delivery): [string, Told] => [
        delivery.pointer,
        delivery.event
          ? { kind: 'conversation', conversationId: delivery.conversationId, change: delivery.event }
          : toldTo(delivery, tell(delivery.message, mailbox.userId)),
      ]),
    );
    await pushAppended(ctx, pushes, appended, told, (ended) => noteFor((deviceId) => deviceId === ended));
  };
  await Promise.all([
    push(),
    noteFor((deviceId) => !connected.has(deviceId)),
    isFull(mailbox) ? sealPage(ctx, mailbox) : undefined,
    ...deliveries.map((delivery) =>
      delivery.event === 'dismissed'
        ? forgetDismissed(ctx, delivery.conversationId, mailbox.userId)
        : undefined,
    ),
  ]);
  if (!waiting) return [];
  return mailbox.pushDevices
    .filter((deviceId) => connected.has(deviceId))
    .map((deviceId): Note => ({
      kind: 'watch',
      userId: mailbox.userId,
      deviceId,
      syncSeq: waiting.syncSeq,
    }))
    .filter((note) => !ctx.watches.isWatched(note, ctx.now()));
}

function toldTo(
  { hidesTarget }: { readonly hidesTarget?: boolean },
  { kind, message, target }: Extract<Told, { kind: 'message' }>,
): Told {
  return { kind, message, ...(!hidesTarget && target && { target }) };
}

/** What a registered device is to hear of, unless it is silent or the user's own. */
function whatWaits(
  { mailbox, extents, fresh }: Appended,
  deliveries: readonly Delivery[],
): Waiting | undefined {
  const wanted = deliveries.flatMap(({ message, event }) =>
    !event && message.from !== mailbox.userId && !message.silent ? [message] : [],
  );
  const last = wanted.at(-1);
  const lastExtent = extents.at(-1);
  if (!last || !lastExtent) return undefined;
  return {
    count: wanted.length,
    conversationId: last.conversationId,
    seq: last.seq,
    syncSeq: lastExtent.from + lastExtent.pointers.length - 1,
    repeated: fresh === 0,
  };
}
