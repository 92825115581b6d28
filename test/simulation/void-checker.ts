// P5.21: a number that holds nothing has a cause: somebody was slow over it, was never heard of again, or was refused.
import { directConversationId } from '../../src/protocol/ids.ts';
import { isVoid } from '../../src/protocol/slots.ts';
import type { RunHistory } from './history.ts';
import { groupBy, type Wish } from './people/wishes.ts';
import type { Violation } from './violations.ts';

/** Numbers that one frame may take in vain, of which nobody knows how long it was worked on. */
const MOST = 4;

export function checkVoids({ truths, wishes, settleMs }: RunHistory): Violation[] {
  if (settleMs === undefined) return [];
  const about = groupBy(wishes, conversationOf);
  return [...groupBy(truths, ({ conversationId }) => conversationId)].flatMap(([id, views]): Violation[] => {
    const [whole] = views.toSorted((left, right) => left.floorSeq - right.floorSeq);
    const voids = whole!.slots.filter(isVoid).length;
    const most = (about.get(id) ?? []).reduce((sum, wish) => sum + inVain(wish, settleMs), 0);
    if (voids <= most) return [];
    return [{ invariant: 'P5.21', what: `${id} has ${voids} voids, and cause for ${most} at most` }];
  });
}

/** What a frame is about; of a block, nothing. */
function conversationOf({ by, frame: { conversationId, to } }: Wish): string {
  const name = String(conversationId ?? to);
  return name.startsWith('user:') ? directConversationId(by, name.slice('user:'.length)) : name;
}

/** A reader makes a void of what is not there in time; clocks differ a little. */
function inVain({ askedAt, answeredAt, code }: Wish, settleMs: number): number {
  if (answeredAt === undefined) return MOST;
  return Math.floor((2 * (answeredAt - askedAt)) / settleMs) + (code === undefined ? 0 : 1);
}
