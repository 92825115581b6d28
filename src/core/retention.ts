// Messages with an end. TTL removes them late and in any order, and nothing notes it: so an empty slot that is older than
// the shortest lifetime there is reads as a void that nobody writes, and what is expired is looked for, not counted down.
import { Portions } from './answer-size.ts';
import type { Context } from './context.ts';
import type { ConversationHead } from './conversations.ts';
import type { Item } from './database.ts';
import { DAY_MS, hasExpired } from './expiry.ts';
import { filledAt } from './timeline.ts';

/** Slots that are looked at, at most, to say what one member has not read. */
const MAX_LOOKED_AT = 500;

/**
 * Empty slots below this seq are empty for good: numbered so long ago that what they held may have expired. `above`: the
 * next that is not empty; without one, the head knows when the last numbers were given out.
 */
export function goneBelow(ctx: Context, head: ConversationHead, above: Item | undefined): number {
  if (!head.expiring) return 0;
  const isOld = (takenAt: unknown) => ctx.now() - (takenAt as number) > DAY_MS;
  const next = above ? (above['seq'] as number) : head.seq + 1;
  // Voids, and messages that were put late, know only of themselves; then nothing below them is known to be old.
  const times = above ? [above['before'], above['beforeThat']] : head.takenAt;
  if (above && isOld(filledAt(above))) return next;
  const oldest = times.findIndex(isOld);
  return oldest === -1 ? 0 : next - oldest;
}

/**
 * May a try that is as old as this still be put into its slot, if that is empty? Where messages expire, only well before
 * readers take empty slots for expired ones (goneBelow): half a day of clocks and slow requests lie between.
 */
export function mayStillBePlaced(
  ctx: Context,
  head: Pick<ConversationHead, 'expiring'>,
  takenAt: number,
): boolean {
  return !head.expiring || ctx.now() - takenAt < DAY_MS / 2;
}

/** What is still there to be read above a seq, as far as it was looked at. */
export interface LiveSlots {
  /** The last slot that was looked at; all above it count as there. The head, if there is nothing above. */
  readonly to: number;
  /** The conversation's `counted` there. */
  readonly countedTo: number;
  readonly messages: ReadonlySet<number>;
  /** Those of them that count as unread until they are read. */
  readonly counted: ReadonlySet<number>;
}

/**
 * Looks as far as the first message that is too young to have expired: those above it are younger. At once, mostly; else
 * for about as many bytes as an answer holds, and where those have all expired, for as many from what is kept on.
 */
export async function readLiveSlots(
  ctx: Context,
  conversationId: string,
  head: ConversationHead,
  after: number,
): Promise<LiveSlots> {
  const stretch = await readUntilYoung(ctx, conversationId, head, after + 1);
  const last = stretch.items.at(-1);
  if (!last || stretch.end || !hasExpired(ctx, last)) return toLiveSlots(ctx, head, stretch);
  const keptFrom = await retainedFloor(ctx, conversationId, (last['seq'] as number) + 1, head);
  const kept = await readUntilYoung(ctx, conversationId, head, keptFrom);
  return toLiveSlots(ctx, head, { items: [...stretch.items, ...kept.items], end: kept.end });
}

interface LookedAt {
  readonly items: readonly Item[];
  /** Nothing is stored above them. */
  readonly end: boolean;
}

async function readUntilYoung(
  ctx: Context,
  conversationId: string,
  head: ConversationHead,
  from: number,
): Promise<LookedAt> {
  const items: Item[] = [];
  const portions = new Portions();
  for (let [low, limit] = [from, 1]; low <= head.seq;) {
    const range = { table: 'Messages', partition: conversationId, from: low, to: head.seq, limit } as const;
    const read = await ctx.db.query(range);
    const young = read.findIndex((item) => isYoung(ctx, item));
    if (young !== -1) return { items: [...items, ...read.slice(0, young + 1)], end: false };
    items.push(...read);
    if (read.length < limit) break;
    portions.take(read);
    if (portions.full || items.length >= MAX_LOOKED_AT) return { items, end: false };
    low = (read.at(-1)!['seq'] as number) + 1;
    limit = Math.min(portions.next, MAX_LOOKED_AT - items.length);
  }
  return { items, end: true };
}

/** Neither it nor what was numbered after it can have expired, whatever the retention is. A void does not know its age. */
function isYoung(ctx: Context, item: Item): boolean {
  return item['void'] !== true && ctx.now() - filledAt(item) < DAY_MS / 2;
}

function toLiveSlots(ctx: Context, head: ConversationHead, { items, end }: LookedAt): LiveSlots {
  const messages = items.filter((item) => item['type'] !== undefined && !hasExpired(ctx, item));
  const counted = messages.filter((item) => !item['silent'] && !item['recalled']);
  const seqsOf = (those: readonly Item[]) => new Set(those.map((item) => item['seq'] as number));
  const last = end ? undefined : items.at(-1);
  return {
    to: last ? (last['seq'] as number) : head.seq,
    countedTo: last ? (last['counted'] as number) : head.counted,
    messages: seqsOf(messages),
    counted: seqsOf(counted),
  };
}

/**
 * The lowest seq from `floorSeq` on whose message is kept; `head.seq + 1` when all have expired. Looks at single items, at
 * distances that double until one is kept, then halves: what TTL has not removed yet is not read through.
 */
export async function retainedFloor(
  ctx: Context,
  conversationId: string,
  floorSeq: number,
  head: ConversationHead,
): Promise<number> {
  if (!head.expiring || floorSeq > head.seq) return floorSeq;
  const firstFrom = async (seq: number): Promise<Item | undefined> => {
    const range = {
      table: 'Messages',
      partition: conversationId,
      from: seq,
      to: head.seq,
      limit: 1,
      // What is old enough to have expired was seen by all replicas long ago.
      read: 'eventual',
    } as const;
    return (await ctx.db.query(range))[0];
  };
  // Nothing is kept from there on to the next that is: as far as that is old, it is gone; else it is yet to be settled.
  const startOfKept = (low: number, next: Item | undefined) => Math.max(low, goneBelow(ctx, head, next));

  const first = await firstFrom(floorSeq);
  if (!first || !hasExpired(ctx, first)) return startOfKept(floorSeq, first);
  let low = (first['seq'] as number) + 1;
  let high = head.seq + 1;
  let kept: Item | undefined;
  for (let distance = 1; low < high; distance *= 2) {
    const probe = Math.min(low + distance, high - 1);
    const item = await firstFrom(probe);
    if (!item || !hasExpired(ctx, item)) {
      [high, kept] = [probe, item];
      break;
    }
    low = (item['seq'] as number) + 1;
  }
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2);
    const item = await firstFrom(middle);
    if (item && hasExpired(ctx, item)) low = (item['seq'] as number) + 1;
    else [high, kept] = [middle, item];
  }
  return startOfKept(low, kept);
}
