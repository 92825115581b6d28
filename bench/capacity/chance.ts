// The planner's chance: sizes of groups, and how hot the hottest of millions of keys is. Whoever calls hands the draws in.
import type { Random } from '../../local/faults/random.ts';
import type { Inputs } from './inputs.ts';

const SIZES = 20_000;

/** Sizes of the groups that messages go to, by Zipf's law cut at both ends. */
export function drawGroupSizes(
  { groupExponent, smallestGroup, largestGroup }: Inputs,
  random: Random,
): readonly number[] {
  const cumulative: number[] = [];
  let total = 0;
  for (let size = smallestGroup; size <= largestGroup; size++) {
    total += size ** -groupExponent;
    cumulative.push(total);
  }
  return Array.from({ length: SIZES }, () => smallestGroup + firstAbove(cumulative, random.next() * total));
}

function firstAbove(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * How many times as much as the mean the busiest of `count` has: the largest of so many draws of the Pareto distribution that
 * Zipf's law by rank comes from, taken at once by its own distribution (the count-th root of an even draw).
 */
export function drawBusiest(count: number, activityExponent: number, random: Random): number {
  // That of an even draw u is 1 - u^(1/count): by expm1, since the root is 1 but for the last digits.
  const tail = -Math.expm1(Math.log(1 - random.next()) / Math.max(1, count));
  return (1 - activityExponent) * tail ** -activityExponent;
}

/** Arrivals of a second that is no quieter than usual, where so many are usual: Poisson's law by the normal one. */
export function busySecond(perSecond: number, random: Random): number {
  const [u, v] = [1 - random.next(), random.next()];
  const deviation = Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * v);
  return perSecond + Math.max(0, deviation) * Math.sqrt(perSecond);
}

export function quantileOf(values: readonly number[], quantile: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(quantile * sorted.length))] ?? 0;
}
