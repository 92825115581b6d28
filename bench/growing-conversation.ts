// The scenario whose growth is watched: two users write to each other, one message after the other, for long.
import { randomUUID } from 'node:crypto';
import type { Cloud } from '../local/cloud.ts';
import { Device } from './device.ts';
import { RequestTimer, type RequestKind, type Timing } from './request-timer.ts';

export interface Stretch {
  /** How many messages had been sent at its end. */
  readonly messages: number;
  readonly messagesPerSecond: number;
  /** Of the local cloud with its functions, without the engine: less moved by what else the machine does. */
  readonly cpuMsPerMessage: number;
  readonly timings: Readonly<Record<RequestKind, Timing>>;
}

export interface Length {
  readonly messages: number;
  /** Messages of one stretch. */
  readonly every: number;
}

const acknowledgeEvery = 32;
const text = 'x'.repeat(100);

/** Each stretch ends when fan-out has done its part. */
export async function* measureStretches(cloud: Cloud, { messages, every }: Length): AsyncGenerator<Stretch> {
  const alice = await connect(cloud, 'alice');
  const bob = await connect(cloud, 'bob');
  const timer = new RequestTimer();
  try {
    let sent = 0;
    const send = async () => {
      const [from, to] = sent % 2 === 0 ? [alice, 'user:bob'] : [bob, 'user:alice'];
      await from.request('send', { to, clientMsgId: randomUUID(), type: 'text', body: { text } });
      sent += 1;
    };
    for (let before = 0; before < messages; before += every) {
      const count = Math.min(every, messages - before);
      timer.take();
      const startedAt = performance.now();
      const cpuBefore = process.cpuUsage();
      for (let index = 0; index < count; index += 1) await send();
      await cloud.settled();
      const messagesPerSecond = count / ((performance.now() - startedAt) / 1000);
      const { user, system } = process.cpuUsage(cpuBefore);
      const cpuMsPerMessage = (user + system) / 1000 / count;
      yield { messages: before + count, messagesPerSecond, cpuMsPerMessage, timings: timer.take() };
    }
  } finally {
    timer.close();
    await Promise.all([alice.close(), bob.close()]);
  }
}

async function connect(cloud: Cloud, userId: string): Promise<Device> {
  const query = new URLSearchParams({ deviceId: 'phone', platform: 'ios' });
  return Device.connect({
    url: `${cloud.url}/${cloud.model.api.stageName}?${query.toString()}`,
    token: await cloud.issueToken(userId),
    acknowledge: acknowledgeEvery,
  });
}
