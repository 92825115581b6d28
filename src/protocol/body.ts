// What holds for every body, whatever its type: what it is made of comes back exactly as it was sent.
import { clientLimits } from './client-limits.ts';

export type Body = Record<string, unknown>;

export function isObject(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** No half of a surrogate pair alone: UTF-8 has no bytes for it. */
export const isWellFormed = (text: string) => !/\p{Cs}/u.test(text);

export const ILL_FORMED = 'holds half a surrogate pair';

/** Why a body is refused, if it is. Goes no deeper than a body may, so that no nesting overflows the stack. */
export function bodyFault(value: unknown, depth = 1): string | undefined {
  if (typeof value === 'string') return isWellFormed(value) ? undefined : ILL_FORMED;
  // JSON such as 1e999, which would come back as null.
  if (typeof value === 'number')
    return Number.isFinite(value) ? undefined : 'holds a number that no double can hold';
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth > clientLimits.bodyDepth) return `is nested more than ${clientLimits.bodyDepth} levels deep`;
  for (const [key, member] of Object.entries(value)) {
    const fault = bodyFault(key) ?? bodyFault(member, depth + 1);
    if (fault) return fault;
  }
  return undefined;
}
