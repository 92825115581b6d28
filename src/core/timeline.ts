// The conversation timeline: each slot becomes a message or a void, once and for ever.
import type { Message, Slot } from '../protocol/messages.ts';
import { referencesOf } from '../protocol/slots.ts';
import { Portions } from './answer-size.ts';
import type { Context } from './context.ts';
import type { Item } from './database.ts';
import { expiryAfter, hasExpired } from './expiry.ts';
import { reactionsOf } from './kept-reactions.ts';
import { traceAttribute, ttlAttribute } from './tables.ts';

/** A message as it goes into its slot. */
export interface NewMessage {
  readonly conversationId: string;
  readonly seq: number;
  /** How many messages of the conversation count as unread up to and including it. */
  readonly counted: number;
  /** When the two numbers before it were given out, as far as known: tells how old empty slots below it are. */
  readonly before?: number;
  readonly beforeThat?: number;
  readonly clientMsgId: string;
  readonly from: string;
  readonly deviceId: string;
  readonly type: Message['type'];
  readonly body: Message['body'];
  readonly serverTime: number;
  readonly silent: boolean;
  readonly replyTo?: Message['replyTo'];
  readonly mentions?: Message['mentions'];
}

/** When its number was used: of what was imported, another time than when it was sent. */
export const filledAt = (item: Item) => (item['at'] ?? item['serverTime']) as number;

/** Puts the message into its slot if that is empty, and says what the slot holds now. */
export async function putMessage(ctx: Context, message: NewMessage): Promise<Slot> {
  const item = messageItem(ctx, message);
  const written = await ctx.db.put({
    table: 'Messages',
    item,
    condition: 'attribute_not_exists(#conversationId)',
  });
  return toSlot(written.ok ? item : written.item!, message.from);
}

export function messageItem(ctx: Context, { body, silent, ...attributes }: NewMessage): Item {
  return {
    ...attributes,
    body: JSON.stringify(body),
    ...(silent && { silent }),
    ...(ctx.requestId && { [traceAttribute]: ctx.requestId }),
    ...messageExpiry(ctx),
  };
}

/** The end of what is written into a slot now, if messages have one. */
export function messageExpiry(ctx: Context): Item {
  const { messageRetentionDays } = ctx.settings;
  return messageRetentionDays ? { [ttlAttribute]: expiryAfter(ctx, messageRetentionDays) } : {};
}

export async function readSlot(
  ctx: Context,
  viewer: string,
  { conversationId, seq }: SlotKey,
): Promise<Slot | undefined> {
  const item = await ctx.db.get('Messages', { conversationId, seq }, 'strong');
  return item && toSlot(item, viewer);
}

/** Messages and voids by key; those that are not there, or have expired, are missing from the answer. */
export async function readSlots(ctx: Context, viewer: string, keys: readonly SlotKey[]): Promise<Slot[]> {
  return (await readSlotItems(ctx, keys)).map((item) => toSlot(item, viewer));
}

/** The same as they are stored: whoever they are shown to. */
export async function readSlotItems(ctx: Context, keys: readonly SlotKey[]): Promise<Item[]> {
  const items = await ctx.db.batchGet(
    'Messages',
    keys.map(({ conversationId, seq }) => ({ conversationId, seq })),
  );
  return items.filter((item) => !hasExpired(ctx, item));
}

/** Consecutive slots as they are stored, with what clients see of each; empty ones are missing. */
export interface Stretch {
  readonly low: number;
  readonly high: number;
  readonly stored: Map<number, StoredSlot>;
}

export interface StoredSlot {
  readonly item: Item;
  readonly slot: Slot;
}

export interface StretchRequest {
  readonly low: number;
  readonly high: number;
  readonly beginAt: 'low' | 'high';
  /** Who is shown it. */
  readonly viewer: string;
  /** Default: a whole answer. */
  readonly maxBytes?: number;
}

/**
 * What is stored from `low` to `high`, beginning at one end, as far as an answer holds; it then ends with a slot that is
 * not empty, so that runs of empty ones stay whole.
 */
export async function readStretch(
  ctx: Context,
  conversationId: string,
  { low, high, beginAt, viewer, maxBytes }: StretchRequest,
): Promise<Stretch> {
  const stored = new Map<number, StoredSlot>();
  const portions = new Portions(maxBytes);
  for (let left = high - low + 1; ;) {
    const count = Math.min(portions.next, left);
    const from = beginAt === 'low' ? high - left + 1 : low + left - count;
    const to = from + count - 1;
    const items = await ctx.db.query({
      table: 'Messages',
      partition: conversationId,
      from,
      to,
      limit: count,
    });
    const found = items.map((item) => ({ item, slot: readable(ctx, item, viewer) }));
    for (const { item, slot } of found) stored.set(item['seq'] as number, { item, slot });
    portions.take(found.map(({ slot }) => slot));
    left -= count;
    const edge = beginAt === 'low' ? to : from;
    if (left > 0 && !(portions.full && stored.has(edge))) continue;
    return beginAt === 'low' ? { low, high: edge, stored } : { low: edge, high, stored };
  }
}

/** What has expired reads as a void. */
function readable(ctx: Context, item: Item, viewer: string): Slot {
  return hasExpired(ctx, item) ? emptySlot(item as unknown as SlotKey) : toSlot(item, viewer);
}

export interface SlotKey {
  readonly conversationId: string;
  readonly seq: number;
}

export const keyOf = ({ conversationId, seq }: SlotKey) => `${conversationId}#${seq}`;

export const emptySlot = ({ conversationId, seq }: SlotKey): Slot => ({
  conversationId,
  seq,
  void: true,
});

/** A viewer that no user is. */
export const NOBODY = '';

/** A stored item as a user sees it. */
export function toSlot(item: Item, viewer: string): Slot {
  const { conversationId, seq } = item as unknown as SlotKey;
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
    ...referencesOf(item),
    ...reactionsOf(item, viewer),
  };
}
