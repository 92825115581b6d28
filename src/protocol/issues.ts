// What was wrong with which field, in one line.
import * as v from 'valibot';
import { bodySchemas, type SendableType } from './messages.ts';

const MAX_REASON_LENGTH = 200;

export function describeIssue(issue: v.BaseIssue<unknown>): string {
  const field = v.getDotPath(issue) ?? 'frame';
  if (issue.received === 'undefined') return `${field}: is missing`;
  const custom = !issue.message.startsWith('Invalid ');
  const reason = custom ? issue.message : `must be ${issue.expected}, is ${issue.received}`;
  return `${field}: ${reason.slice(0, MAX_REASON_LENGTH)}`;
}

/** Why this is no body for a message of that type. */
export function bodyIssue(type: string, body: unknown): string | undefined {
  if (!Object.hasOwn(bodySchemas, type)) return `body: there is none of type ${type}`;
  const { issues } = v.safeParse(bodySchemas[type as SendableType], body, { abortEarly: true });
  return issues && `body.${describeIssue(issues[0])}`;
}
