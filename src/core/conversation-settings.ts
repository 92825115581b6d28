// `settings`: what a user wants of a conversation, for all of their devices.
import type { ClientFrame } from '../protocol/client-frames.ts';
import { refuse, type Refusal } from '../protocol/errors.ts';
import { parseConversationId } from '../protocol/ids.ts';
import type { Answer } from '../protocol/server-frames.ts';
import type { Caller, Context } from './context.ts';
import type { ConversationHead } from './conversations.ts';
import { appendEvent } from './events.ts';
import { memberPlace, readMemberships, refuseStranger } from './members.ts';
import { countedUpTo, itemFrom } from './read-positions.ts';
import { draftKey, viewKey } from './tables.ts';
import { isHidden, messagesIn, toSettings, toView, untouched, type View } from './views.ts';

type SettingsRequest = ClientFrame<'settings'>;

interface Stored {
  readonly view: View;
  readonly draft: string;
}

export async function settings(
  ctx: Context,
  caller: Caller,
  request: SettingsRequest,
): Promise<Answer<'settings'> | Refusal> {
  const { conversationId, clearedSeq } = request;
  const { userId } = caller;
  const [memberships, before] = await Promise.all([
    readMemberships(ctx, [conversationId], userId),
    readStored(ctx, userId, conversationId),
  ]);
  const membership = memberships.get(conversationId);
  if (!membership) return refuseStranger(conversationId);
  const { head } = membership;
  if (clearedSeq !== undefined && clearedSeq > head.seq) {
    return refuse(
      'bad_request',
      `clearedSeq: ${clearedSeq} is beyond the head of the conversation, ${head.seq}`,
    );
  }

  const changed = changesOf(request, before, head);
  const after = changed ? await change(ctx, userId, request, { before, changed, head }) : before;
  const now = toSettings(after.view, head, after.draft);
  // Also what was changed before by a try that died here.
  if (after.view.toldVersion < after.view.version) {
    const { version } = after.view;
    const entry = { conversationId, change: 'settings', version } as const;
    await appendEvent(ctx, userId, entry, {
      kind: 'conversation',
      conversationId,
      change: 'settings',
      settings: now,
    });
    await noteTold(ctx, userId, conversationId, version);
  }
  return { ok: true, ...now };
}

async function readStored(ctx: Context, userId: string, conversationId: string): Promise<Stored> {
  const keys = [viewKey(userId, conversationId), draftKey(userId, conversationId)];
  const items = await ctx.db.batchGet('Users', keys);
  const [view, draft] = keys.map((key) => items.find(({ item }) => item === key.item));
  return {
    view: view ? toView(view) : untouched(conversationId),
    draft: (draft?.['text'] as string | undefined) ?? '',
  };
}

interface Changes {
  readonly set: Record<string, unknown>;
  readonly remove: readonly string[];
}

/** What has to be written for everything to be as requested; nothing, when it is so already. */
function changesOf(
  { pinned, muted, hidden, clearedSeq, draft }: SettingsRequest,
  { view, draft: present }: Stored,
  head: ConversationHead,
): Changes | undefined {
  const set: Record<string, unknown> = {};
  const remove: string[] = [];
  const put = (name: string, value: unknown, isOn: boolean) => {
    if (isOn) set[name] = value;
    else remove.push(name);
  };
  if (pinned !== undefined && pinned !== view.pinned) put('pinned', true, pinned);
  if (muted !== undefined && muted !== view.muted) put('muted', true, muted);
  if (hidden !== undefined && hidden !== isHidden(view, head)) put('hiddenAt', messagesIn(head), hidden);
  if (clearedSeq !== undefined && clearedSeq > view.clearedSeq) set['clearedSeq'] = clearedSeq;
  if (draft !== undefined && draft !== present) put('hasDraft', true, draft !== '');
  return Object.keys(set).length + remove.length > 0 ? { set, remove } : undefined;
}

async function change(
  ctx: Context,
  userId: string,
  { conversationId, clearedSeq, draft }: SettingsRequest,
  { before, changed, head }: { before: Stored; changed: Changes; head: ConversationHead },
): Promise<Stored> {
  if (clearedSeq !== undefined && 'clearedSeq' in changed.set) {
    await clear(ctx, { conversationId, userId, head, clearedSeq });
  }
  if (draft !== undefined && draft !== before.draft) await saveDraft(ctx, userId, conversationId, draft);
  const { kind } = parseConversationId(conversationId)!;
  const names = Object.keys(changed.set);
  const sets = [
    ...names.map((name) => `#${name} = :${name}`),
    '#kind = :kind',
    '#version = if_not_exists(#version, :none) + :one',
  ];
  const removes = changed.remove.map((name) => `#${name}`);
  const written = await ctx.db.update({
    table: 'Users',
    key: viewKey(userId, conversationId),
    update: `SET ${sets.join(', ')}${removes.length > 0 ? ` REMOVE ${removes.join(', ')}` : ''}`,
    values: { ...changed.set, kind, none: 0, one: 1 },
    returning: 'ALL_NEW',
  });
  if (!written.ok) throw new Error('An update without a condition was refused');
  return { view: toView(written.item), draft: draft ?? before.draft };
}

/** Nothing up to there is shown to this user any more, nor counted: it is read as well. */
async function clear(
  ctx: Context,
  {
    conversationId,
    userId,
    head,
    clearedSeq,
  }: { conversationId: string; userId: string; head: ConversationHead; clearedSeq: number },
): Promise<void> {
  const place = memberPlace(conversationId, userId);
  if (!place) throw new Error('A member has no place');
  const counted = countedUpTo(ctx, head, clearedSeq, await itemFrom(ctx, conversationId, head, clearedSeq));
  const write = (update: string, condition: string, values: Record<string, number>) =>
    ctx.db.update({
      table: 'Conversations',
      key: place.key,
      update,
      condition: `attribute_exists(#conversationId) AND (${condition})`,
      names: { ...place.names },
      values: { floor: clearedSeq + 1, ...values },
    });
  const read = await write(
    'SET #floorSeq = :floor, #readSeq = :seq, #readCounted = :counted',
    '(attribute_not_exists(#floorSeq) OR #floorSeq < :floor) AND (attribute_not_exists(#readSeq) OR #readSeq < :seq)',
    { seq: clearedSeq, counted },
  );
  if (read.ok) return;
  // Read further already: then only the floor moves, if it does.
  await write('SET #floorSeq = :floor', 'attribute_not_exists(#floorSeq) OR #floorSeq < :floor', {});
}

async function saveDraft(ctx: Context, userId: string, conversationId: string, text: string): Promise<void> {
  const key = draftKey(userId, conversationId);
  if (text === '') await ctx.db.delete('Users', key, {});
  else await ctx.db.put({ table: 'Users', item: { ...key, text } });
}

async function noteTold(
  ctx: Context,
  userId: string,
  conversationId: string,
  version: number,
): Promise<void> {
  await ctx.db.update({
    table: 'Users',
    key: viewKey(userId, conversationId),
    update: 'SET #toldVersion = :version',
    condition:
      'attribute_exists(#userId) AND (attribute_not_exists(#toldVersion) OR #toldVersion < :version)',
    values: { version },
  });
}
