// The notifier: looks at a device when a note about it is due, and tells it of what waits, or does not. All that it says it
// decides from how things stand then, so a note may come twice, late, or for nothing.
//
//   note due ─▶ acknowledged? ─▶ each conversation: told, or dropped and why ─▶ provider ─▶ the device counts as told
import pLimit from 'p-limit';
import { isGroupId } from '../../protocol/ids.ts';
import type { Context } from '../context.ts';
import { toDevice } from '../cursors.ts';
import { findItem, type Item } from '../database.ts';
import { notificationDigest } from '../digest.ts';
import { toGroupInfo } from '../groups/group.ts';
import { toMailbox, type Mailbox } from '../mailbox.ts';
import { membershipKeys, toMemberships } from '../members.ts';
import {
  forgetWaiting,
  letWakeAgain,
  markTold,
  noteSilent,
  toOfflineEntry,
  type OfflineEntry,
} from '../offline-queue.ts';
import { unread } from '../unread.ts';
import { readNames } from '../people/names.ts';
import { unregister, type PushTarget } from '../push-devices.ts';
import { deviceKey, infoKey, mailboxKey, offlineKey, pushTargetKey, viewKey } from '../tables.ts';
import { toView, untouched } from '../views.ts';
import { decide, type Decision } from './decide.ts';
import type { Note } from './note.ts';
import type { DropReason, Notification, NotificationReport, PushProviders } from './notification.ts';
import { previewOf } from './preview.ts';
import { readWaiting, type WaitingConversation } from './waiting.ts';

export interface NotifierContext extends Context {
  readonly providers: PushProviders;
  /** What became of each conversation's notification. It never throws. */
  readonly report: (reports: readonly NotificationReport[]) => Promise<void>;
}

/** Notifications of one device under way at once. */
const MAX_SENDING = 8;

interface State {
  readonly mailbox: Mailbox;
  readonly cursor: number;
  readonly platform: Notification['platform'];
  readonly target: PushTarget;
  readonly entry: OfflineEntry | undefined;
}

/** @throws Error when something was not taken: then the note is tried again. */
export async function notify(ctx: NotifierContext, note: Note): Promise<void> {
  const state = await readState(ctx, note);
  if (!state) return;
  const { mailbox, cursor, entry } = state;
  const { userId, deviceId } = note;
  if (note.kind === 'away') {
    if (!entry) return;
    if (cursor >= entry.lastSyncSeq) return forgetAcknowledged(ctx, note, cursor, entry);
    if (hasReturned(mailbox, deviceId, entry)) return watchOn(ctx, note, entry.lastSyncSeq);
  } else if (cursor >= note.syncSeq) {
    const newest = Math.max(mailbox.seq, entry?.lastSyncSeq ?? 0);
    if (newest > cursor) await watchOn(ctx, note, newest);
    else if (entry) await forgetAcknowledged(ctx, note, cursor, entry);
    return;
  }
  const toldSyncSeq = entry?.toldSyncSeq ?? 0;
  const waiting = await readWaiting(ctx, mailbox, { cursor, toldSyncSeq });
  const decided = await decideAll(ctx, state, waiting);
  const failure = await tellAll(ctx, state, note, decided);
  if (failure === 'gone') return;
  if (failure) {
    if (entry) await letWakeAgain(ctx, userId, deviceId);
    throw failure;
  }
  await settle(ctx, note, mailbox.seq, decided);
}

/** Nothing for a device that is not registered any more. */
async function readState(ctx: Context, { userId, deviceId }: Note): Promise<State | undefined> {
  const [users, [queued]] = (await ctx.db.batchGetAcross([
    {
      table: 'Users',
      keys: [mailboxKey(userId), deviceKey(userId, deviceId), pushTargetKey(userId, deviceId)],
    },
    { table: 'OfflineQueue', keys: [offlineKey(userId, deviceId)] },
  ])) as [Item[], Item[]];
  const find = (key: { item: string }) => users.find((item) => item['item'] === key.item);
  const head = find(mailboxKey(userId));
  const device = find(deviceKey(userId, deviceId));
  const target = find(pushTargetKey(userId, deviceId));
  if (!head || !device || !target) return undefined;
  const mailbox = toMailbox(head);
  if (!mailbox.pushDevices.includes(deviceId)) return undefined;
  return {
    mailbox,
    cursor: toDevice(device).cursor,
    platform: device['platform'] as Notification['platform'],
    target: { provider: target['provider'] as string, pushToken: target['pushToken'] as string },
    entry: toOfflineEntry(ctx, queued),
  };
}

