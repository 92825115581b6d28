// What notifiers tell, and the secret that a webhook's receiver checks their signatures with.
import type { BusEvent } from '../event-bus/event-bus.ts';
import type { NotificationJournal } from '../notifications/journal.ts';
import { parseReports } from '../notifications/report.ts';
import { readBody } from '../service-http.ts';
import { ok, refusal, type Endpoint } from './answers.ts';

export interface NotificationEndpointsOptions {
  readonly journal: Pick<NotificationJournal, 'add' | 'all'>;
  /** `undefined`: no function is told of one. */
  readonly webhookSecret: () => string | undefined;
  readonly beforeSendSecret?: () => string | undefined;
  readonly afterSendSecret?: () => string | undefined;
  /** Of all event buses, oldest first. */
  readonly events?: () => readonly BusEvent[];
}

/** A thousand reports with the longest of titles and previews. */
const maximumReportsBytes = 8 * 1024 * 1024;

export function notificationEndpoints(options: NotificationEndpointsOptions): Record<string, Endpoint> {
  const { journal, webhookSecret, beforeSendSecret, afterSendSecret, events } = options;
  return {
    'GET /dev/notifications': ({ searchParams }) => {
      const user = searchParams.get('user');
      return ok(journal.all().filter(({ userId }) => user === null || userId === user));
    },
    'POST /dev/notifications': async (_url, request) => {
      const body = await readBody(request, maximumReportsBytes);
      if (body === undefined) return refusal(400, `Reports have at most ${maximumReportsBytes} bytes`);
      try {
        const reports = parseReports(body);
        journal.add(reports);
        return ok({ taken: reports.length });
      } catch (error) {
        if (error instanceof RangeError) return refusal(400, error.message);
        throw error;
      }
    },
    'GET /dev/events': () => ok(events?.() ?? []),
    'GET /dev/push': () => {
      const made = {
        webhookSecret: webhookSecret(),
        beforeSendSecret: beforeSendSecret?.(),
        afterSendSecret: afterSendSecret?.(),
      };
      if (Object.values(made).some((secret) => secret !== undefined)) return ok(made);
      return refusal(404, 'No webhook is configured: start with npm start -- -c pushWebhookUrl=http://…');
    },
  };
}
