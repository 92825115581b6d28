// Structured logs: one JSON object a line, which CloudWatch indexes. Ids and counts, never bodies or tokens.
import type { Log } from '../core/context.ts';

export const log: Log = {
  info: (event, fields) => console.info(JSON.stringify({ level: 'info', event, ...fields })),
  warn: (event, fields) => console.warn(JSON.stringify({ level: 'warn', event, ...fields })),
  error: (event, fields) => console.error(JSON.stringify({ level: 'error', event, ...fields })),
};

/** What is worth logging of an exception: its name, message and stack, and those of its causes. */
export function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { error: String(error) };
  const { name, message, stack, cause } = error;
  return { error: name, message, stack, ...(cause !== undefined && { cause: describeError(cause) }) };
}
