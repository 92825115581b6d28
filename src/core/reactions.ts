// Reactions, in three writes: take a number; change the message, in its own item; put the control message that tells of it.
// The HEAD remembers for what its last numbers were taken, so that one reaction takes one, however often and however many
// at once it comes. Whoever dies in between is finished by the repeat: the message names the number it is told under.
import type { ClientFrame } from '../protocol/client-frames.ts';
import { refuse, type Refusal } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import type { Answer } from '../protocol/server-frames.ts';
import type { Slot } from '../protocol/messages.ts';
import { isVoid } from '../protocol/slots.ts';
import type { Caller, Context } from './context.ts';
import { controlMessage } from './control-messages.ts';
import type { Item, Write } from './database.ts';
import { voidSlot } from './fencing.ts';
import { findMessage, type FoundMessage } from './find-message.ts';
import { isMuted } from './groups/group.ts';
import {
  highestTold,
  isSpent,
  lastTold,
  reactionsOf,
  spending,
  tellingUnder,
  usersOf,
  type Author,
  type Told,
} from './kept-reactions.ts';
import { takeReactionNumber, type ReactionNumber } from './reaction-numbers.ts';
import { reactionAttribute, reactionAttributes } from './tables.ts';
import { readSlot, toSlot } from './timeline.ts';

/** Rounds of losing a race against other reactions to the same message. */
const MAX_ROUNDS = 12;

type ReactRequest = ClientFrame<'react'>;

interface Reacting {
  readonly caller: Caller;
  readonly request: ReactRequest;
  readonly attribute: string;
}

export async function react(
  ctx: Context,
  caller: Caller,
  request: ReactRequest,
): Promise<Answer<'react'> | Refusal> {
  const reacting: Reacting = { caller, request, attribute: reactionAttribute(request.emoji) };
  let number: ReactionNumber | undefined;
  /** As it was read last. */
  let item: Item | undefined;
  /** A number that was taken tells of the message as it is then, whatever came of it: it is never a void. */
  const give = async (refusal: Refusal): Promise<Refusal> => {
    if (number) await place(ctx, reacting, number);
    return refusal;
  };
  for (let round = 1; round <= MAX_ROUNDS; round++) {
    if (round > 1) await ctx.backOff(round - 1);
    const readAt = ctx.now();
    const found = await findMessage(ctx, caller, request.conversationId, request.seq);
    if ('error' in found) {
      // Also for who is in there no more: they tell of nothing.
      if (number && item) await spend(ctx, request, item, number);
      if (number) await giveUp(ctx, request, number);
      return found;
    }
    ({ item } = found);
    const isSo = usersOf(item, reacting.attribute).has(caller.userId) !== request.remove;
    const refusal =
      refuseReaction(ctx, found, request.seq) ??
      (isSo || request.remove ? undefined : refuseMore(item, reacting.attribute));
    if ((refusal || isSo) && number && !(await spend(ctx, request, item, number))) continue;
    if (refusal) return give(refusal);
    const told = lastTold(item);
    if (isSo) {
      if (number && (await place(ctx, reacting, number))) return answer(item, caller);
      const isOwn = told?.seq === number?.seq;
      if (!told || (!isOwn && (await isTold(ctx, reacting, told)))) return answer(item, caller);
      // A reader took whoever told of it for dead and fenced the slot.
      const next = await takeReactionNumber(ctx, found, { ...reacting, readAt, base: highestTold(item) });
      if (next === 'stale') continue;
      if ('error' in next) return next;
      await noteNumber(ctx, reacting, item, next);
      number = next;
      continue;
    }
    if (number && isSpent(number.seq, item)) {
      // What is changed under it now, nobody would hear of.
      await giveUp(ctx, request, number);
      number = undefined;
    }
    if (!number) {
      const taken = await takeReactionNumber(ctx, found, { ...reacting, readAt, base: highestTold(item) });
      if (taken === 'stale') continue;
      if ('error' in taken) return taken;
      number = taken;
    }
    const written = await write(ctx, reacting, item, number);
    if (written.ok && (await place(ctx, reacting, number))) return answer(written.item, caller);
    if (written.ok) number = undefined;
  }
  if (number && item) await spend(ctx, request, item, number);
  return give(refuse('unavailable', 'too many reactions to this message at once, try again'));
}

/** Nothing, if it is told under it already. */
async function giveUp(ctx: Context, { conversationId }: ReactRequest, number: ReactionNumber): Promise<void> {
  await voidSlot(ctx, conversationId, { ...number, silent: true });
}

function answer(item: Item, { userId }: Caller): Answer<'react'> {
  return { ok: true, reactions: reactionsOf(item, userId).reactions ?? [] };
}

function refuseReaction(
  ctx: Context,
  { message, membership }: FoundMessage,
  seq: number,
): Refusal | undefined {
  if (message.recalled) return refuse('not_found', `seq: message ${seq} was recalled`);
  if (membership.member.isBlocked) {
    return refuse('blocked', 'conversationId: the other user does not take messages from you');
  }
  if (isMuted(ctx, membership)) return refuse('muted', 'conversationId: you may not write in this group');
  return undefined;
}

