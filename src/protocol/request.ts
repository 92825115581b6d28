// What requests are made of.
import * as v from 'valibot';
import { ILL_FORMED, isWellFormed } from './body.ts';
import { limits } from './limits.ts';

export const requestIdSchema = v.pipe(
  v.string(),
  v.nonEmpty('must not be empty'),
  v.maxLength(limits.requestId, `must have at most ${limits.requestId} characters`),
);

export const request = <const Name extends string, Fields extends v.ObjectEntries>(
  action: Name,
  fields: Fields,
) => v.object({ action: v.literal(action), id: requestIdSchema, ...fields });

export const pageSize = (limit: { max: number; default: number }) =>
  v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(limit.max)), limit.default);

export const listOf = <const Item extends v.GenericSchema>(item: Item, max: number) =>
  v.pipe(v.array(item), v.maxLength(max, `must hold at most ${max}`));

/** Well-formed, and at most so many bytes in UTF-8. */
export const storedText = (maxBytes: number) =>
  v.pipe(
    v.string(),
    v.maxLength(maxBytes, `must have at most ${maxBytes} bytes`),
    v.check(isWellFormed, ILL_FORMED),
    v.check(
      (text) => new TextEncoder().encode(text).length <= maxBytes,
      `must have at most ${maxBytes} bytes`,
    ),
  );

export const characters = (min: number, max: number) =>
  v.pipe(
    storedText(max * 4),
    v.check((text) => {
      const { length } = Array.from(text);
      return length >= min && length <= max;
    }, `must have ${min} to ${max} characters`),
  );

/** `""` takes it away. */
export const avatar = () =>
  v.pipe(
    storedText(limits.avatar),
    v.regex(/^(?:|media:.+|https:\/\/.+)$/, 'must be media:<key> or an https URL'),
  );
