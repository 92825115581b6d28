// What an erasure does: leaves the groups, takes back what the user said, and removes what was kept of them.
import pLimit from 'p-limit';
import { parseConversationId, peerOf } from '../../protocol/ids.ts';
import type { Message } from '../../protocol/messages.ts';
import type { Context } from '../context.ts';
import { sideOf, toHead } from '../conversations.ts';
import { findItem, type Item } from '../database.ts';
import { erasureDigest } from '../digest.ts';
import { exportIdsOf } from '../exports/export.ts';
import { toGroupMember } from '../groups/group.ts';
import { leaveGroup } from '../groups/leaving.ts';
import { setRole } from '../groups/management.ts';
import { deleteMedia } from '../media/bindings.ts';
import { exportFileKey, mediaOf, parseMedia } from '../media/keys.ts';
import { unregister } from '../push-devices.ts';
import { actingAs } from '../service/callers.ts';
import {
  allItems,
  conversationIdOf,
  erasureKey,
  exportKey,
  HEAD,
  headKey,
  mailboxKey,
  memberItems,
  offlineKey,
  pastIdOf,
  pastItems,
  pastKey,
  profileKey,
  pushTargetIdOf,
  pushTargetItems,
  sideAttributes,
  viewItems,
  viewKey,
} from '../tables.ts';
import { takeBackPart } from '../taken-back.ts';
import { NOBODY, toSlot } from '../timeline.ts';
import { sealUncounted } from '../uncounted.ts';
import type { ErasureTask } from './erasure.ts';

/** Items that are read, or removed, at a time. */
const PAGE = 100;
const MAX_AT_ONCE = 16;
/** Of losing races against reactions to one message. */
const MAX_ROUNDS = 4;
/** Members of a group that are looked through. */
const MAX_MEMBERS = 1_000;

/** @returns whether there is more to do: an invocation is not for ever. */
export async function eraseFurther(ctx: Context, { userId }: ErasureTask): Promise<boolean> {
  const until = ctx.now() + ctx.settings.workSliceMs;
  const isOver = () => ctx.now() >= until;
  for (;;) {
    const left = await leaveSome(ctx, userId);
    if (left === 0) break;
    if (isOver()) return true;
  }
  for (;;) {
    const next = await nextConversation(ctx, userId);
    if (!next) break;
    if (!(await eraseIn(ctx, userId, next, isOver))) return true;
    await ctx.db.delete('Users', next.key, {});
    if (isOver()) return true;
  }
  await forgetDevices(ctx, userId);
  await removeAvatar(ctx, userId);
  await removeExports(ctx, userId);
  while (!(await removeItems(ctx, userId))) if (isOver()) return true;
  await ctx.db.delete('Users', mailboxKey(userId), {});
  // A message that was on its way may have sealed a page meanwhile.
  await removeItems(ctx, userId);
  await ctx.db.update({
    table: 'Users',
    key: erasureKey(erasureDigest(userId)),
    update: 'SET #finishedAt = if_not_exists(#finishedAt, :now)',
    condition: 'attribute_exists(#userId)',
    values: { now: ctx.now() },
  });
  return false;
}

/** The groups that come first. @returns how many they were. */
async function leaveSome(ctx: Context, userId: string): Promise<number> {
  const { from, to } = { from: `${viewItems.from}g:`, to: `${viewItems.from}g:\uffff` };
  const views = await ctx.db.query({ table: 'Users', partition: userId, from, to, limit: PAGE });
  const limit = pLimit(MAX_AT_ONCE);
  await Promise.all(
    views.map((view) => limit(() => leave(ctx, userId, conversationIdOf(view['item'] as string)))),
  );
  return views.length;
}

/** Whoever owns it hands it over first: to an admin, else to anybody. Alone, it ends with them. */
async function leave(ctx: Context, userId: string, conversationId: string): Promise<void> {
  const caller = actingAs(ctx, userId);
  let outcome = await leaveGroup(ctx, caller, { conversationId });
  if (!outcome.ok && outcome.error.code === 'forbidden') {
    const heir = await findHeir(ctx, userId, conversationId);
    if (heir !== undefined) await setRole(ctx, caller, { conversationId, userId: heir, role: 'owner' });
    outcome = await leaveGroup(ctx, caller, { conversationId });
  }
  if (outcome.ok) return;
  // Ended meanwhile, or left already by a try that died: what they said there is to go all the same.
  if (outcome.error.code !== 'not_member') throw new Error(`${conversationId}: ${outcome.error.message}`);
  await ctx.db.put({ table: 'Users', item: pastKey(userId, conversationId) });
  await ctx.db.delete('Users', viewKey(userId, conversationId), {});
}

