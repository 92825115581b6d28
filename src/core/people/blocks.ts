// Whom a user does not want to hear of. That stands in an item of its own, for what is begun later, and beside the two
// users' state in their conversation, for whoever writes there: both change in one transaction, so they always agree.
import type { ClientFrame } from '../../protocol/client-frames.ts';
import { refuse, type Refusal } from '../../protocol/errors.ts';
import { directConversationId, parseConversationId, type ConversationRef } from '../../protocol/ids.ts';
import type { Answer } from '../../protocol/server-frames.ts';
import type { Caller, Context } from '../context.ts';
import { sideOf } from '../conversations.ts';
import { findItem, type TransactionPart } from '../database.ts';
import { blockedIdOf, blockItems, blockKey, headKey, mailboxKey, sideAttributes } from '../tables.ts';
import { readPage } from './pages.ts';
import { endWatches } from './presence-pushes.ts';

/** Races that are lost: to another device of the caller, and to who begins the conversation. */
const MAX_ROUNDS = 8;

export async function block(
  ctx: Context,
  caller: Caller,
  request: ClientFrame<'block'>,
): Promise<Answer<'block'> | Refusal> {
  const refusal = await change(ctx, caller, request, blocking);
  if (refusal) return refusal;
  // Whoever begins to watch looks for the block after that, so one of the two sees the other.
  await endWatches(ctx, caller.userId, request.userId);
  return { ok: true };
}

export async function unblock(
  ctx: Context,
  caller: Caller,
  request: ClientFrame<'unblock'>,
): Promise<Answer<'unblock'> | Refusal> {
  return (await change(ctx, caller, request, unblocking)) ?? { ok: true };
}

/** In the order of their ids. */
export async function blocked(
  ctx: Context,
  { userId }: Caller,
  request: ClientFrame<'blocked'>,
): Promise<Answer<'blocked'>> {
  const { found, ...page } = await readPage(ctx, userId, blockItems, request, (item) =>
    blockedIdOf(item['item'] as string),
  );
  return { ok: true, users: found, ...page };
}

interface Direction {
  readonly blocks: boolean;
  /** Of the item, on condition that it is not so already. */
  readonly entry: (ctx: Context, key: ReturnType<typeof blockKey>) => TransactionPart;
  /** Of the conversation's head, where there is one. */
  readonly update: { readonly update: string; readonly values?: Record<string, number> };
}

const blocking: Direction = {
  blocks: true,
  entry: (ctx, key) => ({
    kind: 'put',
    table: 'Users',
    item: { ...key, since: ctx.now() },
    condition: 'attribute_not_exists(#userId)',
  }),
  update: { update: 'SET #blocked = :one', values: { one: 1 } },
};

const unblocking: Direction = {
  blocks: false,
  entry: (_, key) => ({ kind: 'delete', table: 'Users', key, condition: 'attribute_exists(#userId)' }),
  update: { update: 'REMOVE #blocked' },
};

async function change(
  ctx: Context,
  { userId }: Caller,
  { userId: other }: { readonly userId: string },
  direction: Direction,
): Promise<Refusal | undefined> {
  if (other === userId) return refuse('bad_request', 'userId: is your own');
  const key = blockKey(userId, other);
  const conversation = directConversation(userId, other);
  for (let round = 1; round <= MAX_ROUNDS; round++) {
    const [users, heads] = await ctx.db.batchGetAcross([
      { table: 'Users', keys: [key, mailboxKey(other)] },
      { table: 'Conversations', keys: [headKey(conversation.conversationId)] },
    ]);
    const isBlocked = findItem(users!, key) !== undefined;
    if (!isBlocked && !findItem(users!, mailboxKey(other))) return refuseUnknown(other);
    if (isBlocked === direction.blocks) return undefined;
    const head = headPart(conversation, other, heads!.length > 0, direction);
    const written = await ctx.db.transact([direction.entry(ctx, key), head]);
    if (written.ok) return undefined;
    await ctx.backOff(round);
  }
  return refuse('unavailable', 'userId: is being blocked or unblocked by another device, try again');
}

/** In the head of their conversation stands that the other one may not write; or there must be none still. */
function headPart(
  conversation: ConversationRef & { kind: 'direct' },
  other: string,
  exists: boolean,
  { update }: Direction,
): TransactionPart {
  const part = { table: 'Conversations', key: headKey(conversation.conversationId) } as const;
  if (!exists) return { ...part, kind: 'check', condition: 'attribute_not_exists(#conversationId)' };
  return {
    ...part,
    ...update,
    kind: 'update',
    condition: 'attribute_exists(#conversationId)',
    names: { blocked: sideAttributes(sideOf(conversation, other)).blocked },
  };
}

function directConversation(userId: string, other: string): ConversationRef & { kind: 'direct' } {
  const conversation = parseConversationId(directConversationId(userId, other));
  if (conversation?.kind !== 'direct') throw new Error('Two users have no direct conversation');
  return conversation;
}

const refuseUnknown = (userId: string) => refuse('user_not_found', `userId: there is no user ${userId}`);
