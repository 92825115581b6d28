// The order of the mailbox (pure): the position moves only over extents that join up with it.
import type { TakenEvent } from '../frames.ts';

/** A push: all of the mailbox from `from` to `to`, ends included. `events: undefined`: they have to be pulled. */
export interface MailboxExtent {
  readonly from: number;
  readonly to: number;
  readonly events?: readonly TakenEvent[] | undefined;
}

export interface Advance {
  readonly position: number;
  /** New ones, in syncSeq order. */
  readonly events: readonly TakenEvent[];
  /** Extents that lie beyond a gap: pull, then look at them again. */
  readonly rest: readonly MailboxExtent[];
}

/** Moves over what joins up, whatever order it came in; drops what was taken before. */
export function advance(position: number, extents: readonly MailboxExtent[]): Advance {
  const events: TakenEvent[] = [];
  const rest: MailboxExtent[] = [];
  let reached = position;
  for (const extent of extents.toSorted((a, b) => a.from - b.from)) {
    if (extent.to <= reached) continue;
    if (extent.from > reached + 1 || !extent.events) {
      rest.push(extent);
      continue;
    }
    const taken = reached;
    events.push(...extent.events.filter(({ syncSeq }) => syncSeq > taken && syncSeq <= extent.to));
    reached = extent.to;
  }
  return { position: reached, events, rest: rest.filter(({ to }) => to > reached) };
}
