// The scenario that is priced: two users write to each other, and each has several devices.
import { randomUUID } from 'node:crypto';
import type { Cloud } from '../local/cloud.ts';
import type { MeteringSnapshot } from '../local/metering.ts';
import { Device } from './device.ts';

export interface Scenario {
  readonly messages: number;
  /** Of each user; the first one sends. */
  readonly devices: number;
  /** So many of them are away and registered for push notifications. */
  readonly away: number;
  /** Characters of each message's text. */
  readonly size: number;
  /** A device acknowledges after so many events. */
  readonly acknowledgeEvery: number;
  /**
   * One message every 5 s, each answered by the other user: the sending devices' messages carry their acknowledgements,
   * and the other devices acknowledge every 10 s, which is every second message.
   */
  readonly quiet: boolean;
}

const ACKNOWLEDGE_EVERY_WHEN_QUIET = 2;

/** One connection per user and platform. */
const platforms = ['ios', 'web', 'desktop', 'android', 'bot'] as const;
export const maximumDevices = platforms.length;

/** What the messages alone took: connecting and the first message, which creates the conversation, are not in it. */
export async function meterDirectMessages(cloud: Cloud, scenario: Scenario): Promise<MeteringSnapshot> {
  const users = ['alice', 'bob'] as const;
  const devices = new Map<string, Device[]>();
  try {
    for (const user of users) devices.set(user, await connectAll(cloud, user, scenario));
    const everyDevice = [...devices.values()].flat();
    const settled = async () => {
      // Pushes have been read, the acknowledgements that they led to have arrived, and these are dealt with, too.
      await cloud.settled();
      for (let exchange = 0; exchange < 2; exchange += 1)
        await Promise.all(everyDevice.map((device) => device.exchanged()));
      await cloud.settled();
    };
    const send = async (index: number) => {
      const [from, to] = index % 2 === 0 ? users : users.toReversed();
      const body = { text: 'x'.repeat(scenario.size) };
      const message = { to: `user:${to}`, clientMsgId: randomUUID(), type: 'text', body };
      await devices.get(from)![0]!.send(message);
      // The other one has it when they answer.
      if (scenario.quiet) await settled();
    };

    await send(0);
    await settled();
    cloud.resetMetrics();
    for (let index = 0; index < scenario.messages; index += 1) await send(index);
    await settled();
    return cloud.metrics();
  } finally {
    await Promise.all([...devices.values()].flat().map((device) => device.close()));
  }
}

/** @returns those that stay; the others have been there, asked to be notified, and left. */
async function connectAll(cloud: Cloud, userId: string, scenario: Scenario): Promise<Device[]> {
  const staying: Device[] = [];
  for (const [index, platform] of platforms.slice(0, scenario.devices).entries()) {
    const query = new URLSearchParams({ deviceId: `device-${index + 1}`, platform });
    const device = await Device.connect({
      url: `${cloud.url}/${cloud.model.api.stageName}?${query.toString()}`,
      token: await cloud.issueToken(userId),
      acknowledge: acknowledgementOf(scenario, index),
    });
    if (index < scenario.devices - scenario.away) {
      staying.push(device);
    } else {
      await device.request('device', { pushToken: `${userId} ${platform}`, provider: 'none' });
      await device.close();
    }
  }
  return staying;
}

function acknowledgementOf({ quiet, acknowledgeEvery }: Scenario, index: number): number | 'with sends' {
  if (!quiet) return acknowledgeEvery;
  return index === 0 ? 'with sends' : ACKNOWLEDGE_EVERY_WHEN_QUIET;
}
