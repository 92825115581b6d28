// Ranges of sort keys.
import { compareSortKeys, type SortKey } from './table.ts';

export interface Bounds {
  /** No sort key before this one is in the range. */
  readonly from: SortKey | undefined;
  /** Negative before the range, zero in it, positive behind it. */
  readonly compare: (sort: SortKey) => number;
}

export const boundsOf = {
  equal: (sort: SortKey): Bounds => ({ from: sort, compare: (other) => compareSortKeys(other, sort) }),
  less: (sort: SortKey): Bounds => ({
    from: undefined,
    compare: (other) => (compareSortKeys(other, sort) < 0 ? 0 : 1),
  }),
  atMost: (sort: SortKey): Bounds => ({
    from: undefined,
    compare: (other) => (compareSortKeys(other, sort) <= 0 ? 0 : 1),
  }),
  greater: (sort: SortKey): Bounds => ({
    from: sort,
    compare: (other) => (compareSortKeys(other, sort) > 0 ? 0 : -1),
  }),
  atLeast: (sort: SortKey): Bounds => ({
    from: sort,
    compare: (other) => (compareSortKeys(other, sort) >= 0 ? 0 : -1),
  }),
  between: (low: SortKey, high: SortKey): Bounds => ({
    from: low,
    compare: (other) => (compareSortKeys(other, low) < 0 ? -1 : compareSortKeys(other, high) > 0 ? 1 : 0),
  }),
  beginning: (prefix: string): Bounds => ({
    from: prefix,
    compare: (other) => {
      if (String(other).startsWith(prefix)) return 0;
      return compareSortKeys(other, prefix) < 0 ? -1 : 1;
    },
  }),
  all: { from: undefined, compare: () => 0 } satisfies Bounds,
};
