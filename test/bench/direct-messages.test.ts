// The scenario that `npm run cost` prices, with few messages; one run after the other on one cloud.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { billOf, usageOf } from '../../bench/bill.ts';
import { meterDirectMessages, type Scenario } from '../../bench/direct-messages.ts';
import { prices } from '../../bench/prices.ts';
import type { Cloud } from '../../local/cloud.ts';
import { scan, startCloud } from '../support/cloud.ts';

const scenario: Scenario = {
  messages: 10,
  devices: 2,
  away: 0,
  size: 100,
  acknowledgeEvery: 1000,
  quiet: false,
};

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(() => cloud.close());

it('meters the messages alone: one frame in, an answer and three devices’ pushes out', async () => {
  const metrics = await meterDirectMessages(cloud, scenario);
  expect(metrics.gateway).toMatchObject({ messagesIn: 10, gone: 0 });
  // Messages that share a batch of the stream share a frame.
  expect(metrics.gateway.messagesOut).toBeGreaterThan(10);
  expect(metrics.gateway.messagesOut).toBeLessThanOrEqual(10 * (1 + 3));
  expect(metrics.lambda).toMatchObject({ send: { invocations: 10, errors: 0 } });
  expect(Object.keys(metrics.lambda).toSorted()).toEqual(['fan-out', 'send']);
  expect(await scan(cloud, 'Messages')).toHaveLength(11);

  const bill = billOf(usageOf(metrics, cloud.model.functions, scenario.messages, 15), prices);
  expect(bill.usdPerMillionMessages).toBeGreaterThan(3);
  expect(bill.usdPerMillionMessages).toBeLessThan(15);
});

it('acknowledgements are in it', async () => {
  const metrics = await meterDirectMessages(cloud, { ...scenario, acknowledgeEvery: 1 });
  expect(metrics.lambda['sync']?.invocations).toBe(metrics.gateway.messagesIn - 10);
  expect(metrics.lambda['sync']?.invocations).toBeGreaterThan(0);
});

it('B9: in a quiet conversation, each message answered, acknowledgements take no frame, and a million cost $7.5 at most', async () => {
  const quiet: Scenario = { ...scenario, messages: 32, devices: 1, quiet: true };
  const metrics = await meterDirectMessages(cloud, quiet);
  expect(metrics.gateway.messagesIn).toBe(32);
  expect(Object.keys(metrics.lambda).toSorted()).toEqual(['fan-out', 'send']);
  const bill = billOf(usageOf(metrics, cloud.model.functions, quiet.messages, 15), prices);
  expect(bill.usdPerMillionMessages).toBeLessThanOrEqual(7.5);
});

it('devices that are away cost entries in the offline queue and notes to the notifier instead of frames', async () => {
  const metrics = await meterDirectMessages(cloud, { ...scenario, away: 1 });
  expect(metrics.dynamodb.byTable['OfflineQueue']?.writeUnits).toBeGreaterThan(0);
  expect(metrics.gateway.messagesOut).toBeLessThanOrEqual(10 * (1 + 1));
  const usage = usageOf(metrics, cloud.model.functions, scenario.messages, 15);
  expect(usage.queueRequests).toBe(3 * metrics.sqs.queues['Notifications']!.sent);
  expect(usage.queueRequests).toBeGreaterThan(0);
  const queue = await scan(cloud, 'OfflineQueue');
  expect(new Set(queue.map(({ userId }) => userId))).toEqual(new Set(['alice', 'bob']));
});
