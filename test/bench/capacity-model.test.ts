// The planner's arithmetic: more load never needs less, the same seed says the same, and what it takes for the stack's is.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { describe, expect, inject, it } from 'vitest';
import { drawBusiest } from '../../bench/capacity/chance.ts';
import { defaultInputs, type Inputs } from '../../bench/capacity/inputs.ts';
import { stack } from '../../bench/capacity/limits.ts';
import { capacityOf, type Report } from '../../bench/capacity/model.ts';
import { ask, pressureOf } from '../../bench/capacity/needs.ts';
import { print } from '../../bench/capacity/print.ts';
import { prices } from '../../bench/prices.ts';
import { createRandom } from '../../local/faults/random.ts';

const loads: fc.Arbitrary<Inputs> = fc
  .record({
    messagesPerSecond: fc.double({ min: 0.1, max: 1e6, noNaN: true }),
    online: fc.integer({ min: 0, max: 5e7 }),
    groupShare: fc.double({ min: 0, max: 1, noNaN: true }),
    devices: fc.integer({ min: 1, max: 4 }),
    recipientsOnline: fc.double({ min: 0, max: 1, noNaN: true }),
    largestGroup: fc.integer({ min: 3, max: 2_000 }),
    activityExponent: fc.double({ min: 0.1, max: 0.9, noNaN: true }),
    messageBytes: fc.integer({ min: 1, max: 20_000 }),
    parallelization: fc.integer({ min: 1, max: 10 }),
    seed: fc.integer({ min: 0, max: 1_000 }),
  })
  .map((drawn) => ({ ...defaultInputs, trials: 50, users: 2e8, ...drawn }));

const few = { numRuns: 25 };
const slack = 1 + 1e-9;

const needed = (report: Report) => new Map(report.needs.map((need) => [need.limit, need.needed]));

it('twice the messages never need less of anything, nor more than twice of what grows with them', () => {
  fc.assert(
    fc.property(loads, (inputs) => {
      const once = capacityOf(inputs);
      const twice = capacityOf({ ...inputs, messagesPerSecond: 2 * inputs.messagesPerSecond });
      for (const [limit, amount] of needed(once))
        expect(needed(twice).get(limit)! * slack, limit).toBeGreaterThanOrEqual(amount);
      expect(twice.bill.usdPerMonth).toBeGreaterThan(once.bill.usdPerMonth);
      expect(twice.bill.usdPerMonth).toBeLessThanOrEqual(2 * once.bill.usdPerMonth * slack);
    }),
    few,
  );
});

it('when all come back after an outage, connecting takes more, and a month costs the same', () => {
  const calm = capacityOf({ ...defaultInputs, online: 1_000_000, users: 4_000_000 });
  const storm = capacityOf({ ...defaultInputs, online: 1_000_000, users: 4_000_000, reconnectMinutes: 5 });
  expect(storm.gateway.connectsPerSecond).toBeCloseTo(1_000_000 / 300, 6);
  expect(needed(storm).get('New connections')).toBeCloseTo(1_000_000 / 300, 6);
  for (const [limit, amount] of needed(calm))
    expect(needed(storm).get(limit)! * slack, limit).toBeGreaterThanOrEqual(amount);
  expect(storm.bill).toEqual(calm.bill);
  // Slower than they come and go anyway, it is none.
  expect(capacityOf({ ...calm.inputs, reconnectMinutes: 90 }).needs).toEqual(calm.needs);
});

it('where nobody is connected and groups are written to, twice the messages are twice the units', () => {
  fc.assert(
    fc.property(loads, (drawn) => {
      const inputs = { ...drawn, online: 0, largestGroup: Math.min(500, drawn.largestGroup) };
      const once = capacityOf(inputs);
      const twice = capacityOf({ ...inputs, messagesPerSecond: 2 * inputs.messagesPerSecond });
      for (const [index, { table, writeUnits, readUnits }] of once.tables.entries()) {
        expect(twice.tables[index]!.writeUnits / 2, table).toBeCloseTo(writeUnits, 3);
        expect(twice.tables[index]!.readUnits / 2, table).toBeCloseTo(readUnits, 3);
      }
    }),
    few,
  );
});

