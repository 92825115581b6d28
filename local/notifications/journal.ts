// The newest of what notifiers told: on a laptop no push service tells anybody.
import { maximumReports, type NotificationReport } from './report.ts';

export class NotificationJournal {
  /** By what they say, oldest first. */
  private readonly reports = new Map<string, NotificationReport>();

  /** One that says the same as an earlier one was told twice: it takes the place of that. */
  add(reports: readonly NotificationReport[]): void {
    for (const report of reports) {
      const { at: _at, ...content } = report;
      const key = JSON.stringify(content);
      this.reports.delete(key);
      this.reports.set(key, report);
    }
    const surplus = Math.max(0, this.reports.size - maximumReports);
    for (const key of [...this.reports.keys()].slice(0, surplus)) this.reports.delete(key);
  }

  /** Newest first. */
  all(): readonly NotificationReport[] {
    return [...this.reports.values()].toReversed();
  }
}
