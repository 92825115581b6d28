// What a run tells of itself.
import type { FailedRange } from './failed-range.ts';

export interface KeptMessage extends Partial<FailedRange> {
  readonly messageId: string;
  readonly reason: string;
}

export interface RedriveReport {
  /** Messages about failed ranges that are done and gone. */
  readonly redriven: number;
  /** Records that functions got and finished, also those of messages that are kept in part. */
  readonly records: number;
  /** Dead letters that are back in the queue that gave them up. */
  readonly moved: number;
  readonly kept: readonly KeptMessage[];
}

export function total(reports: readonly RedriveReport[]): RedriveReport {
  const sum = (field: 'redriven' | 'records' | 'moved') =>
    reports.reduce((count, report) => count + report[field], 0);
  return {
    redriven: sum('redriven'),
    records: sum('records'),
    moved: sum('moved'),
    kept: reports.flatMap(({ kept }) => kept),
  };
}
