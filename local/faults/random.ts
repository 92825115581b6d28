// Seeded randomness: what the local cloud draws is drawn from here, so that a run can be repeated.
import { createHash } from 'node:crypto';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';

export interface Random {
  /** A number in [0, 1). */
  next(): number;
  /** A number in [from, to). */
  between(from: number, to: number): number;
  /** A whole number from `from` to `to`, both included. */
  integer(from: number, to: number): number;
}

/** The same seed and name give the same draws; another name gives an independent sequence. */
export function createRandom(seed: number, name = ''): Random {
  const digest = digestOf(`${seed}/${name}`);
  const generator = xoroshiro128plusFromState([0, 4, 8, 12].map((offset) => digest.readInt32BE(offset)));
  const next = () => uniformFloat64(generator);
  return {
    next,
    between: (from, to) => from + next() * (to - from),
    integer: (from, to) => uniformInt(generator, from, to),
  };
}

/** A whole number below 2³² that spreads evenly, for dealing things out. */
export function hash(text: string): number {
  return digestOf(text).readUInt32BE();
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
