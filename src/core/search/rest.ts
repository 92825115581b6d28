// What no recent mailbox entry names: older messages, and those of large groups. One conversation after the other, those
// that were busy last first, then the others by id.
import type { Context } from '../context.ts';
import { readMemberships } from '../members.ts';
import { conversationIdOf, viewItemsAfter } from '../tables.ts';
import type { Position } from './cursor.ts';
import type { Looking } from './looking.ts';
import { chargeMemberships, type Recent } from './recent.ts';
import { lookDown } from './timeline.ts';

/** Read at a time; what is not needed was read in vain, and is little. */
const PORTION = 16;

/** Where it stopped; `undefined`: nothing is left. */
export async function lookAtRest(
  ctx: Context,
  looking: Looking,
  viewer: string,
  { window, covered }: Recent,
  from: { readonly conversationId: string; readonly below: number },
): Promise<Position | undefined> {
  const recent = [...covered.keys()];
  let { conversationId: last, below } = from;
  for (;;) {
    const isBegun = below > 0 && last !== '';
    const ids = isBegun ? [last] : await following(ctx, viewer, recent, last);
    if (ids.length === 0) return undefined;
    const memberships = await readMemberships(ctx, ids, viewer);
    chargeMemberships(looking, ids);
    for (const conversationId of ids) {
      const positionAt = (left: number): Position => ({
        part: 'rest',
        ...window,
        conversationId,
        below: left,
      });
      const membership = memberships.get(conversationId);
      const left =
        membership &&
        (await lookDown(ctx, looking, {
          conversationId,
          membership,
          below: isBegun ? below : Infinity,
          covered: covered.get(conversationId) ?? new Set(),
          since: window.since,
          positionAt,
        }));
      if (left) return positionAt(left);
      [last, below] = [conversationId, 0];
    }
    if (looking.isOver) return { part: 'rest', ...window, conversationId: last, below: 0 };
  }
}

/** The next conversations after that one, in the order of the search. */
async function following(
  ctx: Context,
  viewer: string,
  recent: readonly string[],
  after: string,
): Promise<string[]> {
  const index = after === '' ? -1 : recent.indexOf(after);
  if (after === '' || index >= 0) {
    const next = recent.slice(index + 1, index + 1 + PORTION);
    if (next.length > 0) return next;
  }
  const known = new Set(recent);
  for (let last = index >= 0 ? '' : after; ;) {
    const items = await ctx.db.query({
      table: 'Users',
      partition: viewer,
      ...viewItemsAfter(last),
      limit: PORTION,
      read: 'eventual',
    });
    const ids = items.map((item) => conversationIdOf(item['item'] as string));
    const next = ids.filter((id) => !known.has(id));
    if (next.length > 0 || ids.length < PORTION) return next;
    last = ids.at(-1)!;
  }
}
