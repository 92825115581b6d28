// From the text of a frame to a valid request, or to an error that says which field is wrong and why.
import * as v from 'valibot';
import { describeIssue } from '../protocol/issues.ts';
import { refuse, type Refusal } from '../protocol/errors.ts';

export type Frame = Readonly<Record<string, unknown>>;

/** The JSON object that a frame holds; `undefined` when it holds none. */
export function parseFrame(text: string | undefined): Frame | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Frame)
      : undefined;
  } catch {
    return undefined;
  }
}

/** The id to echo, if the frame has one. */
export function requestId(frame: Frame | undefined): { id?: string } {
  const id = frame?.['id'];
  return typeof id === 'string' ? { id } : {};
}

export function validate<Schema extends v.GenericSchema>(
  schema: Schema,
  frame: Frame,
): { ok: true; request: v.InferOutput<Schema> } | Refusal {
  const result = v.safeParse(schema, frame, { abortEarly: true });
  if (result.success) return { ok: true, request: result.output };
  return refuse('bad_request', describeIssue(result.issues[0]));
}
