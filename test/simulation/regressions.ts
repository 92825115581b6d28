// Seeds that failed once, with what they found. They are run for ever.

export interface Regression {
  readonly seed: number;
  readonly found: string;
}

export const regressions: readonly Regression[] = [];
