// The planner's numbers, held to the meters of the local cloud: what it predicts for a small mix is what that took, within a tenth.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { demandOf, functionNames, noWork, queueNames, type Work } from '../../bench/capacity/demand.ts';
import {
  add,
  directMessage,
  groupMessage,
  headsOfLargeGroup,
  times,
  type Audience,
} from '../../bench/capacity/traffic.ts';
import { Device } from '../../bench/device.ts';
import { meterGroupMessages } from '../../bench/group-messages.ts';
import type { Cloud } from '../../local/cloud.ts';
import type { TableName } from '../../src/core/tables.ts';
import { startCloud } from '../support/cloud.ts';

const TOLERANCE = 0.1;
const TEXT = 'x'.repeat(100);

const audience: Audience = {
  devices: 1,
  recipientsOnline: 1,
  looking: 1,
  acknowledgeEvery: 4,
  reads: 0,
  notified: 0,
  registered: 0,
  messageBytes: 400,
  writeFanoutLimit: 500,
  recipientsPerInvocation: 500,
};

let cloud: Cloud;
const devices = new Map<string, Device>();
const MEMBERS = 12;
const ONLINE = 4;
const others = Array.from({ length: MEMBERS - 1 }, (_, index) => `member-${index}`);

beforeAll(async () => {
  cloud = await startCloud({ environment: { IM_SETTINGS: '{"notifyDelayMs":1,"ackTimeoutMs":1}' } });
});
afterAll(async () => {
  await Promise.all([...devices.values()].map((device) => device.close()));
  await cloud.close();
});

const settled = () => cloud.settled({ delayed: true });

async function connect(userId: string, acknowledge = audience.acknowledgeEvery): Promise<Device> {
  const device = await Device.connect({
    url: `${cloud.url}/${cloud.model.api.stageName}?deviceId=phone&platform=ios`,
    token: await cloud.issueToken(userId),
    acknowledge,
  });
  devices.set(userId, device);
  return device;
}

/** One after another: each is a batch of its own. */
async function send(from: string, to: string, messages: number): Promise<void> {
  for (let n = 0; n < messages; n++) {
    await devices.get(from)!.send({ to, clientMsgId: randomUUID(), type: 'text', body: { text: TEXT } });
    await settled();
  }
}

/** Each number within a tenth; what is not predicted must not be there. */
function expectMetered(work: Work): void {
  const { tables, invocations, queues, framesIn, answers, pushes } = demandOf(work);
  const { dynamodb, lambda, gateway, sqs } = cloud.metrics();
  const names = Object.keys(tables) as TableName[];
  const pairs: [string, number, number][] = [
    ['frames in', framesIn, gateway.messagesIn],
    ['frames out', answers + pushes, gateway.messagesOut],
    ...names.flatMap((table): [string, number, number][] => [
      [`${table}, write units`, tables[table].write, dynamodb.byTable[table]?.writeUnits ?? 0],
      [`${table}, read units`, tables[table].read, dynamodb.byTable[table]?.readUnits ?? 0],
    ]),
    ...queueNames.flatMap((queue): [string, number, number][] => {
      const { sent = 0, received = 0, deleted = 0 } = sqs.queues[queue] ?? {};
      return [
        [`sent to ${queue}`, queues[queue], sent],
        [`received from ${queue}`, queues[queue], received],
        [`deleted from ${queue}`, queues[queue], deleted],
      ];
    }),
    ...functionNames.map((name): [string, number, number] => [
      `invocations of ${name}`,
      invocations[name],
      lambda[name]?.invocations ?? 0,
    ]),
  ];
  const wrong = pairs.filter(([name, predicted, metered]) => {
    // What comes together of a stream or a queue, up to ten notes, is one invocation: there it says how many there may be.
    const bound = name.endsWith(' notify') || name.endsWith(' wake-notifier');
    const least = (bound ? 1 : 1 - TOLERANCE) * metered;
    const most = (bound ? 10 : 1 + TOLERANCE) * metered;
    return predicted < least || predicted > most;
  });
  expect(wrong).toEqual([]);
  const known = new Set<string>(functionNames);
  const more = Object.entries(lambda).filter(
    ([name, { invocations: count }]) => count > 0 && !known.has(name),
  );
  expect(more).toEqual([]);
}

it('predicts direct messages between two who are online, acknowledged', async () => {
  await connect('alice');
  await connect('bob');
  await send('alice', 'user:bob', 1);
  await send('bob', 'user:alice', 1);
  cloud.resetMetrics();
  await send('alice', 'user:bob', 32);
  expectMetered({ ...times(directMessage(audience), 32), batches: 32 });
});

