// The update that a direct send is: it takes the next number, shifts it into the device's ring and moves the sender's read
// position, on condition that the send is not in the ring already, that nobody blocks it, and that its time has come.
import type { ConversationRef } from '../protocol/ids.ts';
import type { Caller, Context } from './context.ts';
import { sideOf } from './conversations.ts';
import type { Item } from './database.ts';
import { connectionDigest, deviceDigest } from './digest.ts';
import {
  dueAt,
  emptyRing,
  encodeEntry,
  findSend,
  forgettable,
  isOfConnection,
  newestAt,
  newestSeq,
  RING_SIZE,
  ringOf,
  ringPath,
  shiftRing,
  type Ring,
  type RingEntry,
} from './rings.ts';
import { headKey, ringAttribute, sideAttributes, type Side } from './tables.ts';

/** A send, as its device's ring knows it. */
export interface RingRequest {
  readonly caller: Caller;
  /** Digests of the clientMsgId and of what is sent under it. */
  readonly id: Buffer;
  readonly payload: Buffer;
}

export interface ClaimRequest extends RingRequest {
  readonly conversation: ConversationRef & { kind: 'direct' };
  readonly silent: boolean;
}

export type ClaimPlan =
  | { readonly kind: 'new' }
  /** Sooner than one message a send interval, within what may be sent at once; `newest` is the device's latest. */
  | { readonly kind: 'burst'; readonly newest: number }
  /** The same send under a new number, in place of the one that the ring holds there and whose slot is void. */
  | { readonly kind: 'renewal'; readonly index: number; readonly seq: number };

export type Claim =
  | {
      readonly outcome: 'claimed';
      readonly seq: number;
      readonly counted: number;
      readonly at: number;
      /** When the two numbers before were given out. */
      readonly before: number;
      readonly beforeThat: number;
    }
  | { readonly outcome: 'absent' | 'blocked' | 'again' }
  | RingRefusal
  | { readonly outcome: 'repeat'; readonly entry: RingEntry; readonly item: Item };

export type RingRefusal =
  /** The device has sent something else since: the client has repeated this one, or given it up. */
  | { readonly outcome: 'overtaken' }
  | { readonly outcome: 'burst'; readonly newest: number }
  | { readonly outcome: 'rate_limited'; readonly retryAfterMs: number };

/** Where a ring stands. */
export interface RingPlace {
  readonly key: { readonly conversationId: string; readonly item: string };
  readonly ring: string;
  readonly side: Side;
}

