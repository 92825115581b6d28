// Tables that were restored from a backup: what clients have beyond it never was, and they are told by the name of the mailbox.
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { MemoryStorage } from '../../src/client/storage/memory.ts';
import { Devices } from '../client/devices.ts';
import { connect } from '../support/client.ts';
import { startCloud } from '../support/cloud.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'serverless-im-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function deploy(name: string, settings: object, use: (cloud: Cloud) => Promise<void>): Promise<void> {
  const cloud = await startCloud({
    tablePrefix: `${basename(directory)}-`,
    dataDirectory: join(directory, name),
    environment: { IM_SETTINGS: JSON.stringify(settings) },
  });
  try {
    await use(cloud);
  } finally {
    await cloud.settled();
    await cloud.close();
  }
}

async function say(cloud: Cloud, texts: readonly string[]): Promise<void> {
  const alice = await connect(cloud, 'alice');
  for (const text of texts) await alice.send('user:bob', text);
  await cloud.settled();
  await alice.close();
}

/** What bob's device shows after it has caught up; and why it began anew, if it did. */
async function shown(cloud: Cloud, storage: MemoryStorage) {
  const devices = new Devices(cloud);
  try {
    const bob = await devices.connect({ userId: 'bob', storage });
    const messages = await bob.im.conversation('d:alice:bob').messages();
    const texts = messages.map(({ body }) => (body as { text: string }).text);
    return { texts, resets: bob.seen.of('reset') };
  } finally {
    await devices.close();
  }
}

test('P5.2b: with another epoch, devices start over on tables that were restored, though these have grown since', async () => {
  const storage = new MemoryStorage();
  await deploy('live', {}, async (cloud) => {
    await connect(cloud, 'bob', { deviceId: 'other', platform: 'web' });
    await say(cloud, ['one', 'two']);
  });
  await cp(join(directory, 'live'), join(directory, 'backup'), { recursive: true });
  await deploy('live', {}, async (cloud) => {
    await say(cloud, ['three, which will be lost', 'four, likewise']);
    expect((await shown(cloud, storage)).texts).toHaveLength(4);
  });
  await deploy('backup', { epoch: 'r1' }, async (cloud) => {
    await say(cloud, ['three, anew', 'four, anew', 'five']);
    const { texts, resets } = await shown(cloud, storage);
    expect(resets).toMatchObject([{ reason: 'foreign' }]);
    expect(texts).toEqual(['one', 'two', 'three, anew', 'four, anew', 'five']);
    expect((await shown(cloud, storage)).resets).toEqual([]);
  });
});