it('predicts read positions that move, and heartbeats', async () => {
  const bob = devices.get('bob')!;
  await send('alice', 'user:bob', 4);
  cloud.resetMetrics();
  for (let seq = 35; seq <= 38; seq++) await bob.request('read', { conversationId: 'd:alice:bob', seq });
  for (let n = 0; n < 5; n++) await bob.request('ping', {});
  await settled();
  expectMetered({ ...noWork, directReads: 4, pushes: 4, heartbeats: 5 });
});

it('predicts devices that come, ask what they missed, and go', async () => {
  for (const user of others) await (await connect(user)).close();
  await settled();
  cloud.resetMetrics();
  for (const user of others) await (await connect(user)).request('sync', { after: 0 });
  for (const user of others) await devices.get(user)!.close();
  await settled();
  expectMetered({ ...noWork, connects: others.length, disconnects: others.length });
});

it('predicts direct messages to one who is away and told', async () => {
  const carol = await connect('carol');
  await send('alice', 'user:carol', 1);
  await carol.request('device', { pushToken: 'of carol', provider: 'none' });
  await carol.close();
  await send('alice', 'user:carol', 1);
  cloud.resetMetrics();
  await send('alice', 'user:carol', 16);
  const away = { ...audience, recipientsOnline: 0, notified: 1 };
  expectMetered({ ...times(directMessage(away), 16), batches: 16 });
});

it('predicts direct messages to one who is registered, connected, and looked at whether they acknowledge', async () => {
  const dora = await connect('dora', 1);
  await send('alice', 'user:dora', 1);
  await dora.request('device', { pushToken: 'of dora', provider: 'none' });
  await send('alice', 'user:dora', 1);
  cloud.resetMetrics();
  await send('alice', 'user:dora', 16);
  const watched = { ...audience, acknowledgeEvery: 1, registered: 1 };
  expectMetered({ ...times(directMessage(watched), 16), batches: 16 });
});

it('predicts a group of which some are online, some away and told, and reads there', async () => {
  for (const user of others) await connect(user);
  const alice = devices.get('alice')!;
  const created = await alice.request('createGroup', {
    clientGroupId: 'capacity-group',
    title: 'A group',
    members: others,
  });
  const conversationId = created['conversationId'] as string;
  for (const user of others.slice(ONLINE)) {
    await devices.get(user)!.request('device', { pushToken: `of ${user}`, provider: 'none' });
    await devices.get(user)!.close();
  }
  await settled();
  await send('alice', conversationId, 1);
  cloud.resetMetrics();
  await send('alice', conversationId, 16);
  for (const user of others.slice(0, ONLINE))
    await devices.get(user)!.request('read', { conversationId, seq: 17 });
  await settled();
  const share = { ...audience, recipientsOnline: ONLINE / others.length, notified: 1 };
  const message = times(groupMessage(share, MEMBERS), 16);
  expectMetered(add(message, { ...noWork, batches: 16, groupReads: ONLINE }));
});

it('predicts a large group, pushed to who looks', async () => {
  const large = await startCloud({
    environment: {
      IM_SETTINGS: '{"writeFanoutLimit":1,"headsIntervalMs":1000,"recipientsPerInvocation":20}',
    },
  });
  const members = 60;
  const looking = 0.1;
  try {
    const { alone } = await meterGroupMessages(large, {
      members,
      mode: 'read',
      alone: 3,
      burst: 1,
      online: 0,
      looking,
    });
    const share = { ...audience, looking, writeFanoutLimit: 1 };
    // Each plans when the others hear of it.
    const work = { ...groupMessage(share, members), batches: 1, headsPlanned: 1 };
    const { tables, invocations, pushes } = demandOf(work);
    const sum = (kind: 'read' | 'write') =>
      Object.values(tables).reduce((total, units) => total + units[kind], 0);
    const near = (metered: number, predicted: number) =>
      expect(Math.abs(predicted - metered), `${predicted} for ${metered}`).toBeLessThan(0.1 * metered);
    near(alone.writeUnits, sum('write'));
    near(alone.readUnits, sum('read'));
    near(alone.frames, pushes);
    near(alone.invocations, invocations.send + invocations['fan-out']);
    // Of the message that was metered last: the others are told, in parts.
    const told = demandOf(headsOfLargeGroup({ ...share, recipientsPerInvocation: 20 }, members));
    expect(large.metrics().sqs.queues['GroupTasks']?.sent).toBe(told.queues.GroupTasks);
    expect(large.metrics().lambda['group-tasks']?.invocations).toBe(told.invocations['group-tasks']);
  } finally {
    await large.close();
  }
});
