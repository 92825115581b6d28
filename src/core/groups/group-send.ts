// Sending to a group, in four requests: look at the member (in, muted, a repeat?); take a number from the HEAD, which
// remembers the last claims of all its members, so that one send takes one number; note it in the member's ring, on
// condition that they are still in; put the message. Whoever dies in between is finished by the repeat.
import { refuse, type Refusal } from '../../protocol/errors.ts';
import type { Answer } from '../../protocol/server-frames.ts';
import { addRing, forgetOldest, ringShift, whyNotInRing, type ClaimPlan, type RingPlace } from '../claims.ts';
import type { Context } from '../context.ts';
import { numbering } from '../control-messages.ts';
import type { Item } from '../database.ts';
import { claimDigest, deviceDigest } from '../digest.ts';
import { voidSlot } from '../fencing.ts';
import {
  CLAIMS_SIZE,
  dueAt,
  encodeEntry,
  findSend,
  ringOf,
  ringPath,
  shiftRing,
  type RingEntry,
} from '../rings.ts';
import {
  answerRepeat,
  isSameMessage,
  placeMessage,
  refuseConflict,
  refuseRing,
  stored,
  type Sending,
} from '../sending.ts';
import {
  claimsAttribute,
  headKey,
  memberAttributes,
  memberKey,
  policyAttributes,
  ringAttribute,
} from '../tables.ts';
import { isAdmin, toGroupMember, type GroupMember } from './group.ts';
import { refuseStranger } from '../members.ts';

/** Rounds of losing races: against other sends of this very device, mostly. */
const MAX_ROUNDS = 24;
/** As a number of repetitions to wait like: about as long as a change of the group takes. */
const HELD_PATIENCE = 3;

/** The number that a send has in the group, whether its member has noted it or not. */
type GroupClaim = Pick<RingEntry, 'seq' | 'counted' | 'at'> & {
  readonly before?: number;
  readonly beforeThat?: number;
};

export async function sendToGroup(ctx: Context, sending: Sending): Promise<Answer<'send'> | Refusal> {
  const taken: { claim?: GroupClaim } = {};
  const answer = await tryToSend(ctx, sending, taken);
  await giveUp(ctx, sending, taken);
  return answer;
}

async function tryToSend(
  ctx: Context,
  sending: Sending,
  taken: { claim?: GroupClaim },
): Promise<Answer<'send'> | Refusal> {
  const { caller, conversationId, id } = sending;
  const key = memberKey(conversationId, caller.userId);
  const ringName = ringAttribute('a', deviceDigest(caller.deviceId));
  const place: RingPlace = { key, ring: ringName, side: 'a' };
  let plan: ClaimPlan = { kind: 'new' };
  let item: Item | undefined;
  for (let round = 1; round <= MAX_ROUNDS; round++) {
    if (round > 4) await ctx.backOff(Math.min(round - 4, 4));
    const isRefused: boolean = item !== undefined && plan.kind !== 'renewal';
    item ??= await ctx.db.get('Conversations', key, 'strong');
    const member = item && toGroupMember(item);
    if (!item || !member) return refuseStranger(conversationId, 'to');
    const ring = ringOf(item, ringName);
    if (!ring) {
      await addRing(ctx, place);
      item = undefined;
      continue;
    }
    const entry = findSend(ring, id);
    const isOwnVoid = plan.kind === 'renewal' && entry?.seq === plan.seq;
    if (entry && !isOwnVoid) {
      const answer = await answerNoted(ctx, sending, taken, entry);
      if (answer) return answer;
      plan = { kind: 'renewal', index: entry.index, seq: entry.seq };
      continue;
    }
    if (member.mutedUntil > ctx.now()) return refuse('muted', 'to: you are muted in this group');
    if (!entry && (plan.kind === 'renewal' || isRefused || dueAt(ring) > ctx.now())) {
      const why = whyNotInRing(ctx, caller, ring, plan);
      if (why.outcome !== 'burst') return refuseRing(ctx, sending, why);
      plan = { kind: 'burst', newest: why.newest };
    }
    // Taken while they were out: they are in anew.
    if (taken.claim && taken.claim.seq < member.joinedSeq) await giveUp(ctx, sending, taken);
    if (!taken.claim) {
      const claim = await claimInGroup(ctx, sending, member, plan.kind === 'renewal' ? plan.seq : undefined);
      if (claim === 'held') {
        item = undefined;
        await ctx.backOff(HELD_PATIENCE);
        continue;
      }
      if ('error' in claim) return claim;
      taken.claim = claim;
    }
    const noted = await noteInRing(ctx, sending, { place, plan, claim: taken.claim, item });
    item = noted.item;
    if (!noted.ok) continue;
    await forgetOldest(ctx, place, noted.item);
    const { claim } = taken;
    delete taken.claim;
    const slot = await placeMessage(ctx, sending, claim);
    if (isSameMessage(slot, sending)) return stored(slot);
    // A reader took us for dead and fenced the slot: the same send, under a new number.
    plan = { kind: 'renewal', index: 0, seq: claim.seq };
  }
  return refuse('unavailable', 'too much contention in this conversation, try again');
}