/** It has connected since, and is pulling what waits: it has as long as any device that was pushed to. */
function hasReturned(mailbox: Mailbox, deviceId: string, { firstAt }: OfflineEntry): boolean {
  return mailbox.connections.some(
    (connection) => connection.deviceId === deviceId && connection.connectedAt > firstAt,
  );
}

async function watchOn(ctx: Context, { userId, deviceId }: Note, syncSeq: number): Promise<void> {
  await ctx.notes.send([{ kind: 'watch', userId, deviceId, syncSeq }], ctx.settings.ackTimeoutMs);
}

async function forgetAcknowledged(
  ctx: NotifierContext,
  { userId, deviceId }: Note,
  cursor: number,
  entry: OfflineEntry,
): Promise<void> {
  if (!(await forgetWaiting(ctx, userId, deviceId, cursor))) {
    // It has grown since, and an entry wakes nobody twice.
    const grown = { kind: 'away', userId, deviceId, syncSeq: entry.lastSyncSeq } as const;
    return ctx.notes.send([grown], ctx.settings.notifyDelayMs);
  }
  const { lastConversationId: conversationId, lastSeq: seq } = entry;
  await ctx.report([dropped(ctx, { userId, deviceId }, { conversationId, seq }, 'acknowledged')]);
}

interface Decided {
  readonly waiting: WaitingConversation;
  readonly decision: Decision;
  /** Of the group, if it is one. */
  readonly groupTitle?: string;
}

async function decideAll(
  ctx: Context,
  { mailbox: { userId, preferences } }: State,
  waiting: readonly WaitingConversation[],
): Promise<Decided[]> {
  if (waiting.length === 0) return [];
  const ids = waiting.map(({ conversationId }) => conversationId);
  const [conversations, users] = (await ctx.db.batchGetAcross([
    {
      table: 'Conversations',
      keys: [...membershipKeys(ids, userId), ...ids.filter(isGroupId).map(infoKey)],
    },
    { table: 'Users', keys: ids.map((id) => viewKey(userId, id)) },
  ])) as [Item[], Item[]];
  const memberships = toMemberships(conversations, ids, userId);
  return Promise.all(
    waiting.map(async (one) => {
      const { conversationId } = one;
      const view = findItem(users, viewKey(userId, conversationId));
      const info = findItem(conversations, infoKey(conversationId));
      const decision = await decide(ctx, userId, one, {
        membership: memberships.get(conversationId),
        view: view ? toView(view) : untouched(conversationId),
        mentions: preferences.mentions ?? true,
      });
      return { waiting: one, decision, ...(info && { groupTitle: toGroupInfo(info).title }) };
    }),
  );
}

/** @returns `gone`: nobody has the push token any more. An error: some were not taken. */
async function tellAll(
  ctx: NotifierContext,
  state: State,
  { userId, deviceId }: Note,
  decided: readonly Decided[],
): Promise<Error | 'gone' | undefined> {
  const device = { userId, deviceId };
  const drops = decided.flatMap(({ waiting, decision }) =>
    decision.kind === 'drop'
      ? [dropped(ctx, device, shownOf(waiting), decision.reason, decision.message?.from)]
      : [],
  );
  const tells = decided.flatMap(({ decision, ...one }) =>
    decision.kind === 'tell' ? [{ ...one, decision }] : [],
  );
  if (tells.length === 0) {
    await ctx.report(drops);
    return undefined;
  }
  const senders = tells.map(({ decision }) => decision.message.from);
  const [badge, names] = await Promise.all([exactBadge(ctx, userId), readNames(ctx, userId, senders)]);
  const notifications = tells.map(({ decision, groupTitle }) =>
    toNotification(ctx, state, device, {
      ...decision,
      ...badge,
      fromName: names.get(decision.message.from),
      ...(groupTitle !== undefined && { groupTitle }),
    }),
  );
  const provider = ctx.providers.get(state.target.provider);
  if (!provider) {
    const unsent = notifications.map((one) => reportOf(ctx, one, 'dropped', 'no_provider'));
    await ctx.report([...drops, ...unsent]);
    return undefined;
  }
  const limit = pLimit(MAX_SENDING);
  let failure: Error | 'gone' | undefined;
  const sent = await Promise.all(
    notifications.map((notification) =>
      limit(async () => {
        if (failure === 'gone') return reportOf(ctx, notification, 'dropped', 'gone');
        try {
          const outcome = await provider.send(notification);
          if (outcome === 'sent') return reportOf(ctx, notification, 'sent');
          failure = 'gone';
          return reportOf(ctx, notification, 'dropped', 'gone');
        } catch (error) {
          failure ??= new Error('A notification was not taken', { cause: error });
          return reportOf(ctx, notification, 'failed', (error as Error).message);
        }
      }),
    ),
  );
  if (failure === 'gone') await unregister(ctx, device, state.target);
  await ctx.report([...drops, ...sent]);
  return failure;
}