export async function claimNumber(ctx: Context, request: ClaimRequest, plan: ClaimPlan): Promise<Claim> {
  const { caller, conversation, silent } = request;
  const side = sideOf(conversation, caller.userId);
  const ring = ringAttribute(side, deviceDigest(caller.deviceId));
  const place: RingPlace = { key: headKey(conversation.conversationId), ring, side };
  const now = ctx.now();
  const counted = silent ? '#counted' : '#counted + :one';
  const shift = ringShift(ctx, request, plan, { seq: '#seq + :one', counted, now });
  const written = await ctx.db.update({
    table: 'Conversations',
    key: place.key,
    update: `SET ${[
      '#seq = #seq + :one',
      `#counted = ${counted}`,
      '#beforeThat = if_not_exists(#before, #at)',
      '#before = #at',
      '#at = :now',
      ...shift.sets,
      // Whoever sends has read what came before.
      '#readSeq = #seq + :one',
      `#readCounted = ${counted}`,
      ...(ctx.settings.messageRetentionDays ? ['#expiring = :one'] : []),
    ].join(', ')}`,
    condition: ['attribute_not_exists(#blocked)', ...shift.conditions].join(' AND '),
    names: { ...sideAttributes(side), ring },
    values: {
      one: 1,
      now,
      ...shift.values,
    },
    returning: 'ALL_NEW',
  });
  if (!written.ok) return whyNot(ctx, written.item, place, { request, plan });

  const { item } = written;
  await forgetOldest(ctx, place, item);
  return {
    outcome: 'claimed',
    seq: item['seq'] as number,
    counted: item['counted'] as number,
    at: now,
    before: item['before'] as number,
    beforeThat: item['beforeThat'] as number,
  };
}

/** What an update of the item that holds a ring does to it; `seq` and `counted` are expressions for the send's own. */
export interface RingShift {
  readonly sets: readonly string[];
  readonly conditions: readonly string[];
  readonly values: Readonly<Record<string, unknown>>;
}

interface OwnNumber {
  readonly seq: string;
  readonly counted: string;
  readonly now: number;
  /** When it was given out, if not now. */
  readonly at?: number;
}

export function ringShift(
  ctx: Context,
  { caller, id, payload }: RingRequest,
  plan: ClaimPlan,
  { seq, counted, now, at = now }: OwnNumber,
): RingShift {
  const { intervalMs, burstMs } = sendRate(ctx);
  const { arrivedAt } = caller;
  return {
    sets: [
      ...shiftRing(plan.kind === 'renewal' ? plan.index : RING_SIZE - 1),
      `${ringPath.entry(0)} = :entry`,
      `${ringPath.seq(0)} = ${seq}`,
      `${ringPath.counted(0)} = ${counted}`,
      `${ringPath.due} = ${plan.kind === 'burst' ? `${ringPath.due} + :interval` : ':next'}`,
      `${ringPath.connection} = :connection`,
    ],
    conditions: ['attribute_exists(#ring)', conditionOf(plan)],
    values: {
      id,
      entry: encodeEntry(id, payload, at),
      connection: connectionDigest(caller.connectionId),
      ...(plan.kind === 'burst'
        ? { interval: intervalMs, limit: now + burstMs, newest: plan.newest }
        : { next: now + intervalMs }),
      ...(plan.kind === 'new' && { now, arrived: arrivedAt + intervalMs }),
      ...(plan.kind === 'renewal'
        ? { voided: plan.seq }
        : { patient: arrivedAt + ctx.settings.sendPatienceMs }),
    },
  };
}

function conditionOf(plan: ClaimPlan): string {
  if (plan.kind === 'renewal') {
    return `begins_with(${ringPath.entry(plan.index)}, :id) AND ${ringPath.seq(plan.index)} = :voided`;
  }
  const notSent = Array.from(
    { length: RING_SIZE },
    (_, index) => `NOT begins_with(${ringPath.entry(index)}, :id)`,
  );
  const timely = `${ringPath.due} <= ${plan.kind === 'burst' ? ':limit' : ':now'}`;
  const latest = plan.kind === 'burst' ? `${ringPath.seq(0)} = :newest` : `${ringPath.due} <= :arrived`;
  const inOrder = `(${latest} OR ${ringPath.connection} = :connection AND ${ringPath.due} <= :patient)`;
  return [...notSent, timely, inOrder].join(' AND ');
}

/**
 * The device has sent something else since this arrived. From then on the ring may have forgotten it: a first try that was
 * under way for long, while the client repeated it and went on, must not be stored once more. Over one connection many
 * may arrive before the first is stored; but not after the time for which a client waits.
 */
function isOvertaken(ctx: Context, { arrivedAt, connectionId }: Caller, ring: Ring): boolean {
  const patienceMs = isOfConnection(ring, connectionDigest(connectionId)) ? ctx.settings.sendPatienceMs : 0;
  return newestAt(ring) > arrivedAt + patienceMs;
}

async function whyNot(
  ctx: Context,
  item: Item | undefined,
  place: RingPlace,
  { request, plan }: { request: ClaimRequest; plan: ClaimPlan },
): Promise<Claim> {
  if (!item) return { outcome: 'absent' };
  const ring = ringOf(item, place.ring);
  const entry = ring && findSend(ring, request.id);
  const isOwnVoid = plan.kind === 'renewal' && entry?.seq === plan.seq && entry.index === plan.index;
  if (entry && !isOwnVoid) return { outcome: 'repeat', entry, item };
  if (item[sideAttributes(place.side).blocked] !== undefined) return { outcome: 'blocked' };
  if (!ring) {
    await addRing(ctx, place);
    return { outcome: 'again' };
  }
  return whyNotInRing(ctx, request.caller, ring, plan);
}

/** Why a ring that does not hold a send does not take it. */
export function whyNotInRing(ctx: Context, caller: Caller, ring: Ring, plan: ClaimPlan): RingRefusal {
  // Who had a number, and is not in the ring any more, has been overtaken too.
  if (isOvertaken(ctx, caller, ring) || plan.kind === 'renewal') return { outcome: 'overtaken' };
  const aheadMs = dueAt(ring) - ctx.now();
  const { burstMs } = sendRate(ctx);
  if (aheadMs > burstMs) return { outcome: 'rate_limited', retryAfterMs: Math.ceil(aheadMs - burstMs) };
  return { outcome: 'burst', newest: newestSeq(ring) };
}

/** One message an interval, and so many intervals ahead of it as a burst may hold (the generic cell rate algorithm). */
function sendRate({ settings }: Context): { intervalMs: number; burstMs: number } {
  const intervalMs = 1_000 / settings.sendsPerSecond;
  return { intervalMs, burstMs: intervalMs * (settings.sendBurst - 1) };
}

/** A device's first send in a conversation. */
export async function addRing(ctx: Context, { key, ring }: RingPlace): Promise<void> {
  await ctx.db.update({
    table: 'Conversations',
    key,
    update: 'SET #ring = :empty',
    condition: 'attribute_exists(#conversationId) AND attribute_not_exists(#ring)',
    names: { ring },
    values: { empty: emptyRing },
  });
}

/** Of more devices than are remembered, those that sent longest ago. */
export async function forgetOldest(ctx: Context, place: RingPlace, item: Item): Promise<void> {
  await Promise.all(forgettable(item, place.side).map((oldest) => forgetRing(ctx, place, oldest, item)));
}

/** Forgets a device that has sent nothing here for long, unless it just has. */
async function forgetRing(ctx: Context, { key }: RingPlace, ring: string, item: Item): Promise<void> {
  await ctx.db.update({
    table: 'Conversations',
    key,
    update: 'REMOVE #ring',
    condition: `${ringPath.seq(0)} = :seen`,
    names: { ring },
    values: { seen: newestSeq(ringOf(item, ring)!) },
  });
}
