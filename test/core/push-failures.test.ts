import { expect, test } from 'vitest';
import { PushFailures } from '../../src/core/push-failures.ts';

test('failures are counted for each connection, in a row', () => {
  const failures = new PushFailures();
  expect([failures.count('a'), failures.count('a'), failures.count('b')]).toEqual([1, 2, 1]);
  failures.forget('a');
  expect([failures.count('a'), failures.count('b')]).toEqual([1, 2]);
});

test('however many connections fail, memory is bounded: the one that failed longest ago is forgotten', () => {
  const failures = new PushFailures();
  failures.count('oldest');
  failures.count('again');
  for (let other = 1; other < 9_999; other++) failures.count(`other-${other}`);
  failures.count('again');
  failures.count('one more');
  expect([failures.count('again'), failures.count('oldest')]).toEqual([3, 1]);
});
