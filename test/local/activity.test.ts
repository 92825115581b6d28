// The ring of last events.
import { expect, it } from 'vitest';
import { Activity } from '../../local/activity.ts';

it('keeps the last events, numbered in order, and tells those after an id', () => {
  const activity = new Activity(3, () => 1000);
  for (const status of [401, 402, 403, 404]) activity.record({ kind: 'refused', status });
  expect(activity.after(0)).toEqual([
    { kind: 'refused', status: 402, id: 2, at: 1000 },
    { kind: 'refused', status: 403, id: 3, at: 1000 },
    { kind: 'refused', status: 404, id: 4, at: 1000 },
  ]);
  expect(activity.after(3).map(({ id }) => id)).toEqual([4]);
  expect(activity.after(4)).toEqual([]);
});
