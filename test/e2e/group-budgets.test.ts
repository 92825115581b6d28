// What a group's messages cost, counted by the meters of the local cloud.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { connect, type TestClient } from '../support/client.ts';
import { startCloud } from '../support/cloud.ts';

const MEMBERS = 24;
const HEADS_INTERVAL_MS = 3_000;
let written: Cloud;
let large: Cloud;
beforeAll(async () => {
  written = await startCloud();
  large = await startCloud({
    environment: {
      IM_SETTINGS: JSON.stringify({ writeFanoutLimit: MEMBERS - 1, headsIntervalMs: HEADS_INTERVAL_MS }),
    },
  });
});
afterAll(() => Promise.all([written.close(), large.close()]));

/** All of its members are online; the first one made it. */
async function newGroup(cloud: Cloud): Promise<{ group: string; clients: TestClient[] }> {
  const userIds = Array.from({ length: MEMBERS }, (_, index) => `member-number-${index}`);
  const clients = await Promise.all(userIds.map((userId) => connect(cloud, userId)));
  const created = await clients[0]!.request('createGroup', {
    clientGroupId: 'the-group-that-costs',
    title: 'A title of forty characters, more or less',
    announcement: 'What everybody should know. '.repeat(20),
    members: userIds.slice(1),
  });
  const group = created['conversationId'] as string;
  // The first message of a device costs more than the others.
  await clients[0]!.send(group, 'first');
  await cloud.settled();
  return { group, clients };
}

const text = 'x'.repeat(89);

test('B14: a message costs at most 3 + 1.25 write units for each member, and a device one frame', async () => {
  const { group, clients } = await newGroup(written);
  const [ann, ben] = clients as [TestClient, TestClient];
  const alone = 32;
  written.resetMetrics();
  const framesBefore = ben.frames.length;
  for (let n = 0; n < alone; n++) {
    expect(await ann.send(group, text)).toMatchObject({ ok: true });
    await written.settled();
  }
  const { writeUnits } = written.metrics().dynamodb;
  expect(writeUnits / alone).toBeLessThanOrEqual(3 + 1.25 * MEMBERS);
  expect(ben.frames.length - framesBefore).toBe(alone);
});

test('B15: a send takes three write units, and one small read', async () => {
  const { group, clients } = await newGroup(large);
  const [ann, ben, cem] = clients as [TestClient, TestClient, TestClient];
  await ben.request('subscribe', { conversationIds: [group] });
  await cem.send(group, 'also first');
  await large.settled({ delayed: true });
  large.resetMetrics();
  const messages = 20;
  const startedAt = Date.now();
  for (let n = 0; n < messages; n++) expect(await ann.send(group, text)).toMatchObject({ ok: true });
  await large.settled({ delayed: true });
  const { byFunction } = large.metrics().dynamodb;
  expect(byFunction['send']).toMatchObject({ writeUnits: 3 * messages, requests: 4 * messages });
  expect(byFunction['send']!.readUnits / messages).toBeLessThanOrEqual(1);
  // Above the cut-over nothing else is written for a message; once in a while, that members are to hear of the head.
  const whiles = 1 + Math.ceil((Date.now() - startedAt) / HEADS_INTERVAL_MS);
  expect(byFunction['fan-out']!.writeUnits).toBeLessThanOrEqual(whiles);
  expect(ben.pushes.filter(({ push }) => push === 'group').length).toBeLessThanOrEqual(messages);
});

// A page is sealed after sixteen entries, whatever the batches are: that is the last summand.
test('B16: of a burst, a member costs at most 1.25 write units and one frame for each batch', async () => {
  const { group, clients } = await newGroup(written);
  const writers = clients.slice(0, 12);
  const reader = clients.at(-1)!;
  for (const writer of writers) await writer.send(group, 'first');
  await written.settled();
  written.resetMetrics();
  const framesBefore = reader.frames.length;
  await Promise.all(writers.map((writer) => writer.send(group, text)));
  await written.settled();
  const { dynamodb, lambda } = written.metrics();
  const batches = lambda['fan-out']!.invocations;
  expect(batches).toBeLessThan(writers.length);
  expect(dynamodb.byFunction['send']!.writeUnits).toBe(3 * writers.length);
  expect(dynamodb.writeUnits).toBeLessThanOrEqual(3 * writers.length + 1.25 * MEMBERS * batches + MEMBERS);
  expect(reader.frames.length - framesBefore).toBeLessThanOrEqual(batches);
});
