// The conversation timeline: numbers are given out densely, each slot becomes a message or a void, once and for ever.
import type { Message, Slot } from '../protocol/messages.ts';
import type { Context } from './context.ts';
import type { Item } from './database.ts';
import { expiryAfter, hasExpired } from './expiry.ts';
import { HEAD, ttlAttribute } from './tables.ts';

const SCAN_PAGE = 100;
const MAX_SCAN_PAGES = 100;

/** A number that was given out, and how many messages count as unread up to and including it. */
export interface Taken {
  readonly seq: number;
  readonly counted: number;
}

/** A message as it goes into its slot. */
export interface NewMessage extends Taken {
  readonly conversationId: string;
  readonly clientMsgId: string;
  readonly from: string;
  readonly deviceId: string;
  readonly type: Message['type'];
  readonly body: Message['body'];
  readonly serverTime: number;
  readonly silent: boolean;
}

/** What a reader needs to know of the conversation's head. */
export interface TimelineHead {
  readonly seq: number;
  readonly counted: number;
  /** When the last number was given out. */
  readonly at: number;
}

/** Slots in ascending order without holes; `pending`: they end before one that is not settled. */
export interface SlotRange {
  readonly slots: Slot[];
  readonly pending: boolean;
}

/** Step 2 of sending. A message that is silent takes a number, and is not counted. */
export async function takeNumber(ctx: Context, conversationId: string, silent: boolean): Promise<Taken> {
  const written = await ctx.db.update({
    table: 'Conversations',
    key: { conversationId, item: HEAD },
    update: 'SET #at = :now ADD #seq :one, #counted :increment',
    condition: 'attribute_exists(#seq)',
    values: { now: ctx.now(), one: 1, increment: silent ? 0 : 1 },
    returning: 'UPDATED_NEW',
  });
  if (!written.ok) throw new Error('The conversation has no head');
  return { seq: written.item['seq'] as number, counted: written.item['counted'] as number };
}

/** Step 4: puts the message into its slot if that is empty, and says what the slot holds now. */
export async function putMessage(ctx: Context, message: NewMessage): Promise<Slot> {
  const { messageRetentionDays } = ctx.settings;
  const { body, silent, ...attributes } = message;
  const item: Item = {
    ...attributes,
    body: JSON.stringify(body),
    ...(silent && { silent }),
    ...(messageRetentionDays && {
      [ttlAttribute]: expiryAfter(ctx, messageRetentionDays),
    }),
  };
  const written = await ctx.db.put({
    table: 'Messages',
    item,
    condition: 'attribute_not_exists(#conversationId)',
  });
  return toSlot(written.ok ? item : written.item!);
}

/**
 * Makes an empty slot a void, in one transaction with taking it out of the unread counts (I6). Whoever comes
 * second finds what the first put there (I4). `silent`: its number was given out without being counted.
 */
export async function voidSlot(
  ctx: Context,
  conversationId: string,
  taken: Taken,
  silent: boolean,
): Promise<Slot> {
  const { seq, counted } = taken;
  const item: Item = { conversationId, seq, void: true, counted, at: ctx.now(), ...(silent && { silent }) };
  const put = { table: 'Messages', item, condition: 'attribute_not_exists(#conversationId)' } as const;
  let present: Item | undefined;
  if (silent) {
    const written = await ctx.db.put(put);
    present = written.ok ? item : written.item;
  } else {
    const written = await ctx.db.transact([
      { kind: 'put', ...put },
      {
        kind: 'update',
        table: 'Conversations',
        key: { conversationId, item: HEAD },
        update: 'ADD #uncounted :slot',
        values: { slot: new Set([seq]) },
      },
    ]);
    present = written.ok ? item : written.failed[0]?.item;
  }
  if (!present) throw new Error('A void could not be written, and its slot is empty');
  if (present === item) ctx.log.info('slot voided', { conversationId, seq });
  return toSlot(present);
}

export async function readSlot(ctx: Context, conversationId: string, seq: number): Promise<Slot | undefined> {
  const item = await ctx.db.get('Messages', { conversationId, seq }, 'strong');
  return item && toSlot(item);
}

/** Messages and voids by key; those that are not there, or have expired, are missing from the answer. */
export async function readSlots(
  ctx: Context,
  keys: readonly { conversationId: string; seq: number }[],
): Promise<Slot[]> {
  const items = await ctx.db.batchGet(
    'Messages',
    keys.map(({ conversationId, seq }) => ({ conversationId, seq })),
  );
  return items.filter((item) => !hasExpired(ctx, item)).map(toSlot);
}

