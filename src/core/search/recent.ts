// The newest messages of all conversations, in the order in which they came: the last entries of the caller's mailbox, as
// they were when the search began. They are read with each request, so that what stands in them is known exactly: entries
// may repeat, and messages be in none.
import { isGroupId } from '../../protocol/ids.ts';
import type { Context } from '../context.ts';
import type { Item } from '../database.ts';
import { decodeEntry, type MessagePointer } from '../entries.ts';
import { readEntries, type Mailbox } from '../mailbox.ts';
import { readMemberships, type Membership } from '../members.ts';
import { keyOf } from '../timeline.ts';
import { UNIT_BYTES } from './bounds.ts';
import type { Position, Window } from './cursor.ts';
import type { Looking } from './looking.ts';
import { readPointed } from './pointed.ts';

/** Of the mailbox: about five read units. */
export const WINDOW_ENTRIES = 512;
/** So few that also the largest messages, or a group of its own for each, are hardly more than a request may read. */
const PORTION = 32;

type Pointer = MessagePointer & { readonly syncSeq: number };

export interface Recent {
  readonly window: Window;
  /** Each message once, the last that came first. */
  readonly pointers: readonly Pointer[];
  /** Of each conversation in them, the most recent first. */
  readonly covered: ReadonlyMap<string, ReadonlySet<number>>;
}

/** What the mailbox keeps of a window; of a new one, at least what stands in its head. `undefined`: it is not kept whole. */
export async function readRecent(
  ctx: Context,
  looking: Looking,
  mailbox: Mailbox,
  window: Window | undefined,
): Promise<Recent | undefined> {
  if (window) return readWindow(ctx, looking, mailbox, window);
  const head = mailbox.seq;
  const since = ctx.now();
  const whole = { head, end: Math.max(0, head - WINDOW_ENTRIES), since };
  const kept = { head, end: mailbox.base, since };
  return (await readWindow(ctx, looking, mailbox, whole)) ?? (await readWindow(ctx, looking, mailbox, kept));
}

async function readWindow(
  ctx: Context,
  looking: Looking,
  mailbox: Mailbox,
  window: Window,
): Promise<Recent | undefined> {
  const { head, end, since } = window;
  if (head > mailbox.seq || head - end > WINDOW_ENTRIES) return undefined;
  const range = await readEntries(ctx, mailbox, end, head - end);
  if (range.reset) return undefined;
  looking.bounds.charge(2 * range.entries.reduce((sum, entry) => sum + entry.length, 0));
  const pointers: Pointer[] = [];
  const covered = new Map<string, Set<number>>();
  for (let index = range.entries.length - 1; index >= 0; index -= 1) {
    const entry = decodeEntry(range.entries[index]!, mailbox.userId);
    if (entry.kind !== 'message') continue;
    const { conversationId, seq } = entry;
    const seqs = covered.get(conversationId) ?? new Set();
    covered.set(conversationId, seqs);
    if (seqs.has(seq)) continue;
    seqs.add(seq);
    if (!entry.isControl) pointers.push({ ...entry, syncSeq: end + index + 1 });
  }
  return { window: { head, end, since }, pointers, covered };
}

/** Where it stopped; with `upTo: 0`, everything in it was looked at. */
export async function lookAtRecent(
  ctx: Context,
  looking: Looking,
  { userId }: Mailbox,
  { window, pointers }: Recent,
  upTo: number,
): Promise<Position> {
  const positionAt = (left: number): Position => ({ part: 'recent', ...window, upTo: left });
  const memberships = new Map<string, Membership | undefined>();
  let rest = pointers.filter(({ syncSeq }) => syncSeq <= upTo);
  while (rest.length > 0) {
    if (looking.isOver) return positionAt(rest[0]!.syncSeq);
    const portion = rest.slice(0, Math.min(looking.bounds.next, PORTION));
    rest = rest.slice(portion.length);
    await learnMemberships(ctx, looking, { userId, portion, memberships });
    const visible = portion.filter(
      ({ conversationId, seq }) => seq >= (memberships.get(conversationId)?.member.floorSeq ?? Infinity),
    );
    const items = await readPointed(ctx, looking.bounds, visible);
    for (const pointer of visible) {
      const item: Item | undefined = items.get(keyOf(pointer));
      const next = positionAt(pointer.syncSeq - 1);
      if (item && !looking.look(item, next)) return next;
    }
  }
  return positionAt(0);
}

async function learnMemberships(
  ctx: Context,
  looking: Looking,
  {
    userId,
    portion,
    memberships,
  }: { userId: string; portion: readonly Pointer[]; memberships: Map<string, Membership | undefined> },
): Promise<void> {
  const ids = [...new Set(portion.map(({ conversationId }) => conversationId))];
  const unknown = ids.filter((id) => !memberships.has(id));
  const found = await readMemberships(ctx, unknown, userId);
  for (const id of unknown) memberships.set(id, found.get(id));
  chargeMemberships(looking, unknown);
}

/** One consistent read of an item each; of a group, of two. */
export function chargeMemberships(looking: Looking, conversationIds: readonly string[]): void {
  const items = conversationIds.reduce((sum, id) => sum + (isGroupId(id) ? 2 : 1), 0);
  looking.bounds.charge(items * UNIT_BYTES);
}
