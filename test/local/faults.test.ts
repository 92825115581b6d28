import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Faults } from '../../local/faults.ts';

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

const sites = ['dynamodb', 'lambda', 'crash', 'stream', 'push'] as const;
type Site = (typeof sites)[number];

function draw(faults: Faults, site: Site): unknown {
  return site === 'crash' ? faults.crashMidwayAfterRequests() : faults[site]();
}

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
    expect(faults.dynamodb().throttle).toBe(true);
  });

  it('injects nothing when there is none, or none any more', () => {
    const faults = withPlan({ ...designPlan, dynamodb: { throttle: 1 }, lambda: { crashBefore: 1 } });
    faults.clear();
    expect(faults.plan()).toBeUndefined();
    expect(faults.dynamodb()).toEqual({ latencyMs: 0, throttle: false, error: false, lostResponse: false });
    expect(faults.lambda()).toBe('none');
    expect(faults.stream()).toEqual({ duplicate: false, reorder: false, delayMs: 0 });
    expect(Object.values(faults.push()).some(Boolean)).toBe(false);
    expect(faults.injected()).toEqual({});
  });
});

describe('draws', () => {
  it('repeat with the seed, in whatever order the kinds of site come', () => {
    fc.assert(
      fc.property(fc.integer(), fc.array(fc.constantFrom(...sites), { maxLength: 300 }), (seed, order) => {
        const mixed = withPlan({ ...designPlan, seed });
        const drawn = new Map(sites.map((site) => [site, [] as unknown[]]));
        for (const site of order) drawn.get(site)?.push(draw(mixed, site));
        const separate = withPlan({ ...designPlan, seed });
        for (const [site, expected] of drawn) {
          expect(expected.map(() => draw(separate, site))).toEqual(expected);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('differ with the seed', () => {
    const [one, two] = [1, 2].map((seed) => {
      const faults = withPlan({ ...designPlan, seed });
      return Array.from({ length: 100 }, () => faults.dynamodb());
    });
    expect(one).not.toEqual(two);
  });

  it('come at their rate and within their range, and are counted', () => {
    const faults = withPlan(designPlan);
    const drawn = Array.from({ length: 10_000 }, () => faults.dynamodb());
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
      const { throttle, error, lostResponse } = faults.dynamodb();
      return [throttle, error, lostResponse].filter(Boolean).length;
    });
    expect(Math.max(...fates)).toBe(1);
  });

  it('say after which request an environment dies: one of its first six', () => {
    const faults = withPlan(designPlan);
    const drawn = new Set(Array.from({ length: 200 }, () => faults.crashMidwayAfterRequests()));
    expect([...drawn].toSorted((left, right) => left - right)).toEqual([1, 2, 3, 4, 5, 6]);
  });
});
