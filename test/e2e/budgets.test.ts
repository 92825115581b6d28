// The budgets of docs/spec.md, counted by the meters of the local cloud: units and requests, never time.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { connect } from '../support/client.ts';
import { startCloud } from '../support/cloud.ts';

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(() => cloud.close());

const MESSAGES = 200;

interface Cost {
  writeUnits: number;
  readUnits: number;
  requests: number;
  frames: number;
}

/** What one message costs, of 200 of 100 characters that alice sends to bob's connected devices one after another. */
async function costPerMessage(aliceId: string, bobId: string, deviceIds: readonly string[]): Promise<Cost> {
  const platforms = ['ios', 'web', 'desktop'];
  const open = (userId: string) =>
    Promise.all(
      deviceIds.map((deviceId, index) => connect(cloud, userId, { deviceId, platform: platforms[index]! })),
    );
  const [bobs, [alice]] = [await open(bobId), await open(aliceId)];
  const send = () =>
    alice!.send(`user:${bobId}`, 'x'.repeat(100 - '{"text":""}'.length), { clientMsgId: randomUUID() });
  await send();
  await cloud.settled();
  cloud.resetMetrics();
  const framesBefore = bobs.map(({ frames }) => frames.length);
  for (let n = 0; n < MESSAGES; n++) expect(await send()).toMatchObject({ ok: true });
  for (const bob of bobs) await bob.eventsUpTo(MESSAGES + 1);
  await cloud.settled();
  const { writeUnits, readUnits, requests } = cloud.metrics().dynamodb;
  const frames = Math.max(...bobs.map((bob, index) => bob.frames.length - framesBefore[index]!));
  return {
    writeUnits: writeUnits / MESSAGES,
    readUnits: readUnits / MESSAGES,
    requests: requests / MESSAGES,
    frames: frames / MESSAGES,
  };
}

test('B1, B2: a direct message costs at most 5.3 write units and 6.3 requests', async () => {
  const cost = await costPerMessage('alice', 'bob', ['phone', 'web']);
  expect(cost.writeUnits).toBeLessThanOrEqual(5.3);
  expect(cost.requests).toBeLessThanOrEqual(6.3);
  expect(cost.readUnits).toBeLessThanOrEqual(0.5);
  expect(cost.frames).toBeLessThanOrEqual(1);
});

test('B1: with 36-character user and device ids and three devices each, at most 6.0 write units', async () => {
  const cost = await costPerMessage(randomUUID(), randomUUID(), [randomUUID(), randomUUID(), randomUUID()]);
  expect(cost.writeUnits).toBeLessThanOrEqual(6);
});
