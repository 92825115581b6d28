import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { makeSecret } from '../../../local/secrets/generate.ts';

const alphabets = ['abc', 'ABC', '012'];
/** Draws that an adversary makes. */
const drawFrom = (numbers: readonly number[]) => {
  let next = 0;
  return (below: number) => numbers[next++ % numbers.length]! % below;
};
const draws = fc.array(fc.nat(), { minLength: 1 }).map(drawFrom);

it('is as long as asked, of the given characters, each kind at least once', () => {
  fc.assert(
    fc.property(fc.integer({ min: 3, max: 40 }), draws, (length, draw) => {
      const password = { length, alphabets, requireEachAlphabet: true };
      const value = makeSecret({ kind: 'generated', password }, draw);
      expect(value).toMatch(new RegExp(`^[a-cA-C0-2]{${length}}$`));
      for (const kind of [/[a-c]/, /[A-C]/, /[0-2]/]) expect(value).toMatch(kind);
    }),
  );
});

it('is any mixture where no kind is required', () => {
  const password = { length: 5, alphabets, requireEachAlphabet: false };
  expect(makeSecret({ kind: 'generated', password }, () => 0)).toBe('aaaaa');
});

it('stands in the template that it belongs to', () => {
  const password = { length: 2, alphabets: ['x'], requireEachAlphabet: true };
  const placedIn = { content: { user: 'im', port: 1 }, key: 'password' };
  const value = makeSecret({ kind: 'generated', password, placedIn }, () => 0);
  expect(JSON.parse(value)).toEqual({ user: 'im', port: 1, password: 'xx' });
});

it('is what the template gives', () => {
  expect(makeSecret({ kind: 'given', value: 'hush' }, () => 0)).toBe('hush');
});
