// The position in the mailbox, whatever happens to pushes on the way.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { advance, type MailboxExtent } from '../../../src/client/sync/extents.ts';
import { range } from '../ranges.ts';

const COUNT = 30;

interface Pushed {
  readonly from: number;
  readonly to: number;
  readonly withEvents: boolean;
}

/** Any extents of a mailbox of 30: overlapping, repeated, out of order, some missing, some without their events. */
const pushes = fc.array(
  fc
    .record({
      from: fc.integer({ min: 1, max: COUNT }),
      length: fc.integer({ min: 1, max: 6 }),
      withEvents: fc.boolean(),
    })
    .map(({ from, length, withEvents }): Pushed => ({
      from,
      to: Math.min(COUNT, from + length - 1),
      withEvents,
    })),
  { maxLength: 25 },
);
/** Entries that this device made itself: pushes pass over them. */
const ownEntries = fc.uniqueArray(fc.integer({ min: 1, max: COUNT }));

const toExtent = (own: ReadonlySet<number>, { from, to, withEvents }: Pushed): MailboxExtent => {
  const events = range(to - from + 1, from).filter((syncSeq) => !own.has(syncSeq));
  return { from, to, ...(withEvents && { events: events.map((syncSeq) => ({ syncSeq })) }) };
};

test('the position passes over nothing that did not come, and everything passes once (I1, I2, I5)', () => {
  fc.assert(
    fc.property(
      fc.nat(COUNT),
      pushes,
      ownEntries,
      fc.integer({ min: 1, max: 8 }),
      (start, list, ownList, batchSize) => {
        const own = new Set(ownList);
        const covered = new Set<number>();
        const taken: number[] = [];
        let position = start;
        let buffer: MailboxExtent[] = [];
        for (let index = 0; index < list.length; index += batchSize) {
          const batch = list.slice(index, index + batchSize);
          for (const { from, to, withEvents } of batch) {
            if (withEvents) for (const syncSeq of range(to - from + 1, from)) covered.add(syncSeq);
          }
          const step = advance(position, [...buffer, ...batch.map((pushed) => toExtent(own, pushed))]);
          expect(step.position).toBeGreaterThanOrEqual(position);
          taken.push(...step.events.map(({ syncSeq }) => syncSeq));
          ({ position } = step);
          buffer = [...step.rest];
          for (const { to } of buffer) expect(to).toBeGreaterThan(position);
        }
        const passed = range(position - start, start + 1);
        expect(passed.filter((syncSeq) => !covered.has(syncSeq))).toEqual([]);
        expect(taken).toEqual(passed.filter((syncSeq) => !own.has(syncSeq)));
        // Nothing that joins up is left behind.
        const next = list.some(
          ({ from, to, withEvents }) => withEvents && from <= position + 1 && to > position,
        );
        expect(next).toBe(false);
      },
    ),
  );
});

test('a push without events has to be pulled, and is forgotten when it was', () => {
  const step = advance(4, [
    { from: 5, to: 7 },
    { from: 8, to: 8, events: [{ syncSeq: 8 }] },
  ]);
  expect(step).toMatchObject({ position: 4, events: [], rest: [{ from: 5 }, { from: 8 }] });
  expect(advance(7, step.rest)).toEqual({ position: 8, events: [{ syncSeq: 8 }], rest: [] });
});
