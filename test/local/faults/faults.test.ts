import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Faults } from '../../../local/faults/faults.ts';

const designPlan = {
  seed: 7,
  dynamodb: { throttle: 0.05, error: 0.02, lostResponse: 0.02, latencyMs: [0, 20] },
  lambda: { crashBefore: 0.01, crashMidway: 0.02, crashAfter: 0.01 },
  stream: { duplicate: 0.05, reorder: true, delayMs: [0, 300] },
  gateway: {
    dropPush: 0.05,
    duplicatePush: 0.02,
    delayPushMs: [0, 200],
    throttlePush: 0.02,
    disconnect: 0.01,
    halfOpen: 0.005,
  },
};

const draws = ['dynamodb', 'lambda', 'stream', 'push'] as const;
type Draw = (typeof draws)[number];

interface Visit {
  readonly draw: Draw;
  readonly site: string;
}

const visit: fc.Arbitrary<Visit> = fc.record({
  draw: fc.constantFrom(...draws),
  site: fc.constantFrom('alice', 'bob', 'carol'),
});
const at = (faults: Faults, { draw, site }: Visit) => faults[draw](() => site);
const somewhere = () => 'somewhere';

function withPlan(plan: unknown): Faults {
  const faults = new Faults();
  faults.set(plan);
  return faults;
}

describe('a fault plan', () => {
  it('is taken as DESIGN §8 writes it, and given back', () => {
    expect(withPlan(designPlan).plan()).toEqual(designPlan);
  });

  it.each([
    ['a rate above one', { dynamodb: { throttle: 1.1 } }, /dynamodb\.throttle: must be from 0 to 1/],
    ['a negative rate', { gateway: { dropPush: -0.1 } }, /gateway\.dropPush: must be from 0 to 1/],
    ['a range upside down', { stream: { delayMs: [5, 1] } }, /stream\.delayMs: must be \[min, max\]/],
    ['an unknown key', { dynamodb: { trottle: 0.1 } }, /dynamodb\.trottle/],
    ['an unknown part', { lamda: {} }, /lamda/],
    ['no object', 'all', /plan/],
    ['no number', { seed: 'x' }, /seed/],
  ])('is refused with %s, which is named', (_, plan, problem) => {
    expect(() => new Faults().set(plan)).toThrow(problem);
  });

  it('stays in force when the next one is refused', () => {
    const faults = withPlan({ dynamodb: { throttle: 1 } });
    expect(() => faults.set({ dynamodb: { throttle: 2 } })).toThrow(/throttle/);
    expect(faults.dynamodb(somewhere).throttle).toBe(true);
  });

  it('injects nothing when there is none, or none any more', () => {
    const faults = withPlan({ ...designPlan, dynamodb: { throttle: 1 }, lambda: { crashBefore: 1 } });
    faults.clear();
    expect(faults.plan()).toBeUndefined();
    expect(faults.dynamodb(somewhere)).toEqual({
      latencyMs: 0,
      throttle: false,
      error: false,
      lostResponse: false,
      conflict: false,
    });
    expect(faults.lambda(somewhere)).toEqual({ kind: 'none' });
    expect(faults.stream(somewhere)).toEqual({ duplicate: false, reorder: false, singly: false, delayMs: 0 });
    expect(Object.values(faults.push(somewhere)).some(Boolean)).toBe(false);
    expect(faults.injected()).toEqual({});
    expect(faults.log()).toEqual([]);
  });
});

describe('records of a stream', () => {
  it('come singly under any plan, unless it says that they do not', () => {
    expect(new Faults().stream(somewhere).singly).toBe(false);
    expect(withPlan({}).stream(somewhere).singly).toBe(true);
    expect(withPlan({ stream: { duplicate: 0.1 } }).stream(somewhere).singly).toBe(true);
    expect(withPlan({ stream: { singly: false } }).stream(somewhere).singly).toBe(false);
  });
});

