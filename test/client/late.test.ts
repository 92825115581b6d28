// What is loaded with its first use, and cannot be had at first.
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { scan, startCloud } from '../support/cloud.ts';
import { closeWhenSettled, Devices, directId, newUser } from './devices.ts';

const extras = vi.hoisted(() => ({ tries: 0, isOutOfReach: true }));
vi.mock('../../src/client/extras.ts', async (load) => {
  extras.tries++;
  if (extras.isOutOfReach) throw new Error('Out of reach');
  return load();
});

let cloud: Cloud;
let devices: Devices;
beforeAll(async () => {
  cloud = await startCloud();
  devices = new Devices(cloud);
});
afterEach(() => devices.close());
afterAll(() => closeWhenSettled(cloud));

test('to talk, and to open a direct conversation, nothing is loaded', async () => {
  const bob = await devices.connect({ userId: newUser('bob') });
  const { im } = await devices.connect({ userId: newUser('alice') });
  const conversation = im.conversation(directId(im.userId, bob.im.userId));
  const shut = conversation.open();
  await conversation.send('hello').sent;
  await bob.seen.until(() => bob.seen.messages.length === 1, 'the message');
  shut();
  expect(extras.tries).toBe(0);
});

test('where to be notified is kept, and told when what tells it can be loaded', async () => {
  const userId = newUser('carol');
  const { im } = await devices.connect({ userId });
  const registered = im.registerForPush({ pushToken: 'token-1' });
  await expect(im.preferences()).rejects.toMatchObject({ code: 'connection_lost', retryable: true });
  extras.isOutOfReach = false;
  await im.sync();
  await registered;
  const users = await scan(cloud, 'Users');
  expect(users).toContainEqual(expect.objectContaining({ userId, pushToken: 'token-1' }));
});