it('the bill has three requests to SQS for each message of a queue, and those that find none', () => {
  const requests = (inputs: Inputs) => {
    const { lines } = capacityOf(inputs).bill;
    return (
      lines.find(({ item }) => item === 'SQS requests')!.usdPerMonth / prices.queueRequest.usd / 2_592_000
    );
  };
  const idle = { ...defaultInputs, messagesPerSecond: 0 };
  expect(requests(idle)).toBeCloseTo((5 * 5) / 20, 6);
  const direct = { ...defaultInputs, groupShare: 0, recipientsOnline: 0, notified: 1, peakToMean: 1 };
  expect(requests(direct)).toBeCloseTo(3 * direct.messagesPerSecond + (5 * 5) / 20, 3);
});

it('the same seed says the same, another one something else', () => {
  const text = (seed: number) => JSON.stringify(capacityOf({ ...defaultInputs, seed }));
  expect(text(7)).toBe(text(7));
  const without = ({ hottestKeys }: Report) => hottestKeys;
  expect(without(capacityOf({ ...defaultInputs, seed: 8 }))).not.toEqual(
    without(capacityOf({ ...defaultInputs, seed: 7 })),
  );
});

it('partitions hold what is written, read and stored, and a stream has one shard for each', () => {
  fc.assert(
    fc.property(loads, (inputs) => {
      for (const one of capacityOf(inputs).tables) {
        expect(one.partitions * 1_000 * slack).toBeGreaterThanOrEqual(one.writeUnits);
        expect(one.partitions * 3_000 * slack).toBeGreaterThanOrEqual(one.readUnits);
        expect(one.partitions * 10 * slack).toBeGreaterThanOrEqual(one.gigabytes);
        const hasStream = one.table === 'Messages' || one.table === 'OfflineQueue';
        expect(one.shards).toBe(hasStream ? one.partitions : 0);
      }
    }),
    few,
  );
});

it('the busiest of n is as Zipf says: of many draws the median is (1 - s) × (n / ln 2) ^ s', () => {
  const random = createRandom(3, 'test');
  const draws = Array.from({ length: 4_001 }, () => drawBusiest(1e6, 0.5, random)).toSorted((a, b) => a - b);
  expect(draws[2_000]! / (0.5 * Math.sqrt(1e6 / Math.LN2))).toBeCloseTo(1, 1);
});