describe('draws', () => {
  it('repeat with the seed, in whatever order the sites are come to', () => {
    fc.assert(
      fc.property(fc.integer(), fc.array(visit, { maxLength: 200 }), (seed, visits) => {
        const mixed = withPlan({ ...designPlan, seed });
        const drawn = visits.map((each) => ({ each, fate: at(mixed, each) }));
        const sorted = withPlan({ ...designPlan, seed });
        const name = ({ each }: { each: Visit }) => `${each.draw} ${each.site}`;
        // Stable: of one site, the first comes first again.
        const inOrder = drawn.toSorted((left, right) => name(left).localeCompare(name(right)));
        for (const { each, fate } of inOrder) expect(at(sorted, each)).toEqual(fate);
        expect(sorted.injected()).toEqual(mixed.injected());
        expect(new Set(sorted.log())).toEqual(new Set(mixed.log()));
      }),
      { numRuns: 50 },
    );
  });

  it('differ from time to time at one site, and from site to site', () => {
    const faults = withPlan(designPlan);
    const latencies = [somewhere, somewhere, () => 'elsewhere'].map(
      (site) => faults.dynamodb(site).latencyMs,
    );
    expect(new Set(latencies).size).toBe(3);
  });

  it('begin anew with each plan', () => {
    const faults = withPlan(designPlan);
    const before = [1, 2, 3].map(() => faults.dynamodb(somewhere));
    faults.set(designPlan);
    expect([1, 2, 3].map(() => faults.dynamodb(somewhere))).toEqual(before);
  });

  it('differ with the seed', () => {
    const [one, two] = [1, 2].map((seed) => {
      const faults = withPlan({ ...designPlan, seed });
      return Array.from({ length: 100 }, () => faults.dynamodb(somewhere));
    });
    expect(one).not.toEqual(two);
  });

  it('come at their rate and within their range, and are counted', () => {
    const faults = withPlan(designPlan);
    const drawn = Array.from({ length: 10_000 }, () => faults.dynamodb(somewhere));
    const throttled = drawn.filter(({ throttle }) => throttle).length;
    expect(throttled).toBeGreaterThan(400);
    expect(throttled).toBeLessThan(600);
    expect(faults.injected()['dynamodb.throttle']).toBe(throttled);
    expect(drawn.every(({ latencyMs }) => latencyMs >= 0 && latencyMs < 20)).toBe(true);
    expect(Math.max(...drawn.map(({ latencyMs }) => latencyMs))).toBeGreaterThan(19);
  });

  it('give one request one fate', () => {
    const faults = withPlan({ dynamodb: { throttle: 0.5, error: 0.5, lostResponse: 0.5 } });
    const fates = Array.from({ length: 200 }, () => {
      const { throttle, error, lostResponse } = faults.dynamodb(somewhere);
      return [throttle, error, lostResponse].filter(Boolean).length;
    });
    expect(Math.max(...fates)).toBe(1);
  });

  it('say after which request an environment dies: one of its first six', () => {
    const faults = withPlan({ lambda: { crashMidway: 1 } });
    const drawn = new Set(
      Array.from({ length: 200 }, () => {
        const fault = faults.lambda(somewhere);
        return fault.kind === 'crashMidway' ? fault.afterRequests : fault.kind;
      }),
    );
    expect(drawn).toEqual(new Set([1, 2, 3, 4, 5, 6]));
  });
});

describe('the log', () => {
  it('says what was injected where, and the how manieth time', () => {
    const faults = withPlan({ dynamodb: { throttle: 1 }, gateway: { dropPush: 1 } });
    faults.dynamodb(() => 'send GetItem');
    faults.push(() => 'alice/phone');
    faults.dynamodb(() => 'send GetItem');
    expect(faults.log()).toEqual([
      { fault: 'dynamodb.throttle', site: 'send GetItem', ordinal: 1 },
      { fault: 'gateway.dropPush', site: 'alice/phone', ordinal: 1 },
      { fault: 'dynamodb.throttle', site: 'send GetItem', ordinal: 2 },
    ]);
  });

  it('forgets the oldest; the counts go on', () => {
    const faults = withPlan({ dynamodb: { throttle: 1 } });
    for (let n = 1; n <= 10_001; n += 1) faults.dynamodb(somewhere);
    expect(faults.log()).toHaveLength(10_000);
    expect(faults.log()[0]).toMatchObject({ ordinal: 2 });
    expect(faults.injected()).toEqual({ 'dynamodb.throttle': 10_001 });
  });
});
