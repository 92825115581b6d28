// Whether the Node.js of this machine is the one that functions deploy on.
import { expect, it } from 'vitest';
import { describeOtherRuntime } from '../../../local/functions/runtime.ts';

const on24 = { runtime: 'nodejs24.x' };

it('says nothing when functions deploy on the major version that runs them', () => {
  expect(describeOtherRuntime([on24, on24], '24.21.0')).toBeUndefined();
});

it('says in one line what else they deploy on', () => {
  expect(describeOtherRuntime([on24, on24], '20.12.0')).toBe(
    'run on Node.js 20 here; the template deploys them on nodejs24.x',
  );
  expect(describeOtherRuntime([on24, { runtime: 'nodejs22.x' }], '20.12.0')).toMatch(
    'nodejs24.x, nodejs22.x',
  );
});
