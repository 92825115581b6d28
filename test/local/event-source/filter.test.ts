import { describe, expect, it } from 'vitest';
import { compileFilters, type Pattern } from '../../../local/event-source/filter.ts';

const insert = {
  eventName: 'INSERT',
  dynamodb: {
    SizeBytes: 60,
    Keys: { pk: { S: 'a' } },
    NewImage: {
      type: { S: 'text' },
      count: { N: '12' },
      tags: { SS: ['red', 'blue'] },
      gone: { NULL: true },
    },
  },
};
const expiry = {
  eventName: 'REMOVE',
  userIdentity: { type: 'Service', principalId: 'dynamodb.amazonaws.com' },
  dynamodb: { Keys: { pk: { S: 'a' } } },
};
const newImage = (fields: Pattern): Pattern => ({ dynamodb: { NewImage: fields } });
const passes = (record: unknown, ...patterns: Pattern[]) => compileFilters(patterns)(record);

describe('filter patterns', () => {
  it('let everything pass when there are none', () => {
    expect(passes(insert)).toBe(true);
  });

  it('are alternatives', () => {
    expect(passes(insert, { eventName: ['REMOVE'] }, { eventName: ['INSERT'] })).toBe(true);
    expect(passes(insert, { eventName: ['REMOVE'] }, { eventName: ['MODIFY'] })).toBe(false);
  });

  it('want every key to match', () => {
    expect(passes(insert, { eventName: ['INSERT'], ...newImage({ type: { S: ['text'] } }) })).toBe(true);
    expect(passes(insert, { eventName: ['INSERT'], ...newImage({ type: { S: ['image'] } }) })).toBe(false);
  });

  it.each<[string, Pattern, boolean]>([
    ['exact, one of several', { S: ['image', 'text'] }, true],
    ['exact is case-sensitive', { S: ['Text'] }, false],
    ['equals-ignore-case', { S: [{ 'equals-ignore-case': 'TEXT' }] }, true],
    ['prefix', { S: [{ prefix: 'te' }] }, true],
    ['prefix is not anywhere', { S: [{ prefix: 'ex' }] }, false],
    ['suffix', { S: [{ suffix: 'xt' }] }, true],
    ['suffix is not anywhere', { S: [{ suffix: 'ex' }] }, false],
    ['anything-but a list', { S: [{ 'anything-but': ['image', 'text'] }] }, false],
    ['anything-but another', { S: [{ 'anything-but': ['image'] }] }, true],
    ['anything-but a prefix', { S: [{ 'anything-but': { prefix: 'te' } }] }, false],
    ['exists', { S: [{ exists: true }] }, true],
    ['exists in another type', { N: [{ exists: true }] }, false],
    ['exists not', { N: [{ exists: false }] }, true],
    ['rules are alternatives', { S: [{ prefix: 'no' }, 'text'] }, true],
  ])('%s', (_, rule, expected) => {
    expect(passes(insert, newImage({ type: rule }))).toBe(expected);
  });

  it('match a list by one of its elements', () => {
    expect(passes(insert, newImage({ tags: { SS: ['blue'] } }))).toBe(true);
    expect(passes(insert, newImage({ tags: { SS: ['green'] } }))).toBe(false);
  });

  it('match a boolean with a boolean, not with its text', () => {
    expect(passes(insert, newImage({ gone: { NULL: [true] } }))).toBe(true);
    expect(passes(insert, newImage({ gone: { NULL: ['true'] } }))).toBe(false);
  });

  // Lambda developer guide, "Control which events Lambda sends": a missing field matches exists:false alone.
  it('do not match what is missing, except by exists:false', () => {
    expect(passes(expiry, newImage({ type: { S: [{ exists: false }] } }))).toBe(true);
    expect(passes(expiry, newImage({ type: { S: [{ 'anything-but': ['text'] }] } }))).toBe(false);
    expect(passes(expiry, newImage({ type: { S: [null] } }))).toBe(false);
  });

  it('know that only leaves exist', () => {
    expect(passes(insert, newImage({ type: [{ exists: true }] }))).toBe(false);
  });

  it('find deletions by the TTL service', () => {
    const pattern = { userIdentity: { type: ['Service'], principalId: ['dynamodb.amazonaws.com'] } };
    expect(passes(expiry, pattern)).toBe(true);
    expect(passes(insert, pattern)).toBe(false);
  });

  it('$or at any depth', () => {
    const pattern = newImage({ $or: [{ type: { S: ['image'] } }, { count: { N: ['12'] } }] });
    expect(passes(insert, pattern)).toBe(true);
    expect(passes(insert, newImage({ $or: [{ type: { S: ['image'] } }, { count: { N: ['13'] } }] }))).toBe(
      false,
    );
    expect(passes(insert, { $or: [{ eventName: ['REMOVE'] }, pattern] })).toBe(true);
  });

  it('compare numbers that are numbers', () => {
    expect(passes(insert, { dynamodb: { SizeBytes: [{ numeric: ['>', 50, '<=', 60] }] } })).toBe(true);
    expect(passes(insert, { dynamodb: { SizeBytes: [{ numeric: ['>', 60] }] } })).toBe(false);
  });

  it.each<[string, Pattern, RegExp]>([
    ['numeric comparison in an image', newImage({ count: { N: [{ numeric: ['>', 1] }] } }), /not supported/],
    ['a value that is no list', { eventName: 'INSERT' }, /eventName must be a list/],
    ['an empty list', { eventName: [] }, /eventName is an empty list/],
    ['an unknown operator', { eventName: [{ like: 'I*' }] }, /unknown operator like/],
    ['a prefix that is no text', { eventName: [{ prefix: 1 }] }, /no text/],
    ['a $or of one', { $or: [{ eventName: ['INSERT'] }] }, /two patterns or more/],
    ['a malformed comparison', { dynamodb: { SizeBytes: [{ numeric: ['~', 1] }] } }, /malformed/],
  ])('are refused with %s', (_, pattern, problem) => {
    expect(() => compileFilters([pattern])).toThrow(problem);
  });
});
