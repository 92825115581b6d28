// Reading a timeline past its holes. A sender that dies between number and message leaves an empty slot; whoever reads
// past one that had its time puts a void there, and slow sender and fencer race on one condition (I4): no clock decides
// about safety. Readers never step over an unresolved hole.
import type { Slot } from '../protocol/messages.ts';
import type { Context } from './context.ts';
import type { ConversationHead } from './conversations.ts';
import type { Item } from './database.ts';
import { goneBelow } from './retention.ts';
import { headKey } from './tables.ts';
import {
  emptySlot,
  filledAt,
  messageExpiry,
  readStretch,
  toSlot,
  type StoredSlot,
  type StretchRequest,
} from './timeline.ts';
import { sealUncounted } from './uncounted.ts';

/** Slots in ascending order without holes; `pending`: they end before one that is not settled. */
export interface SlotRange {
  readonly slots: Slot[];
  readonly pending: boolean;
}

/** The slots from `low` to `high`, from one end as far as an answer holds; what has expired reads as a void. */
export async function readRange(
  ctx: Context,
  conversationId: string,
  { head, ...range }: StretchRequest & { readonly head: ConversationHead },
): Promise<SlotRange> {
  const { low, high, stored } = await readStretch(ctx, conversationId, range);
  const slots: Slot[] = [];
  for (let seq = low; seq <= high; seq = low + slots.length) {
    const present = stored.get(seq);
    const next = present
      ? [present.slot]
      : await resolveRun(ctx, conversationId, { seq, high, head, stored, viewer: range.viewer });
    if (next.length === 0) return { slots, pending: true };
    slots.push(...next);
  }
  return { slots, pending: false };
}

interface Run {
  /** The first empty slot. */
  readonly seq: number;
  /** The last slot that was read. */
  readonly high: number;
  readonly head: ConversationHead;
  readonly stored: Map<number, StoredSlot>;
  readonly viewer: string;
}

/** Longer runs are fenced in parts: so many voids and the head fit into a transaction. */
const MAX_FENCED = 99;

/**
 * What the beginning of a run of empty slots is: expired and removed, as far as they are that old; holes to be fenced, if
 * whoever took those numbers has had the time to use them; else nothing yet. Their age comes from what was numbered next: a wrong
 * clock can only make a void of a slow message, never lose one.
 */
async function resolveRun(ctx: Context, conversationId: string, run: Run): Promise<Slot[]> {
  const { seq, high, head, stored, viewer } = run;
  let runEnd = seq;
  while (runEnd < high && !stored.has(runEnd + 1)) runEnd++;
  const above = stored.get(runEnd + 1)?.item ?? (await nextItem(ctx, conversationId, runEnd + 1, head.seq));
  const slots = Array.from({ length: runEnd - seq + 1 }, (_, index) => ({
    conversationId,
    seq: seq + index,
  }));

  const gone = goneBelow(ctx, head, above);
  if (gone > seq) return slots.filter((slot) => slot.seq < gone).map(emptySlot);
  const settledSince = above ? filledAt(above) : head.at;
  if (ctx.now() - settledSince <= ctx.settings.settleMs) return [];

  const end = above ? (above['seq'] as number) - 1 : head.seq;
  const countedAtEnd = above ? (above['counted'] as number) - (above['silent'] ? 0 : 1) : head.counted;
  const below = await settledBelow(ctx, conversationId, head, seq);
  const first = below ? below.seq + 1 : seq;
  const countedBelow = below ? below.counted : Math.max(0, countedAtEnd - (end - first + 1));
  // How many of the run were counted is known exactly. Which of them no longer matters once all are voids: so all
  // become voids at once, or none does. A message that is stored meanwhile says which, above it and below.
  const holes = Array.from({ length: Math.min(end - first + 1, MAX_FENCED) }, (_, index): Taken => {
    const ifCounted = countedBelow + index + 1;
    return {
      seq: first + index,
      counted: Math.min(ifCounted, countedAtEnd),
      silent: ifCounted > countedAtEnd,
    };
  });
  const counted = holes.filter(({ silent }) => !silent).map((hole) => hole.seq);
  const written = await ctx.db.transact([
    ...holes.map((hole) => inEmptySlot(voidItem(ctx, conversationId, hole))),
    ...(counted.length > 0 ? [takeOutOfUnread(conversationId, counted)] : []),
  ]);
  if (!written.ok) {
    for (const { item } of written.failed.filter((failure) => failure !== undefined)) {
      if (item) stored.set(item['seq'] as number, { item, slot: toSlot(item, viewer) });
    }
    const filled = stored.get(seq);
    return filled ? [filled.slot] : resolveRun(ctx, conversationId, run);
  }
  for (const hole of holes) ctx.log.info('slot voided', { conversationId, seq: hole.seq });
  await sealUncounted(ctx, conversationId, head);
  return slots.slice(0, Math.max(0, first + holes.length - seq)).map(emptySlot);
}

/** The next slot below that is not empty; none, where it may be that it has expired and is gone. */
async function settledBelow(
  ctx: Context,
  conversationId: string,
  head: ConversationHead,
  seq: number,
): Promise<{ readonly seq: number; readonly counted: number } | undefined> {
  if (seq === 1) return { seq: 0, counted: 0 };
  const range = { table: 'Messages', partition: conversationId, from: 1, to: seq - 1, limit: 1 } as const;
  const {
    items: [item],
  } = await ctx.db.queryDown(range);
  if (item && (item['seq'] === seq - 1 || !head.expiring)) {
    return { seq: item['seq'] as number, counted: item['counted'] as number };
  }
  return item || head.expiring ? undefined : { seq: 0, counted: 0 };
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

/** A number that was given out: `silent` if it was not counted. */
export interface Taken {
  readonly seq: number;
  readonly counted: number;
  readonly silent: boolean;
}

function voidItem(ctx: Context, conversationId: string, { seq, counted, silent }: Taken): Item {
  const sort = silent ? { silent } : {};
  return { conversationId, seq, void: true, counted, at: ctx.now(), ...sort, ...messageExpiry(ctx) };
}

const inEmptySlot = (item: Item) =>
  ({ kind: 'put', table: 'Messages', item, condition: 'attribute_not_exists(#conversationId)' }) as const;

const takeOutOfUnread = (conversationId: string, slots: readonly number[]) =>
  ({
    kind: 'update',
    table: 'Conversations',
    key: headKey(conversationId),
    update: 'ADD #uncounted :slots',
    values: { slots: new Set(slots) },
  }) as const;

/**
 * Makes an empty slot a void, in one transaction with taking it out of the unread counts (I6). Whoever comes
 * second finds what the first put there (I4).
 */
export async function voidSlot(ctx: Context, conversationId: string, taken: Taken): Promise<Item> {
  const item = voidItem(ctx, conversationId, taken);
  const put = inEmptySlot(item);
  let present: Item | undefined;
  if (taken.silent) {
    const written = await ctx.db.put(put);
    present = written.ok ? item : written.item;
  } else {
    const written = await ctx.db.transact([put, takeOutOfUnread(conversationId, [taken.seq])]);
    present = written.ok ? item : written.failed[0]?.item;
  }
  if (!present) throw new Error('A void could not be written, and its slot is empty');
  if (present === item) ctx.log.info('slot voided', { conversationId, seq: taken.seq });
  return present;
}
