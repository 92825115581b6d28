import { describe, expect, it } from 'vitest';
import { NotificationJournal } from '../../../local/notifications/journal.ts';
import { parseReports, type NotificationReport } from '../../../local/notifications/report.ts';

const report = (change: Partial<NotificationReport> = {}): NotificationReport => ({
  notificationId: 'n1',
  userId: 'bob',
  deviceId: 'phone',
  conversationId: 'd:alice:bob',
  seq: 7,
  from: 'alice',
  title: 'Alice',
  preview: 'hi',
  count: 2,
  outcome: 'sent',
  at: 1,
  ...change,
});

describe('the journal', () => {
  it('holds what was told twice once, as it was told last', () => {
    const journal = new NotificationJournal();
    journal.add([report({ at: 1 }), report({ notificationId: 'n2' })]);
    journal.add([report({ at: 3 })]);
    expect(journal.all()).toEqual([report({ at: 3 }), report({ notificationId: 'n2' })]);
  });

  it('holds another outcome and another content of the same notification each in its own row', () => {
    const journal = new NotificationJournal();
    const rows = [report(), report({ outcome: 'failed', reason: 'HTTP 500' }), report({ count: 3 })];
    journal.add(rows);
    expect(journal.all()).toEqual(rows.toReversed());
  });

  it('holds the newest thousand', () => {
    const journal = new NotificationJournal();
    journal.add(Array.from({ length: 900 }, (_, seq) => report({ seq })));
    journal.add(Array.from({ length: 200 }, (_, seq) => report({ seq: 900 + seq })));
    const seqs = journal.all().map(({ seq }) => seq);
    expect([seqs.length, seqs[0], seqs.at(-1)]).toEqual([1000, 1099, 100]);
  });
});

describe('reports', () => {
  it('have the fields of the journal, in its order, and no others', () => {
    const { at, ...rest } = report({ badge: 4, reason: 'muted' });
    const [parsed] = parseReports(JSON.stringify([{ at, pushToken: 'secret', ...rest }]));
    const fields = 'notificationId userId deviceId conversationId seq from title preview';
    expect(Object.keys(parsed!).join(' ')).toBe(`${fields} count badge outcome reason at`);
  });

  it('may be about a message that nobody is shown', () => {
    const hidden = report({ from: null, title: null, preview: null });
    expect(parseReports(JSON.stringify([hidden]))).toEqual([hidden]);
  });

  it('are refused with the name of each wrong field', () => {
    const wrong = [{ ...report(), seq: 'x', badge: -1 }];
    expect(() => parseReports(JSON.stringify(wrong))).toThrow(/0\.seq: .*0\.badge: /);
  });
});