describe('what breaks first', () => {
  it('is at the head of the list, with what to ask for, and in words', () => {
    const report = capacityOf({ ...defaultInputs, messagesPerSecond: 100_000 });
    const pressures = report.needs.map(pressureOf);
    expect(pressures).toEqual(pressures.toSorted((a, b) => b - a));
    expect(report.needs[0]).toMatchObject({ limit: 'Requests to API Gateway', available: 10_000 });
    expect(report.needs[0]!.askFor).toBeGreaterThan(report.needs[0]!.needed);
    expect(print(report)).toContain('What breaks first: Requests to API Gateway');
  });

  it('is the hottest conversation, which nothing but another setting helps, where one has most of the messages', () => {
    const one = { ...defaultInputs, messagesPerSecond: 2_500, groupShare: 1, groups: 1, largestGroup: 100 };
    const report = capacityOf(one);
    const head = report.needs.find(({ limit }) => limit === 'One item: HEAD of a group')!;
    expect(head.needed).toBeGreaterThan(1_000);
    expect(head.askFor).toBeUndefined();
    expect(print(report)).toContain('no quota helps');
  });

  it('may be the shards: batches that take too long fall behind, and more at once help', () => {
    const slow = { ...defaultInputs, messagesPerSecond: 4_000, fanOutMs: 500, retentionDays: 1 };
    const behind = capacityOf(slow).fanOut;
    expect(behind.shardLoad).toBeGreaterThan(1);
    expect(behind.lagMs).toBe(Infinity);
    expect(behind.hottestLagSecondsPerHour).toBeGreaterThan(0);
    const helped = capacityOf({ ...slow, parallelization: 10 }).fanOut;
    expect(helped.shardLoad).toBeCloseTo(behind.shardLoad / 10, 6);
    expect(Number.isFinite(helped.lagMs)).toBe(true);
  });

  it('may be the notifier, which works at so many batches at once as the stack lets it', () => {
    const slow = { ...defaultInputs, notifyMs: 20_000, registered: 0 };
    const report = capacityOf(slow);
    expect(report.needs[0]).toMatchObject({
      limit: 'Batches of the queue Notifications at once, of this stack',
      available: 50,
    });
    const [{ messagesPerSecond, batchesAtOnce, inFlight } = report.queues[0]!] = report.queues;
    expect(batchesAtOnce).toBeCloseTo((messagesPerSecond / 10) * 20, 6);
    expect(inFlight).toBeCloseTo(10 * batchesAtOnce, 6);
    expect(print(report)).toMatch(/-c notifierConcurrency=\d+/);
  });

  it('asks in two figures, with a fifth to spare', () => {
    expect([1, 99, 1_000, 123_456].map(ask)).toEqual([2, 120, 1_200, 150_000]);
  });
});

it('docs/capacity.md shows what the command prints', async () => {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const page = readFileSync(`${root}docs/capacity.md`, 'utf8');
  const [, options = ''] = /npm run capacity -- (.+)/.exec(page) ?? [];
  const [, printed = ''] = /```\n([^]+?)\n```/.exec(page) ?? [];
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', 'bench/capacity/main.ts', ...options.split(' ')],
    { cwd: root, env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined } },
  );
  expect(stdout.trim()).toBe(printed.trim());
});

it('what it takes for the stack’s is in the template', () => {
  const { Resources: resources } = JSON.parse(readFileSync(inject('templatePath'), 'utf8')) as {
    Resources: Record<string, { Type: string; Properties: Record<string, unknown> }>;
  };
  const all = (type: string) =>
    Object.values(resources).flatMap((one) => (one.Type === type ? [one.Properties] : []));
  expect(all('AWS::Lambda::EventSourceMapping')).toContainEqual(
    expect.objectContaining({
      BatchSize: stack.batchRecords,
      ParallelizationFactor: stack.parallelization,
      BisectBatchOnFunctionError: true,
    }),
  );
  expect(all('AWS::ApiGatewayV2::Stage')).toContainEqual(
    expect.objectContaining({
      DefaultRouteSettings: expect.objectContaining({ ThrottlingRateLimit: stack.routeRequests }),
      RouteSettings: expect.objectContaining({
        $connect: expect.objectContaining({ ThrottlingRateLimit: stack.connectRequests }),
      }),
    }),
  );
  const ofQueues = all('AWS::Lambda::EventSourceMapping').filter(({ StartingPosition }) => !StartingPosition);
  expect(ofQueues).toHaveLength(stack.polledQueues);
  // Ten, where nothing is said.
  const notes = ofQueues.filter(({ BatchSize = 10 }) => BatchSize === stack.notesABatch);
  expect(notes).toEqual([
    expect.objectContaining({ ScalingConfig: { MaximumConcurrency: stack.notifierConcurrency } }),
  ]);
  expect(ofQueues.filter(({ BatchSize }) => BatchSize === stack.tasksABatch)).toHaveLength(
    ofQueues.length - 1,
  );
  expect(all('AWS::Lambda::Function')).toContainEqual(
    expect.objectContaining({ MemorySize: stack.memoryGigabytes * 1_024 }),
  );
});
