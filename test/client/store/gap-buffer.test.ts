// The order of a conversation, whatever order its slots come in.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  findHole,
  insert,
  settleUpTo,
  type Arrival,
  type Timeline,
} from '../../../src/client/store/gap-buffer.ts';
import { range } from '../ranges.ts';

const arrival = (seq: number): Arrival => ({
  slot: { conversationId: 'd:a:b', seq, void: true },
  delivery: 'live',
});
const seqs = (arrivals: readonly Arrival[]) => arrivals.map(({ slot }) => slot.seq);

/** Slots 1 to n, each at least once, shuffled, in batches of any size; and where the timeline stands before. */
const disorder = fc
  .tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 10 }))
  .chain(([count, shownSeq]) =>
    fc.record({
      shownSeq: fc.constant(shownSeq),
      count: fc.constant(count),
      order: fc
        .array(fc.integer({ min: 1, max: count }), { maxLength: count })
        .chain((repeats) =>
          fc.shuffledSubarray([...range(count), ...repeats], { minLength: count + repeats.length }),
        ),
      cuts: fc.infiniteStream(fc.integer({ min: 1, max: 7 })),
    }),
  );

test('each slot leaves once, in order, and none is left when all have come (I2, I3)', () => {
  fc.assert(
    fc.property(disorder, ({ shownSeq, count, order, cuts }) => {
      let timeline: Timeline = { shownSeq, waiting: [] };
      const released: number[] = [];
      const came = new Set<number>();
      for (let start = 0; start < order.length;) {
        const end = start + cuts.next().value!;
        const batch = order.slice(start, end);
        start = end;
        const before = timeline;
        const step = insert(timeline, batch.map(arrival));
        timeline = step.timeline;
        released.push(...seqs(step.released));
        for (const seq of batch) came.add(seq);
        // Whatever came is shown, waits, or had been shown before.
        expect(new Set([...range(shownSeq), ...released, ...seqs(timeline.waiting)])).toEqual(
          new Set([...range(shownSeq), ...came]),
        );
        expect(seqs(timeline.waiting)).not.toContain(timeline.shownSeq! + 1);
        // What is held is what waits now and did not before.
        const waitedBefore = new Set(seqs(before.waiting));
        expect(seqs(step.held).toSorted((a, b) => a - b)).toEqual(
          seqs(timeline.waiting).filter((seq) => !waitedBefore.has(seq)),
        );
      }
      expect(released).toEqual(range(Math.max(0, count - shownSeq), shownSeq + 1));
      expect(timeline.waiting).toEqual([]);
      expect(findHole(timeline)).toBeUndefined();
    }),
  );
});

test('a hole is all between what was shown and what waits first', () => {
  fc.assert(
    fc.property(fc.nat(20), fc.uniqueArray(fc.integer({ min: 1, max: 60 })), (shownSeq, arrived) => {
      const { timeline } = insert({ shownSeq, waiting: [] }, arrived.map(arrival));
      const hole = findHole(timeline);
      const [first] = seqs(timeline.waiting);
      if (first === undefined) expect(hole).toBeUndefined();
      else expect(hole).toEqual({ from: timeline.shownSeq! + 1, to: first - 1 });
    }),
  );
});

test('settling up to a seq shows what waited below it, in order, and goes on from there', () => {
  fc.assert(
    fc.property(
      fc.nat(20),
      fc.uniqueArray(fc.integer({ min: 1, max: 40 })),
      fc.nat(45),
      (shownSeq, arrived, floor) => {
        const inserted = insert({ shownSeq, waiting: [] }, arrived.map(arrival));
        const settled = settleUpTo(inserted.timeline, floor);
        const released = [...seqs(inserted.released), ...seqs(settled.released)];
        expect(released).toEqual(released.toSorted((a, b) => a - b));
        const reached = settled.timeline.shownSeq!;
        expect(reached).toBeGreaterThanOrEqual(Math.max(shownSeq, floor));
        expect(released).toEqual(
          arrived.filter((seq) => seq > shownSeq && seq <= reached).toSorted((a, b) => a - b),
        );
        expect(seqs(settled.timeline.waiting).every((seq) => seq > reached + 1)).toBe(true);
      },
    ),
  );
});

test('where the beginning is not known, everything waits until it is', () => {
  const step = insert({ shownSeq: null, waiting: [] }, [8, 7, 10].map(arrival));
  expect(step.released).toEqual([]);
  expect(findHole(step.timeline)).toEqual({ from: null, to: 6 });
  const settled = settleUpTo(step.timeline, 6);
  expect(seqs(settled.released)).toEqual([7, 8]);
  expect(findHole(settled.timeline)).toEqual({ from: 9, to: 9 });
});
