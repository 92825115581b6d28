// What a mailbox points at stays there when its user has left the group. What was made of it since is no more theirs to know
// than what was written since (I8): an edit hides the message, reactions are left out.
import { isGroupId } from '../protocol/ids.ts';
import type { Slot } from '../protocol/messages.ts';
import type { Context } from './context.ts';
import type { Item } from './database.ts';
import { highestTold } from './kept-reactions.ts';
import { toGroupHead } from './groups/group.ts';
import { headKey, memberKey, reactionAttributes } from './tables.ts';
import { emptySlot, readSlotItems, toSlot, type SlotKey } from './timeline.ts';

/** Slots of a user's own mailbox by key, as that user may see them now; those that are not there are missing. */
export async function readPointedSlots(
  ctx: Context,
  userId: string,
  keys: readonly SlotKey[],
): Promise<Slot[]> {
  const items = await readSlotItems(ctx, keys);
  const changed = items.filter((item) => lastChange(item) > 0 && isGroupId(groupOf(item)));
  // In the common case nothing was changed, and nothing is read for it.
  const ends = changed.length > 0 ? await readEnds(ctx, userId, changed) : new Map<string, Ends>();
  return items.map((item) => showUpTo(item, userId, ends.get(groupOf(item))));
}

const groupOf = (item: Item) => item['conversationId'] as string;

const editSeq = (item: Item) => (item['edited'] === undefined ? 0 : (item['control'] as number));
/** The number under which the newest change was told; 0: none, or it was recalled, which everybody may know. */
const lastChange = (item: Item) => (item['recalled'] ? 0 : Math.max(editSeq(item), highestTold(item)));

/** What the user sees of changes to messages below `from`: those that were told below `leftSeq`. */
interface Ends {
  readonly from: number;
  readonly leftSeq: number;
}

async function readEnds(
  ctx: Context,
  userId: string,
  changed: readonly Item[],
): Promise<ReadonlyMap<string, Ends>> {
  const groups = [...new Set(changed.map(groupOf))];
  const members = await ctx.db.batchGet(
    'Conversations',
    groups.map((id) => memberKey(id, userId)),
  );
  const memberIn = new Map(members.map((item) => [groupOf(item), item]));
  const joinedSeq = (id: string) => memberIn.get(id)?.['joinedSeq'] as number;
  const isIn = (id: string) => memberIn.get(id)?.['role'] !== undefined;
  // Who is in again sees what was before if it is the group's policy.
  const again = groups.filter(
    (id) =>
      isIn(id) && changed.some((item) => groupOf(item) === id && (item['seq'] as number) < joinedSeq(id)),
  );
  const heads = again.length > 0 ? await ctx.db.batchGet('Conversations', again.map(headKey)) : [];
  const showsAll = new Set(
    heads.filter((head) => toGroupHead(head).policy.history === 'all').map((head) => groupOf(head)),
  );
  return new Map(
    groups.flatMap((id): [string, Ends][] => {
      if (!isIn(id)) {
        // An item that is gone is of one who left long ago.
        return [
          [id, { from: Infinity, leftSeq: (memberIn.get(id)?.['leftSeq'] as number | undefined) ?? 0 }],
        ];
      }
      return again.includes(id) && !showsAll.has(id) ? [[id, { from: joinedSeq(id), leftSeq: 0 }]] : [];
    }),
  );
}

function showUpTo(item: Item, userId: string, ends: Ends | undefined): Slot {
  const change = lastChange(item);
  if (!ends || change === 0 || change < ends.leftSeq || (item['seq'] as number) >= ends.from) {
    return toSlot(item, userId);
  }
  if (editSeq(item) > ends.leftSeq) return emptySlot(item as unknown as SlotKey);
  const hidden = new Set(reactionAttributes(item));
  return toSlot(Object.fromEntries(Object.entries(item).filter(([name]) => !hidden.has(name))), userId);
}
