// Numbers that reactions were told under: none is taken for another's once more, however many there were.
import { expect, test } from 'vitest';
import { isSpent, tellingUnder } from '../../src/core/kept-reactions.ts';

const numbers = Array.from({ length: 32 }, (_, n) => 100 + 2 * n);
const toldUnder = (told: Iterable<number>) => ({
  told: new Set([...told].map((seq) => seq.toString(36))),
});

test.each([
  ['the highest', 999],
  ['one between others', 105],
])('P5.12a: when a message forgets some, told under %s, all are spent still', (_, own) => {
  const { values } = tellingUnder(
    { seq: own, counted: 1, takenAt: [] },
    { userId: 'alice', deviceId: 'phone' },
    toldUnder(numbers),
  );
  expect(values.told.size).toBe(16);
  const after = { told: values.told, pruned: 1 };
  for (const seq of [...numbers, own]) expect(isSpent(seq, after), `${seq}`).toBe(true);
  expect(isSpent(1_000, after)).toBe(false);
});
