// The order of one conversation (pure): slots leave in seq order, each once; what comes too early waits for the hole
// before it to be filled. A void fills a hole and is nothing to show.
import type { Message, Slot } from '../../protocol/messages.ts';

/** How a message reached this device: pushed as it happened (or sent from here), or pulled afterwards. */
export type Delivery = 'live' | 'catch-up';

export interface Arrival {
  readonly slot: Slot;
  readonly delivery: Delivery;
  /** What it tells of, as that was when it came: it may wait for that very message. */
  readonly target?: Message;
}

export interface Timeline {
  /** All up to and including this seq has been shown; `null`: it is not known yet where this device begins. */
  readonly shownSeq: number | null;
  /** In seq order, all above `shownSeq`, never beginning right after it. */
  readonly waiting: readonly Arrival[];
}

/** Seqs that are missing, ends included; `from: null` = it is not known how far down. */
export interface Hole {
  readonly from: number | null;
  readonly to: number;
}

export interface Step {
  readonly timeline: Timeline;
  /** To show now, in order. */
  readonly released: readonly Arrival[];
  /** Newly waiting. */
  readonly held: readonly Arrival[];
}

export function insert(timeline: Timeline, arrivals: readonly Arrival[]): Step {
  const known = new Set(timeline.waiting.map(({ slot }) => slot.seq));
  const fresh = arrivals.filter(({ slot: { seq } }) => {
    if (seq <= (timeline.shownSeq ?? 0) || known.has(seq)) return false;
    known.add(seq);
    return true;
  });
  const waiting = [...timeline.waiting, ...fresh].toSorted((a, b) => a.slot.seq - b.slot.seq);
  const step = release({ shownSeq: timeline.shownSeq, waiting });
  const released = new Set(step.released);
  return { ...step, held: fresh.filter((arrival) => !released.has(arrival)) };
}

/** Nothing at or below `seq` will come any more (a floor, or where this device begins): shows what waited for it. */
export function settleUpTo(timeline: Timeline, seq: number): Step {
  const shownSeq = Math.max(timeline.shownSeq ?? 0, seq);
  const passed = timeline.waiting.filter(({ slot }) => slot.seq <= shownSeq);
  const step = release({ shownSeq, waiting: timeline.waiting.slice(passed.length) });
  return { ...step, released: [...passed, ...step.released], held: [] };
}

/** The lowest hole: what to wait for, and then to ask for. */
export function findHole({ shownSeq, waiting }: Timeline): Hole | undefined {
  const first = waiting[0];
  if (!first) return undefined;
  return { from: shownSeq === null ? null : shownSeq + 1, to: first.slot.seq - 1 };
}

function release(timeline: Timeline): Omit<Step, 'held'> {
  const { waiting } = timeline;
  // Wherever it begins, nothing is before 1.
  const shownSeq = timeline.shownSeq ?? (waiting[0]?.slot.seq === 1 ? 0 : null);
  if (shownSeq === null) return { timeline, released: [] };
  let count = 0;
  while (waiting[count]?.slot.seq === shownSeq + count + 1) count++;
  return {
    timeline: { shownSeq: shownSeq + count, waiting: waiting.slice(count) },
    released: waiting.slice(0, count),
  };
}
