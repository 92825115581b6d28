// What takes notes from the notifier's queue, and what is told of the outcome.
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import type { Log } from '../core/context.ts';
import type { Note } from '../core/notifications/note.ts';
import type { NotificationReport } from '../core/notifications/notification.ts';
import { notify, type NotifierContext } from '../core/notifications/notify.ts';
import { optional } from './environment.ts';
import { describeError } from './log.ts';
import { emit } from './metrics.ts';

const JOURNAL_TIMEOUT_MS = 2_000;

/** Each by itself; those that failed are tried again. */
export function noteQueue(ctx: NotifierContext): (event: SQSEvent) => Promise<SQSBatchResponse> {
  return async ({ Records: records }) => {
    const outcomes = await Promise.all(
      records.map(async ({ messageId, body }) => {
        try {
          await notify(ctx, JSON.parse(body) as Note);
          return [];
        } catch (error) {
          ctx.log.error('note failed', { messageId, ...describeError(error) });
          return [{ itemIdentifier: messageId }];
        }
      }),
    );
    return { batchItemFailures: outcomes.flat() };
  };
}

/**
 * To the log: who, which conversation and what became of it, never what was said. On a laptop also to the journal that
 * testers read, where the local cloud names one.
 */
export function createReport(log: Log, now: () => number): NotifierContext['report'] {
  const journal = optional('NOTIFICATION_JOURNAL_URL');
  return async (reports) => {
    for (const { preview: _, title: __, from: ___, at: ____, ...said } of reports)
      log.info('notification', said);
    const count = (outcome: NotificationReport['outcome']) =>
      reports.filter((report) => report.outcome === outcome).length;
    emit(now(), { NotificationsSent: count('sent'), NotificationsFailed: count('failed') });
    if (journal && reports.length > 0) await write(journal, reports, log);
  };
}

async function write(url: string, reports: readonly NotificationReport[], log: Log): Promise<void> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(reports),
      signal: AbortSignal.timeout(JOURNAL_TIMEOUT_MS),
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`The journal answered ${response.status}`);
  } catch (error) {
    log.warn('journal not written', describeError(error));
  }
}
