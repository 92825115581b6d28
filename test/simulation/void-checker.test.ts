// What the checker takes for a cause of a number that holds nothing.
import { expect, test } from 'vitest';
import type { RunHistory } from './history.ts';
import type { Wish } from './people/wishes.ts';
import { checkVoids } from './void-checker.ts';

const conversationId = 'd:alice:bob';
const settleMs = 100;

const send = (tookMs: number | undefined, more: Partial<Wish> = {}): Wish => ({
  by: 'alice',
  deviceId: 'phone',
  action: 'send',
  frame: { to: 'user:bob' },
  askedAt: 1_000,
  ...(tookMs !== undefined && { answeredAt: 1_000 + tookMs }),
  ...more,
});

const violations = (voids: number, wishes: readonly Wish[], known: object = { settleMs }) => {
  const slots = Array.from({ length: voids }, (_, n) => ({ conversationId, seq: n + 1, void: true }));
  const truths = [{ conversationId, floorSeq: 1, slots }];
  return checkVoids({ truths, wishes, ...known } as unknown as RunHistory).map(({ what }) => what);
};

test.each<[string, number, Wish[]]>([
  ['there is none', 0, [send(10)]],
  ['somebody was slow', 1, [send(70)]],
  ['nobody knows how slow somebody was', 4, [send(undefined)]],
  ['somebody was refused', 1, [send(10, { code: 'not_member' })]],
  ['the conversation is named', 1, [send(70, { frame: { to: conversationId } })]],
  ['it was a reaction', 1, [send(70, { action: 'react', frame: { conversationId } })]],
])('P5.21: a void has a cause when %s', (_, voids, wishes) => {
  expect(violations(voids, wishes)).toEqual([]);
});

test.each<[string, number, Wish[]]>([
  ['all were fast', 1, [send(10), send(10)]],
  ['one was slow, and there are more', 2, [send(70)]],
  ['it was somewhere else', 1, [send(70, { frame: { to: 'user:carol' } })]],
])('P5.21: it has none when %s', (_, voids, wishes) => {
  expect(violations(voids, wishes)).toHaveLength(1);
});

test('P5.21: where nobody knows how long readers wait, nothing is said of it', () => {
  expect(violations(1, [send(10)], {})).toEqual([]);
});
