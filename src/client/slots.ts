// The slots of a page of history. They are consecutive: one that says nothing of itself has its place all the same.
import type { Slot } from '../protocol/messages.ts';
import type { Request, RequestFields } from './connection/connection.ts';
import type { AnswerTo, LostSlot } from './frames.ts';

type Page = Omit<AnswerTo<'history'>, 'messages'>;

/** Rejects with ImError. What cannot be read is a void in the place of a message, and holds up nothing. */
export async function askHistory(
  request: Request,
  fields: RequestFields<'history'>,
): Promise<Page & { readonly slots: readonly Slot[] }> {
  const { messages, ...page } = await request('history', fields);
  return { ...page, slots: placeSlots(messages, fields, page) };
}

export function placeSlots(
  found: readonly (Slot | undefined)[],
  fields: RequestFields<'history'>,
  page: Page,
): Slot[] {
  const firstSeq = firstSeqOf(found, fields, page);
  const taken = new Set(found.map((slot) => slot?.seq));
  return found.flatMap((slot, index): Slot | LostSlot[] => {
    const seq = firstSeq + index;
    if (slot) return slot;
    // Not as consecutive as it should be: better asked for again than in the place of another.
    if (taken.has(seq) || !(seq >= page.floorSeq)) return [];
    return [{ conversationId: fields.conversationId, seq, void: true, lost: 'unreadable' }];
  });
}

/** NaN: nothing tells. */
function firstSeqOf(
  found: readonly (Slot | undefined)[],
  { before = Infinity, after, around }: RequestFields<'history'>,
  { floorSeq, headSeq, pending }: Page,
): number {
  const index = found.findIndex(Boolean);
  const placed = found[index];
  if (placed) return placed.seq - index;
  if (after !== undefined) return Math.max(after + 1, floorSeq);
  // The newest slots are not settled: where this page ends is not known.
  if (pending || around !== undefined) return NaN;
  return Math.min(before - 1, headSeq) - found.length + 1;
}