/** What was told, or will never be, is not looked at again. What has come meanwhile is a note of its own. */
async function settle(ctx: Context, note: Note, syncSeq: number, decided: readonly Decided[]): Promise<void> {
  const { userId, deviceId } = note;
  const marked = await markTold(ctx, userId, deviceId, syncSeq);
  if (marked === 'grown') {
    await ctx.notes.send([{ kind: 'away', userId, deviceId, syncSeq }], ctx.settings.notifyDelayMs);
    return;
  }
  const [newest] = decided;
  if (marked === 'marked' || note.kind === 'away' || !newest) return;
  const { conversationId, seq } = shownOf(newest.waiting);
  const counts = decided.map(({ decision }) => (decision.kind === 'tell' ? decision.count : 0));
  const count = counts.reduce((sum, one) => sum + one, 0);
  await noteSilent(ctx, userId, deviceId, { count, conversationId, seq, syncSeq });
}

/** Absent where it would have to be estimated. */
async function exactBadge(ctx: Context, userId: string): Promise<{ badge?: number }> {
  const { total, complete } = await unread(ctx, { userId });
  return complete ? { badge: total } : {};
}

const shownOf = ({ conversationId, freshSeqs }: WaitingConversation) => ({
  conversationId,
  seq: freshSeqs[0]!,
});

type Told = Extract<Decision, { kind: 'tell' }> & {
  readonly badge?: number;
  /** Of the sender, if they have one. */
  readonly fromName: string | undefined;
  readonly groupTitle?: string;
};

function toNotification(
  ctx: Context,
  { mailbox: { preferences }, platform, target: { pushToken } }: State,
  device: Pick<Notification, 'userId' | 'deviceId'>,
  told: Told,
): Notification {
  const { message, count, badge, fromName, groupTitle } = told;
  const { conversationId, seq, from } = message;
  const said = {
    ...device,
    platform,
    pushToken,
    conversationId,
    seq,
    from,
    ...(fromName !== undefined && { fromName }),
    title: groupTitle ?? fromName ?? from,
    preview: preferences.previews ? previewOf(message, ctx.settings.previewWordings) : null,
    count,
    ...(badge !== undefined && { badge }),
    collapseId: notificationDigest([device.userId, device.deviceId, conversationId]),
  };
  return { ...said, notificationId: notificationDigest(said) };
}

function reportOf(
  ctx: Context,
  notification: Notification,
  outcome: NotificationReport['outcome'],
  reason?: string,
): NotificationReport {
  const { platform: _, pushToken: __, collapseId: ___, ...shown } = notification;
  return { ...shown, outcome, ...(reason !== undefined && { reason }), at: ctx.now() };
}

function dropped(
  ctx: Context,
  device: Pick<Notification, 'userId' | 'deviceId'>,
  about: Pick<Notification, 'conversationId' | 'seq'>,
  reason: DropReason,
  from: string | null = null,
): NotificationReport {
  const said = { ...device, ...about };
  return {
    notificationId: notificationDigest([said, reason]),
    ...said,
    from,
    title: null,
    preview: null,
    count: 0,
    outcome: 'dropped',
    reason,
    at: ctx.now(),
  };
}
