// What an export says, line by line: first what is kept of the user, then each conversation with what they may see of it.
import type { Message } from '../../protocol/messages.ts';
import { isVoid } from '../../protocol/slots.ts';
import type { Context } from '../context.ts';
import { findItem, type Item } from '../database.ts';
import { hasExpired } from '../expiry.ts';
import { toGroupInfo } from '../groups/group.ts';
import { readMemberships } from '../members.ts';
import { profiles } from '../people/profiles.ts';
import { toPreferences } from '../people/wishes.ts';
import { toContact } from '../people/kept-contacts.ts';
import { actingAs } from '../service/callers.ts';
import {
  blockedIdOf,
  blockItems,
  contactItems,
  conversationIdOf,
  deviceIdOf,
  deviceItems,
  draftKey,
  infoKey,
  mailboxKey,
  viewItems,
  viewItemsAfter,
  viewKey,
} from '../tables.ts';
import { toSlot } from '../timeline.ts';
import { toView, untouched } from '../views.ts';

/** In which conversation, and after which seq of it; `seq: -1`: it is done. */
export interface Position {
  readonly conversationId: string;
  readonly seq: number;
}

export interface Page {
  readonly lines: readonly string[];
  /** Where to go on. `undefined`: that was all. */
  readonly next: Position | undefined;
}

/** What is read at a time. */
const PAGE = 100;
/** As many contacts, blocked users and devices as are told. */
const MAX_ENTRIES = 10_000;

export async function readPage(ctx: Context, userId: string, at: Position | undefined): Promise<Page> {
  if (!at) return { lines: await readUser(ctx, userId), next: { conversationId: '', seq: -1 } };
  const conversationId = at.seq >= 0 ? at.conversationId : await nextConversation(ctx, userId, at);
  if (conversationId === undefined) return { lines: [], next: undefined };
  const membership = (await readMemberships(ctx, [conversationId], userId)).get(conversationId);
  if (!membership) return { lines: [], next: { conversationId, seq: -1 } };
  const { head, member } = membership;
  const isNew = at.seq < 0;
  const lines = isNew ? [await readConversation(ctx, userId, conversationId)] : [];
  const from = Math.max(member.floorSeq, isNew ? 1 : at.seq + 1);
  const to = Math.min(head.seq, from + PAGE - 1);
  if (from > to) return { lines, next: { conversationId, seq: -1 } };
  const items = await ctx.db.query({
    table: 'Messages',
    partition: conversationId,
    from,
    to,
    limit: PAGE,
    read: 'eventual',
  });
  const messages = items.filter((item) => !hasExpired(ctx, item)).map((item) => toSlot(item, userId));
  const said = messages.filter((slot): slot is Message => !isVoid(slot));
  return {
    lines: [...lines, ...said.map((message) => line('message', { message }))],
    next: { conversationId, seq: to < head.seq ? to : -1 },
  };
}

const line = (kind: string, content: object) => JSON.stringify({ kind, ...content });

async function readUser(ctx: Context, userId: string): Promise<string[]> {
  const range = (items: { readonly from: string; readonly to: string }) =>
    ctx.db.query({ table: 'Users', partition: userId, ...items, limit: MAX_ENTRIES, read: 'eventual' });
  const [head, presented, devices, contacts, blocked] = await Promise.all([
    ctx.db.get('Users', mailboxKey(userId), 'eventual'),
    profiles(ctx, actingAs(ctx, userId), { action: 'profiles', id: '', users: [userId] }),
    range(deviceItems),
    range(contactItems),
    range(blockItems),
  ]);
  return [
    line('profile', presented.users[0]!),
    line('preferences', toPreferences(head ?? {})),
    ...devices.map((device) => line('device', describeDevice(device))),
    ...contacts.flatMap((item) => {
      const contact = toContact(item);
      return contact ? [line('contact', contact)] : [];
    }),
    ...blocked.map((item) => line('blocked', { userId: blockedIdOf(item['item'] as string) })),
  ];
}

const describeDevice = (item: Item) => ({
  deviceId: deviceIdOf(item['item'] as string),
  platform: item['platform'],
  lastSeen: item['lastSeen'],
});

async function nextConversation(
  ctx: Context,
  userId: string,
  { conversationId }: Position,
): Promise<string | undefined> {
  const range = conversationId === '' ? viewItems : viewItemsAfter(conversationId);
  const [view] = await ctx.db.query({ table: 'Users', partition: userId, ...range, limit: 1 });
  return view && conversationIdOf(view['item'] as string);
}

async function readConversation(ctx: Context, userId: string, conversationId: string): Promise<string> {
  const [kept, info] = await Promise.all([
    ctx.db.batchGet('Users', [viewKey(userId, conversationId), draftKey(userId, conversationId)]),
    ctx.db.get('Conversations', infoKey(conversationId), 'eventual'),
  ]);
  const view = findItem(kept, viewKey(userId, conversationId));
  const { pinned, muted, clearedSeq, hiddenAt } = view ? toView(view) : untouched(conversationId);
  const draft = findItem(kept, draftKey(userId, conversationId))?.['text'] ?? '';
  return line('conversation', {
    conversationId,
    ...(info && { title: toGroupInfo(info).title }),
    pinned,
    muted,
    hidden: hiddenAt !== undefined,
    clearedSeq,
    draft,
  });
}
