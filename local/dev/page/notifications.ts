// What became of notifications, newest first.
import type { NotificationReport } from '../../notifications/report.ts';
import { badge, renderRows, typedById, type Cell, type Row } from './dom.ts';
import { formatClock, formatCount } from './format.ts';

const colours = { sent: 'good', dropped: 'plain', failed: 'bad' } as const;

export function renderNotifications(reports: readonly NotificationReport[]): void {
  renderRows(typedById('notifications', HTMLTableElement), reports.map(rowOf));
}

/** A report never changes: what it says is its key, and of what was told twice there is one. */
function rowOf(report: NotificationReport): Row {
  const { userId, deviceId, conversationId, seq, title, preview, outcome, reason, at } = report;
  return {
    key: JSON.stringify(report),
    cells: [
      { text: formatClock(at), title: new Date(at).toLocaleString() },
      badge(outcome, colours[outcome]),
      `${userId} / ${deviceId}`,
      { text: conversationId, title: `seq ${seq}` },
      { text: title ?? '–', className: 'prose' },
      { text: preview ?? '–', className: 'prose' },
      unread(report),
      reason ?? '',
    ],
  };
}

function unread({ count, badge: all }: NotificationReport): Cell {
  const counts = [count, ...(all === undefined ? [] : [all])];
  return { text: counts.map(formatCount).join(' / ') };
}
