// What a notifier tells of a notification: what it said, and what became of it.
import * as v from 'valibot';

const text = v.string();
const count = v.pipe(v.number(), v.integer(), v.minValue(0));

const reportSchema = v.object({
  notificationId: text,
  userId: text,
  deviceId: text,
  conversationId: text,
  seq: count,
  from: v.nullable(text),
  title: v.nullable(text),
  /** `null`: not to be shown. */
  preview: v.nullable(text),
  count,
  badge: v.exactOptional(count),
  outcome: v.picklist(['sent', 'dropped', 'failed']),
  reason: v.exactOptional(text),
  /** ms since the epoch. */
  at: count,
});

export const maximumReports = 1_000;

const reportsSchema = v.pipe(
  v.array(reportSchema),
  v.maxLength(maximumReports, `at most ${maximumReports} at a time`),
);

export type NotificationReport = Readonly<v.InferOutput<typeof reportSchema>>;

/** @throws RangeError that names each field that is wrong. */
export function parseReports(body: string): readonly NotificationReport[] {
  const result = v.safeParse(v.pipe(v.string(), v.parseJson(), reportsSchema), body);
  if (result.success) return result.output;
  const problems = result.issues.map((issue) => `${v.getDotPath(issue) ?? 'body'}: ${issue.message}`);
  throw new RangeError(`Wrong reports. ${problems.join('; ')}`);
}
