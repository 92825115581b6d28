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
  type Stretch,
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
  readonly stored: Stretch['stored'];
  readonly viewer: string;
}

/**
 * What the beginning of a run of empty slots is: expired and removed, as far as they are that old; holes to be fenced, if
 * whoever took those numbers has had the time to use them; else nothing yet. Their age comes from what was numbered next: a wrong
 * clock can only make a void of a slow message, never lose one.
 */
async function resolveRun(
  ctx: Context,
  conversationId: string,
  { seq, high, head, stored, viewer }: Run,
): Promise<Slot[]> {
  let runEnd = seq;
  while (runEnd < high && !stored.has(runEnd + 1)) runEnd++;
  const above = stored.get(runEnd + 1)?.item ?? (await nextItem(ctx, conversationId, runEnd + 1, head.seq));
  const run = Array.from({ length: runEnd - seq + 1 }, (_, index) => ({ conversationId, seq: seq + index }));

  const gone = goneBelow(ctx, head, above);
  if (gone > seq) return run.filter((slot) => slot.seq < gone).map(emptySlot);
  const settledSince = above ? filledAt(above) : head.at;
  if (ctx.now() - settledSince <= ctx.settings.settleMs) return [];

  const countedAtEnd = above ? (above['counted'] as number) - (above['silent'] ? 0 : 1) : head.counted;
  const countedBelow = await countedAt(ctx, conversationId, seq - 1, Math.max(0, countedAtEnd - run.length));
  const slots: Slot[] = [];
  for (const { seq: slot } of run) {
    // How many of the run were counted is known exactly; which of them no longer matters, for all become voids.
    const ifCounted = countedBelow + slots.length + 1;
    const silent = ifCounted > countedAtEnd;
    const counted = silent ? countedAtEnd : ifCounted;
    slots.push(toSlot(await voidSlot(ctx, conversationId, { seq: slot, counted, silent }), viewer));
  }
  await sealUncounted(ctx, conversationId, head);
  return slots;
}

/** `otherwise`: the slot has expired and is gone. */
async function countedAt(
  ctx: Context,
  conversationId: string,
  seq: number,
  otherwise: number,
): Promise<number> {
  if (seq === 0) return 0;
  const item = await ctx.db.get('Messages', { conversationId, seq }, 'strong');
  return (item?.['counted'] as number | undefined) ?? otherwise;
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

/**
 * Makes an empty slot a void, in one transaction with taking it out of the unread counts (I6). Whoever comes
 * second finds what the first put there (I4).
 */
export async function voidSlot(
  ctx: Context,
  conversationId: string,
  { seq, counted, silent }: Taken,
): Promise<Item> {
  const item: Item = {
    conversationId,
    seq,
    void: true,
    counted,
    at: ctx.now(),
    ...(silent && { silent }),
    ...messageExpiry(ctx),
  };
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
        key: headKey(conversationId),
        update: 'ADD #uncounted :slot',
        values: { slot: new Set([seq]) },
      },
    ]);
    present = written.ok ? item : written.failed[0]?.item;
  }
  if (!present) throw new Error('A void could not be written, and its slot is empty');
  if (present === item) ctx.log.info('slot voided', { conversationId, seq });
  return present;
}
