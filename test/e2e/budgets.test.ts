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

test('B1, B2: a direct message costs at most 4.4 write units and 4.4 requests, and a send reads nothing', async () => {
  const cost = await costPerMessage('alice', 'bob', ['phone', 'web']);
  expect(cost.writeUnits).toBeLessThanOrEqual(4.4);
  expect(cost.requests).toBeLessThanOrEqual(4.4);
  expect(cost.readUnits).toBe(0);
  expect(cost.frames).toBeLessThanOrEqual(1);
});

test.each([
  [2, 4.6],
  [3, 5.6],
])(
  'B1: with 36-character user and device ids and %i devices each, at most %f write units',
  async (count, budget) => {
    const deviceIds = Array.from({ length: count }, () => randomUUID());
    const cost = await costPerMessage(randomUUID(), randomUUID(), deviceIds);
    expect(cost.writeUnits).toBeLessThanOrEqual(budget);
  },
);

test('B8: two users write from four devices each, all at full speed: dense, each once, and hardly dearer', async () => {
  const platforms = ['ios', 'web', 'desktop', 'bot'];
  const devices = await Promise.all(
    ['carol', 'dave'].flatMap((userId) =>
      platforms.map(async (platform) => ({
        to: userId === 'carol' ? 'user:dave' : 'user:carol',
        client: await connect(cloud, userId, { deviceId: platform, platform }),
      })),
    ),
  );
  // Each device has sent before, as in steady state.
  for (const { client, to } of devices) await client.send(to, 'first');
  await cloud.settled();
  cloud.resetMetrics();
  const each = 50;
  const answers = await Promise.all(
    devices.map(async ({ client, to }) => {
      const seqs: number[] = [];
      for (let n = 0; n < each; n++) {
        const answer = await client.send(to, 'x'.repeat(100 - '{"text":""}'.length));
        expect(answer).toMatchObject({ ok: true });
        expect(answer).not.toHaveProperty('duplicate');
        seqs.push(answer['seq'] as number);
      }
      return seqs;
    }),
  );
  await cloud.settled();
  const total = devices.length * each;
  const all = Array.from({ length: total }, (_, index) => devices.length + index + 1);
  expect(answers.flat().toSorted((left, right) => left - right)).toEqual(all);
  const { requests, writeUnits } = cloud.metrics().dynamodb.byFunction['send']!;
  // Two requests each: nobody had to try again.
  expect(requests).toBe(2 * total);
  expect(writeUnits).toBeLessThanOrEqual(1.2 * 2 * total);
  const [{ client }] = devices as [(typeof devices)[0]];
  const messages: { void?: true; clientMsgId?: string }[] = [];
  for (let after = 0; after < total + devices.length; after = messages.length) {
    const page = await client.request('history', { conversationId: 'd:carol:dave', after, limit: 100 });
    messages.push(...(page['messages'] as typeof messages));
  }
  expect(messages).toHaveLength(total + devices.length);
  expect(messages.filter((slot) => slot.void)).toEqual([]);
  expect(new Set(messages.map(({ clientMsgId }) => clientMsgId)).size).toBe(messages.length);
});