/** The member's ring has it already; nothing, when its slot will never hold it. */
async function answerNoted(
  ctx: Context,
  sending: Sending,
  taken: { claim?: GroupClaim },
  entry: RingEntry,
): Promise<Answer<'send'> | Refusal | undefined> {
  if (taken.claim?.seq !== entry.seq) await giveUp(ctx, sending, taken);
  delete taken.claim;
  // Whether messages have an end here the HEAD knows: the careful answer costs a number at worst.
  return answerRepeat(ctx, sending, entry, { expiring: true });
}

/** A number that nothing comes of. */
async function giveUp(ctx: Context, sending: Sending, taken: { claim?: GroupClaim }): Promise<void> {
  const { claim } = taken;
  delete taken.claim;
  if (!claim) return;
  const { seq, counted } = claim;
  await voidSlot(ctx, sending.conversationId, { seq, counted, silent: sending.request.silent });
}

/**
 * The next number, or the one that this very send has taken already; `voided`: not that one, nor one from before its member
 * came. `held`: messages wait for a change of the group.
 */
async function claimInGroup(
  ctx: Context,
  sending: Sending,
  member: GroupMember,
  voided: number | undefined,
): Promise<GroupClaim | Refusal | 'held'> {
  const { caller, conversationId, request, payload } = sending;
  const id = claimDigest(caller.userId, caller.deviceId, request.clientMsgId);
  const now = ctx.now();
  const counted = request.silent ? '#counted' : '#counted + :one';
  const take = (condition: string, index: number, values: Readonly<Record<string, unknown>>) =>
    ctx.db.update({
      table: 'Conversations',
      key: headKey(conversationId),
      update: `SET ${[
        '#seq = #seq + :one',
        `#counted = ${counted}`,
        numbering,
        ...shiftRing(index),
        `${ringPath.entry(0)} = :entry`,
        `${ringPath.seq(0)} = #seq + :one`,
        `${ringPath.counted(0)} = ${counted}`,
        ...(ctx.settings.messageRetentionDays ? ['#expiring = :one'] : []),
      ].join(', ')}`,
      condition: [
        'attribute_not_exists(#dismissedSeq)',
        '(attribute_not_exists(#hold) OR #hold <= :now)',
        ...(isAdmin(member)
          ? []
          : ['attribute_not_exists(#mutedAll)', `attribute_not_exists(#${policyAttributes.post})`]),
        condition,
      ].join(' AND '),
      names: { ring: claimsAttribute },
      values: { one: 1, now, id, entry: encodeEntry(id, payload, now), ...values },
      returning: 'ALL_NEW',
    });

  const notTaken = Array.from(
    { length: CLAIMS_SIZE },
    (_, index) => `NOT begins_with(${ringPath.entry(index)}, :id)`,
  );
  let written = await take(notTaken.join(' AND '), CLAIMS_SIZE - 1, {});
  const present = written.ok ? undefined : claimOf(written.item, id);
  const isOver = ({ seq }: RingEntry) => seq === voided || seq < member.joinedSeq;
  if (present && isOver(present)) {
    const { index, seq } = present;
    const isThatOne = `begins_with(${ringPath.entry(index)}, :id) AND ${ringPath.seq(index)} = :voided`;
    written = await take(isThatOne, index, { voided: seq });
  }
  if (written.ok) {
    const { item } = written;
    return {
      seq: item['seq'] as number,
      counted: item['counted'] as number,
      at: now,
      before: item['before'] as number,
      beforeThat: item['beforeThat'] as number,
    };
  }
  const { item } = written;
  if (!item || item['dismissedSeq'] !== undefined) return refuseStranger(conversationId, 'to');
  const earlier = claimOf(item, id);
  if (earlier && !isOver(earlier)) return earlier.payload.equals(payload) ? earlier : refuseConflict();
  if (isClosed(item) && !isAdmin(member))
    return refuse('muted', 'to: only the owner and admins may write here');
  return 'held';
}

const isClosed = (item: Item) => item['mutedAll'] === true || item[policyAttributes.post] === true;

const claimOf = (item: Item | undefined, id: Buffer): RingEntry | undefined => {
  const claims = item && ringOf(item, claimsAttribute);
  return claims && findSend(claims, id, CLAIMS_SIZE);
};

interface Note {
  readonly place: RingPlace;
  readonly plan: ClaimPlan;
  readonly claim: GroupClaim;
  /** The member as they were read. */
  readonly item: Item;
}

/** In the member's own item: the send, and that whoever sends has read what came before. */
async function noteInRing(ctx: Context, sending: Sending, { place, plan, claim, item }: Note) {
  const { seq, counted, at } = claim;
  const shift = ringShift(ctx, sending, plan, { seq: ':seq', counted: ':counted', now: ctx.now(), at });
  // Another device of this user may have sent later, and noted it earlier.
  const moves = ((item[memberAttributes.readSeq] as number | undefined) ?? 0) < seq;
  const reading = moves ? ['#readSeq = :seq', '#readCounted = :counted'] : [];
  return ctx.db.update({
    table: 'Conversations',
    key: place.key,
    update: `SET ${[...shift.sets, ...reading].join(', ')}`,
    condition: [
      'attribute_exists(#role) AND #joinedSeq < :seq',
      ...shift.conditions,
      ...(moves ? ['(attribute_not_exists(#readSeq) OR #readSeq < :seq)'] : []),
    ].join(' AND '),
    names: { ring: place.ring, ...(moves && memberAttributes) },
    values: { seq, counted, ...shift.values },
    returning: 'ALL_NEW',
  });
}