/**
 * The slots from `low` to `high`. Holes that have settled are fenced with voids on the way; the first that has not
 * ends the range: readers never step over an unresolved hole.
 */
export async function readRange(
  ctx: Context,
  conversationId: string,
  { low, high, head }: { low: number; high: number; head: TimelineHead },
): Promise<SlotRange> {
  const items = await ctx.db.query({
    table: 'Messages',
    partition: conversationId,
    from: low,
    to: high,
    limit: high - low + 1,
  });
  const stored = new Map(items.map((item) => [item['seq'] as number, item]));
  const slots: Slot[] = [];
  for (let seq = low; seq <= high; seq = low + slots.length) {
    const item = stored.get(seq);
    const next = item ? [toSlot(item)] : await fenceRun(ctx, conversationId, { seq, high, head, stored });
    if (next.length === 0) return { slots, pending: true };
    slots.push(...next);
  }
  return { slots, pending: false };
}

/** The lowest seq whose message is still kept; `head.seq + 1` when all have expired. */
export async function retainedFloor(
  ctx: Context,
  conversationId: string,
  floorSeq: number,
  head: TimelineHead,
): Promise<number> {
  if (!ctx.settings.messageRetentionDays) return floorSeq;
  let from = floorSeq;
  for (let page = 0; page < MAX_SCAN_PAGES && from <= head.seq; page++) {
    const items = await ctx.db.query({
      table: 'Messages',
      partition: conversationId,
      from,
      to: head.seq,
      limit: SCAN_PAGE,
    });
    const kept = items.find((item) => !hasExpired(ctx, item));
    if (kept) return kept['seq'] as number;
    if (items.length < SCAN_PAGE) return head.seq + 1;
    from = (items.at(-1)!['seq'] as number) + 1;
  }
  return from;
}

interface Run {
  /** The first hole. */
  readonly seq: number;
  /** The last slot that is asked for. */
  readonly high: number;
  readonly head: TimelineHead;
  readonly stored: ReadonlyMap<number, Item>;
}

/**
 * Resolves a run of holes, if whoever took those numbers has had the time to use them: nothing, or all of the run.
 * Their age comes from what was numbered next; a wrong clock can only make a void of a slow message, never lose one.
 */
async function fenceRun(
  ctx: Context,
  conversationId: string,
  { seq, high, head, stored }: Run,
): Promise<Slot[]> {
  let runEnd = seq;
  while (runEnd < high && !stored.has(runEnd + 1)) runEnd++;

  const above = stored.get(runEnd + 1) ?? (await nextItem(ctx, conversationId, runEnd + 1, head.seq));
  const takenBefore = above ? ((above['serverTime'] ?? above['at']) as number) : head.at;
  if (ctx.now() - takenBefore <= ctx.settings.settleMs) return [];

  const below =
    seq > 1 ? await ctx.db.get('Messages', { conversationId, seq: seq - 1 }, 'strong') : undefined;
  const countedBelow = (below?.['counted'] as number | undefined) ?? 0;
  const countedAtEnd = above ? (above['counted'] as number) - (above['silent'] ? 0 : 1) : head.counted;
  const slots: Slot[] = [];
  for (let slot = seq; slot <= runEnd; slot++) {
    // How many of the run were counted is known exactly; which of them no longer matters, for all become voids.
    const ifCounted = countedBelow + slots.length + 1;
    const silent = ifCounted > countedAtEnd;
    const counted = silent ? countedAtEnd : ifCounted;
    slots.push(await voidSlot(ctx, conversationId, { seq: slot, counted }, silent));
  }
  return slots;
}

async function nextItem(
  ctx: Context,
  conversationId: string,
  from: number,
  to: number,
): Promise<Item | undefined> {
  if (from > to) return undefined;
  const [item] = await ctx.db.query({ table: 'Messages', partition: conversationId, from, to, limit: 1 });
  return item;
}

/** A stored item as clients see it. */
export function toSlot(item: Item): Slot {
  const { conversationId, seq } = item as { conversationId: string; seq: number };
  if (item['void']) return { conversationId, seq, void: true };
  return {
    conversationId,
    seq,
    clientMsgId: item['clientMsgId'] as string,
    serverTime: item['serverTime'] as number,
    from: item['from'] as string,
    deviceId: item['deviceId'] as string,
    type: item['type'] as Message['type'],
    body: JSON.parse(item['body'] as string) as Message['body'],
    recalled: item['recalled'] === true,
    edited: (item['edited'] as number | undefined) ?? null,
    silent: item['silent'] === true,
  };
}
