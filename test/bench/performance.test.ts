// The scenarios of `npm run bench`, small.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { meterScanChat } from '../../bench/scan-cost.ts';
import { measureThroughput, timeResume, timeSends } from '../../bench/speed.ts';
import type { Cloud } from '../../local/cloud.ts';
import { startCloud } from '../support/cloud.ts';

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(() => cloud.close());

test('a chat that scans its connections reads all of them, and posts to each', async () => {
  const few = await meterScanChat(cloud.dynamoDbEndpoint, 10);
  expect(few).toEqual({ readUnits: 0.5, writeUnits: 0, requests: 1, frames: 10, invocations: 1 });
  const many = await meterScanChat(cloud.dynamoDbEndpoint, 400);
  expect(many.frames).toBe(400);
  expect(many.readUnits).toBeGreaterThan(few.readUnits);
});

test('a send takes longer than its requests by themselves, and is persisted', async () => {
  const { floorMs, ackMs, persistedMs } = await timeSends(cloud, 5);
  for (const ms of [floorMs, ackMs, persistedMs]) expect(ms).toBeGreaterThan(0);
});

test('pairs that write as fast as they are answered', async () => {
  const { connections, messagesPerSecond, ackMs } = await measureThroughput(cloud, 4, 1);
  expect(connections).toBe(4);
  expect(messagesPerSecond).toBeGreaterThan(0);
  expect(ackMs).toBeGreaterThan(0);
});

test('a device that was away pulls all that waits, in pages', async () => {
  expect(await timeResume(cloud, 120)).toMatchObject({ messages: 120, pages: 2 });
});
