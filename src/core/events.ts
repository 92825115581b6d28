// Small events: what happened to a user, and stands in the mailbox itself. Whoever causes one moves its own state first,
// for it is joined when it is read; appends; and notes last that this was told. Repeated until answered, nothing is lost.
import type { Context } from './context.ts';
import { encodeEntry, type EventEntry } from './entries.ts';
import { appendPointers, isFull, sealPage } from './mailbox.ts';
import { pushAppended, type Told } from './pushes.ts';
import { peerIn } from './views.ts';

/** Appends the event to the user's mailbox and tells all connected devices. */
export async function appendEvent(
  ctx: Context,
  userId: string,
  entry: EventEntry,
  told: Told,
): Promise<void> {
  const pointer = encodeEntry(
    'userId' in entry ? entry : { ...entry, ...peerIn(entry.conversationId, userId) },
  );
  const appended = await appendPointers(ctx, userId, [pointer]);
  if (!appended) return;
  const pushes = ctx.connections.startPushes();
  const telling = pushAppended(ctx, pushes, appended, new Map([[pointer, told]]));
  pushes.lastCall();
  await Promise.all([telling, isFull(appended.mailbox) ? sealPage(ctx, appended.mailbox) : undefined]);
}