function refuseMore(item: Item, attribute: string): Refusal | undefined {
  const { emoji, reactions } = limits.reactions;
  if (((item['reactionCount'] as number | undefined) ?? 0) >= reactions) {
    return refuse('too_large', `seq: a message takes at most ${reactions} reactions`);
  }
  const kinds = reactionAttributes(item);
  if (!kinds.includes(attribute) && kinds.length >= emoji) {
    return refuse('too_large', `emoji: a message takes at most ${emoji} different ones`);
  }
  return undefined;
}

interface Clauses {
  readonly sets: readonly string[];
  readonly adds: readonly string[];
  readonly deletes?: readonly string[];
}

const expression = ({ sets, adds, deletes = [] }: Clauses): string =>
  Object.entries({ SET: sets, ADD: adds, DELETE: deletes })
    .flatMap(([clause, parts]) => (parts.length > 0 ? [`${clause} ${parts.join(', ')}`] : []))
    .join(' ');

/**
 * On condition that it still changes something, within the limits, under a number of its own; the counts are exact, whoever
 * races.
 */
function write(
  ctx: Context,
  { caller, request, attribute }: Reacting,
  item: Item,
  number: ReactionNumber,
): Promise<Write> {
  const { conversationId, seq, remove } = request;
  const others = usersOf(item, attribute).size - (remove ? 1 : 0);
  const sign = remove ? '-' : '+';
  const count = (name: string) => `#${name} = if_not_exists(#${name}, :none) ${sign} :one`;
  const below = (name: string) => `(attribute_not_exists(#${name}) OR #${name} < :${name})`;
  // Whether the emoji is the first or the last of its kind, by then as it was read.
  const kind = others === 0 ? (remove ? 'size(#emoji) = :one' : 'attribute_not_exists(#emoji)') : undefined;
  const kept = remove ? 'size(#emoji) > :one' : 'attribute_exists(#emoji)';
  const telling = tellingUnder(number, caller, item);
  const sets = [...telling.sets, count('reactionCount'), ...(kind ? [count('emojiCount')] : [])];
  const adds = [...(remove ? [] : ['#emoji :users']), ...telling.adds];
  return ctx.db.update({
    table: 'Messages',
    key: { conversationId, seq },
    update: expression({ sets, adds, deletes: remove ? ['#emoji :users'] : [] }),
    condition: [
      'attribute_exists(#type) AND attribute_not_exists(#recalled)',
      remove ? 'contains(#emoji, :user)' : 'NOT contains(#emoji, :user)',
      kind ?? kept,
      ...telling.conditions,
      ...(remove ? [] : [below('reactionCount'), ...(kind ? [below('emojiCount')] : [])]),
    ].join(' AND '),
    names: { emoji: attribute },
    values: {
      ...telling.values,
      none: 0,
      one: 1,
      user: caller.userId,
      users: new Set([caller.userId]),
      ...(!remove && { reactionCount: limits.reactions.reactions }),
      ...(!remove && kind && { emojiCount: limits.reactions.emoji }),
    },
    returning: 'ALL_NEW',
  });
}

/**
 * Before a number that changed nothing tells of the message: a write of its own that hangs is to change nothing after that.
 * @returns false: the message was read too long ago.
 */
async function spend(
  ctx: Context,
  { conversationId, seq }: ReactRequest,
  item: Item,
  number: ReactionNumber,
): Promise<boolean> {
  if (isSpent(number.seq, item)) return true;
  const { sets, adds, conditions, values } = spending(number.seq, item);
  const written = await ctx.db.update({
    table: 'Messages',
    key: { conversationId, seq },
    update: expression({ sets, adds }),
    condition: ['attribute_exists(#type)', ...conditions].join(' AND '),
    values,
  });
  return written.ok || !written.item || isSpent(number.seq, written.item);
}

/** What is so is told under another number from now on; unless others reacted since, who tell of it with theirs. */
async function noteNumber(
  ctx: Context,
  { caller, request: { conversationId, seq } }: Reacting,
  item: Item,
  number: ReactionNumber,
): Promise<void> {
  const { sets, adds, conditions, values } = tellingUnder(number, caller, item);
  await ctx.db.update({
    table: 'Messages',
    key: { conversationId, seq },
    update: expression({ sets, adds }),
    condition: ['#reacted.#seq = :before', ...conditions].join(' AND '),
    values: { ...values, before: lastTold(item)!.seq },
  });
}

/** Whether the message that tells of it is there, or is now, from whoever took the number. @returns false: its slot is void. */
async function isTold(ctx: Context, reacting: Reacting, told: Told): Promise<boolean> {
  const { caller, request } = reacting;
  const slot = await readSlot(ctx, caller.userId, { ...request, seq: told.seq });
  return slot ? tells(slot) : place(ctx, reacting, told, told.author);
}

/** Puts the control message into its slot. @returns false: that is void. */
async function place(
  ctx: Context,
  { caller, request }: Reacting,
  number: ReactionNumber,
  author: Author = caller,
): Promise<boolean> {
  const { conversationId, seq } = request;
  const { kind: _, ...put } = controlMessage(ctx, author, {
    conversationId,
    seq: number.seq,
    clientMsgId: `reaction-${seq}-${number.seq}`,
    body: { op: 'reaction', seq },
    head: { counted: number.counted, takenAt: number.takenAt },
  });
  const written = await ctx.db.put(put);
  return written.ok || tells(toSlot(written.item!, caller.userId));
}

/** A void tells of nothing: what was to be told under its number is told under another. */
const tells = (slot: Slot) => !isVoid(slot);