async function findHeir(ctx: Context, userId: string, conversationId: string): Promise<string | undefined> {
  const items = await ctx.db.query({
    table: 'Conversations',
    partition: conversationId,
    ...memberItems,
    limit: MAX_MEMBERS,
  });
  const others = items.map(toGroupMember).filter((member) => member && member.userId !== userId);
  return (others.find((member) => member!.role === 'admin') ?? others[0])?.userId;
}

interface Next {
  readonly conversationId: string;
  /** Says that it is still to be done. */
  readonly key: { readonly userId: string; readonly item: string };
}

async function nextConversation(ctx: Context, userId: string): Promise<Next | undefined> {
  for (const [range, idOf] of [
    [viewItems, conversationIdOf],
    [pastItems, pastIdOf],
  ] as const) {
    const [item] = await ctx.db.query({ table: 'Users', partition: userId, ...range, limit: 1 });
    if (item) {
      const sortKey = item['item'] as string;
      return { conversationId: idOf(sortKey), key: { userId, item: sortKey } };
    }
  }
  return undefined;
}

/** @returns whether it is done: where it stopped is noted. */
async function eraseIn(
  ctx: Context,
  userId: string,
  { conversationId, key }: Next,
  isOver: () => boolean,
): Promise<boolean> {
  const [marker, headItem] = await Promise.all([
    ctx.db.get('Users', key, 'strong'),
    ctx.db.get('Conversations', headKey(conversationId), 'strong'),
  ]);
  if (!headItem) return true;
  await shutDirect(ctx, userId, conversationId);
  const head = toHead(headItem);
  const readBy = await readByAll(ctx, userId, conversationId, headItem);
  const limit = pLimit(MAX_AT_ONCE);
  let from = ((marker?.['erasedTo'] as number | undefined) ?? 0) + 1;
  while (from <= head.seq) {
    const range = { from, to: Math.min(head.seq, from + PAGE - 1) };
    const items = await ctx.db.query({
      table: 'Messages',
      partition: conversationId,
      ...range,
      limit: PAGE,
    });
    const own = items.filter((item) => item['from'] === userId && item['type'] !== 'control');
    await Promise.all(own.map((item) => limit(() => takeBack(ctx, item, readBy))));
    if (own.length > 0) await sealNow(ctx, conversationId);
    await ctx.db.update({
      table: 'Users',
      key,
      update: 'SET #erasedTo = :to',
      condition: 'attribute_exists(#userId)',
      values: { to: range.to },
    });
    from = range.to + 1;
    if (isOver() && from <= head.seq) return false;
  }
  return true;
}

/** After each page: the head stays small, whatever is taken back. */
async function sealNow(ctx: Context, conversationId: string): Promise<void> {
  const head = await ctx.db.get('Conversations', headKey(conversationId), 'strong');
  if (head) await sealUncounted(ctx, conversationId, toHead(head));
}

/** Nobody writes to them there any more, or waits for what they have read. */
async function shutDirect(ctx: Context, userId: string, conversationId: string): Promise<void> {
  const conversation = parseConversationId(conversationId);
  if (conversation?.kind !== 'direct') return;
  const peer = sideAttributes(sideOf(conversation, peerOf(conversation.users, userId)));
  await ctx.db.update({
    table: 'Conversations',
    key: headKey(conversationId),
    update: 'SET #blocked = :one',
    condition: 'attribute_exists(#conversationId)',
    names: { blocked: peer.blocked },
    values: { one: 1 },
  });
}

