// Where a device wants to be notified: kept until the server has it, through lost answers, restarts and new servers.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { NodeWebSocket } from '../../src/client/node.ts';
import { MemoryStorage } from '../../src/client/storage/memory.ts';
import { scan, startCloud } from '../support/cloud.ts';
import { closeWhenSettled, Devices, newUser, type nodeWebSocket } from './devices.ts';
import { metered, type Traffic } from './metered.ts';

let cloud: Cloud;
let devices: Devices;
beforeAll(async () => {
  cloud = await startCloud();
  devices = new Devices(cloud);
});
afterEach(() => devices.close());
afterAll(() => closeWhenSettled(cloud));

const patient = { random: () => 0 };

/** What the server has: the push target of a user's device. */
async function registered(userId: string, at = cloud): Promise<unknown> {
  const items = await scan(at, 'Users');
  const found = items.find((item) => item['userId'] === userId && String(item['item']).startsWith('PUSH#'));
  return found && { pushToken: found['pushToken'], provider: found['provider'] };
}

const asked = ({ sent }: Traffic) => sent.filter((frame) => frame.includes('"action":"device"')).length;

test('a device is registered once, not with each connection, until it takes that back', async () => {
  const userId = newUser('bob');
  const storage = new MemoryStorage();
  const { traffic, webSocket } = metered();
  const first = await devices.connect({ userId, storage, webSocket });
  await first.im.registerForPush({ pushToken: 'token-1', provider: 'fcm' });
  expect(await registered(userId)).toEqual({ pushToken: 'token-1', provider: 'fcm' });
  await first.im.close();

  const again = await devices.connect({ userId, storage, webSocket });
  await again.im.sync();
  expect(asked(traffic)).toBe(1);
  await again.im.unregisterForPush();
  expect(await registered(userId)).toBeUndefined();
  expect(await storage.list({ from: 'push', to: 'push' })).toEqual([]);
});

test('what is wanted offline is told by the next start, after a restart too: the latest of it', async () => {
  const userId = newUser('bob');
  const storage = new MemoryStorage();
  const { traffic, webSocket } = metered();
  const before = await devices.prepare({ userId, storage });
  const wanted = before.im.registerForPush({ pushToken: 'token-1' }).catch((error: unknown) => error);
  await before.im.close();
  expect(await wanted).toMatchObject({ code: 'closed' });

  const after = await devices.prepare({ userId, storage, webSocket });
  const latest = after.im.registerForPush({ pushToken: 'token-2' });
  await after.im.start();
  await latest;
  expect(await registered(userId)).toEqual({ pushToken: 'token-2', provider: 'webhook' });
  expect(asked(traffic)).toBe(1);
});

/** Tells of each registration that goes out, and may lose its answer together with the connection. */
function watched(onRegistration: (count: number) => 'passes' | 'loses its answer'): typeof nodeWebSocket {
  let count = 0;
  class WatchedWebSocket extends NodeWebSocket {
    private lost: string | undefined;
    override send(data: string): void {
      const { action, id } = JSON.parse(data) as { readonly action: string; readonly id: string };
      if (action === 'device' && onRegistration(++count) === 'loses its answer') this.lost = `"id":"${id}"`;
      super.send(data);
    }
    override emit(name: string, ...parameters: unknown[]): boolean {
      const isLost = name === 'message' && this.lost && String(parameters[0]).includes(this.lost);
      if (!isLost) return super.emit(name, ...parameters);
      this.terminate();
      return true;
    }
  }
  return WatchedWebSocket;
}

test('a lost answer: it is asked again after the reconnect, and resolves then', async () => {
  const userId = newUser('bob');
  const tries: number[] = [];
  const webSocket = watched((count) => {
    tries.push(count);
    return count === 1 ? 'loses its answer' : 'passes';
  });
  const bob = await devices.connect({ userId, webSocket, environment: patient });
  await bob.im.registerForPush({ pushToken: 'token-1' });
  expect(tries).toEqual([1, 2]);
  expect(bob.seen.of('disconnected')).toHaveLength(1);
  expect(await registered(userId)).toMatchObject({ pushToken: 'token-1' });
});

test('a server that cannot for the moment is asked again on the same connection', async () => {
  const userId = newUser('bob');
  const webSocket = watched((count) => {
    if (count === 2) cloud.clearFaults();
    return 'passes';
  });
  const bob = await devices.connect({ userId, webSocket, environment: patient });
  cloud.setFaults({ seed: 1, lambda: { crashBefore: 1 } });
  await bob.im.registerForPush({ pushToken: 'token-1' });
  expect(bob.seen.of('disconnected')).toEqual([]);
  expect(await registered(userId)).toMatchObject({ pushToken: 'token-1' });
});

test('what the server refuses rejects, and is not kept', async () => {
  const userId = newUser('bob');
  const storage = new MemoryStorage();
  const { traffic, webSocket } = metered();
  const bob = await devices.connect({ userId, storage, webSocket });
  await expect(bob.im.registerForPush({ pushToken: '' })).rejects.toMatchObject({ code: 'bad_request' });
  await bob.im.close();
  await devices.connect({ userId, storage, webSocket });
  expect(asked(traffic)).toBe(1);
  expect(await registered(userId)).toBeUndefined();
});

test('a server that was set up anew is told by itself', async () => {
  const userId = newUser('bob');
  const storage = new MemoryStorage();
  const bob = await devices.connect({ userId, storage });
  await bob.im.registerForPush({ pushToken: 'token-1', provider: 'apns' });
  await bob.im.close();

  const anew = await startCloud();
  const there = new Devices(anew);
  try {
    const { traffic, webSocket } = metered();
    const again = await there.connect({ userId, storage, webSocket });
    expect(again.seen.of('reset')).toMatchObject([{ reason: 'foreign' }]);
    await expect.poll(() => registered(userId, anew)).toEqual({ pushToken: 'token-1', provider: 'apns' });
    expect(asked(traffic)).toBe(1);
  } finally {
    await there.close();
    await closeWhenSettled(anew);
  }
});