/** Up to there everybody has read, and nobody counts it as unread. Of very many it is not known. */
async function readByAll(ctx: Context, userId: string, conversationId: string, head: Item): Promise<number> {
  const conversation = parseConversationId(conversationId);
  if (conversation?.kind !== 'direct') {
    const range = { ...memberItems, limit: MAX_MEMBERS };
    const items = await ctx.db.query({ table: 'Conversations', partition: conversationId, ...range });
    if (items.length === MAX_MEMBERS) return 0;
    const present = items.filter((item) => toGroupMember(item) !== undefined);
    return Math.min(head['seq'] as number, ...present.map((item) => (item['readSeq'] as number) ?? 0));
  }
  const side = sideAttributes(sideOf(conversation, peerOf(conversation.users, userId)));
  return (head[side.readSeq] as number | undefined) ?? 0;
}

/** As a recall does, and tells nobody: whoever looks again finds nothing there. */
async function takeBack(ctx: Context, read: Item, readBy: number): Promise<void> {
  let item: Item | undefined = read;
  for (let round = 1; ; round++) {
    const message = toSlot(item, NOBODY) as Message;
    const { conversationId, seq } = message;
    if (message.recalled) {
      return removeFile(ctx, { ...message, body: { url: item['media'] } });
    }
    const isCounted = !message.silent && seq > readBy;
    const written = await ctx.db.transact([
      takeBackPart(item, message),
      ...(isCounted
        ? [
            {
              kind: 'update' as const,
              table: 'Conversations' as const,
              key: headKey(conversationId),
              update: 'ADD #uncounted :slots',
              values: { slots: new Set([seq]) },
            },
          ]
        : []),
    ]);
    if (written.ok) return removeFile(ctx, message);
    if (round === MAX_ROUNDS) throw new Error(`Too much contention for ${conversationId}#${seq}`);
    const range = { from: seq, to: seq, limit: 1 };
    [item] = await ctx.db.query({ table: 'Messages', partition: conversationId, ...range });
    if (!item) return;
  }
}

/** With its name, which stays with a recalled message for a repeat. */
async function removeFile(ctx: Context, message: Message): Promise<void> {
  if (!mediaOf(message)) return;
  await deleteMedia(ctx, message);
  const { conversationId, seq } = message;
  await ctx.db.update({
    table: 'Messages',
    key: { conversationId, seq },
    update: 'REMOVE #media',
    condition: 'attribute_exists(#conversationId)',
  });
}

/** What they are notified at, and what waits for them. */
async function forgetDevices(ctx: Context, userId: string): Promise<void> {
  const targets = await ctx.db.query({
    table: 'Users',
    partition: userId,
    ...pushTargetItems,
    limit: PAGE,
  });
  const waiting = await ctx.db.query({
    table: 'OfflineQueue',
    partition: userId,
    ...allItems,
    limit: PAGE,
  });
  await Promise.all([
    ...targets.map((target) =>
      unregister(ctx, { userId, deviceId: pushTargetIdOf(target['item'] as string) }),
    ),
    ...waiting.map((entry) =>
      ctx.db.delete('OfflineQueue', offlineKey(userId, entry['deviceId'] as string), {}),
    ),
  ]);
}

async function removeAvatar(ctx: Context, userId: string): Promise<void> {
  const profile = await ctx.db.get('Users', profileKey(userId), 'strong');
  const avatar = parseMedia((profile?.['avatar'] as string | undefined) ?? '');
  if (avatar?.kind === 'public') await ctx.objects.delete(avatar.key);
}

async function removeExports(ctx: Context, userId: string): Promise<void> {
  const ids = exportIdsOf(userId, ctx.now());
  const found = await ctx.db.batchGet('Users', ids.map(exportKey));
  for (const exportId of ids) {
    const state = findItem(found, exportKey(exportId));
    if (!state) continue;
    // One more than is noted: it may have been written by who died before noting it.
    for (let part = 0; part <= (state['parts'] as number); part++) {
      await ctx.objects.delete(exportFileKey(userId, exportId, part));
    }
    await ctx.db.delete('Users', exportKey(exportId), {});
  }
}

/** A page of what is kept of them, but for the head. @returns whether that was all. */
async function removeItems(ctx: Context, userId: string): Promise<boolean> {
  const items = await ctx.db.query({ table: 'Users', partition: userId, ...allItems, limit: PAGE });
  const others = items.filter((item) => item['item'] !== HEAD);
  const limit = pLimit(MAX_AT_ONCE);
  await Promise.all(
    others.map((item) => limit(() => ctx.db.delete('Users', { userId, item: item['item'] as string }, {}))),
  );
  return items.length < PAGE;
}
