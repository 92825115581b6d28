// What goes wrong with a storage reaches the app as the client's `error` event.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ImError } from '../../../src/client/errors.ts';
import { ImClient } from '../../../src/client/im-client.ts';
import { FileStorage } from '../../../src/client/storage/file.ts';
import { MemoryStorage } from '../../../src/client/storage/memory.ts';
import type { Change } from '../../../src/client/storage/storage.ts';
import { startCloud } from '../../support/cloud.ts';
import { closeWhenSettled, Devices, newUser, nodeWebSocket } from '../devices.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'im-reports-'));
});
afterAll(() => rm(directory, { recursive: true }));

const token = async () => `x.${Buffer.from('{"sub":"alice"}').toString('base64url')}.x`;
const offline = { url: 'ws://127.0.0.1:1', token, platform: 'bot', webSocket: nodeWebSocket } as const;

class FullStorage extends MemoryStorage {
  full = false;

  override async commit(changes: readonly Change[]): Promise<void> {
    if (this.full) throw new Error('ENOSPC');
    return super.commit(changes);
  }
}

test('a message that cannot be stored is an error, and the next one is none', async () => {
  const storage = new FullStorage();
  const errors: ImError[] = [];
  const on = { error: ({ error }: { error: ImError }) => errors.push(error) };
  const alice = await ImClient.open({ ...offline, storage, on });
  storage.full = true;
  const lost = alice.send('user:bob', 'does not fit');
  await expect(lost.stored).rejects.toMatchObject({ code: 'storage' });
  await expect(lost.sent).rejects.toMatchObject({ code: 'storage' });
  expect(errors).toMatchObject([{ code: 'storage', message: 'The outbox cannot be written' }]);
  storage.full = false;
  await alice.send('user:bob', 'fits').stored;
  expect(errors).toHaveLength(1);
  await alice.close();
});

test('a message whose answer cannot be stored is an error, and is sent once there is room', async () => {
  const cloud = await startCloud();
  const devices = new Devices(cloud);
  const userId = newUser('alice');
  const storage = new FullStorage();
  const alice = await devices.connect({ userId, storage, environment: { random: () => 0 } });
  // Room for nothing from its first try on, until the app has heard of it.
  const stop = alice.im.on('sendState', ({ state }) => {
    if (state === 'sending') storage.full = true;
  });
  const failed = alice.seen.next('error');
  const message = alice.im.send(`user:${userId}`, 'note');
  expect(await failed).toMatchObject({ error: { code: 'storage' } });
  expect(message.state).toBe('queued');
  stop();
  storage.full = false;
  expect((await message.sent).seq).toBe(1);
  await devices.close();
  await closeWhenSettled(cloud);
});

test('a file that was damaged is an error when the client is opened, and the client goes on', async () => {
  const path = join(directory, 'alice.journal');
  const alice = await ImClient.open({ ...offline, storage: await FileStorage.open(path) });
  const { deviceId } = alice;
  for (const text of ['one', 'two', 'three']) await alice.send('user:bob', text).stored;
  await alice.close();
  await writeFile(path, (await readFile(path, 'utf8')).replace('"two"', '"tvo"'));

  const errors: ImError[] = [];
  const on = { error: ({ error }: { error: ImError }) => errors.push(error) };
  const again = await ImClient.open({ ...offline, storage: await FileStorage.open(path), on });
  expect(errors).toMatchObject([{ code: 'storage' }]);
  expect(errors[0]!.message).toContain('a batch is missing');
  expect(again.deviceId).toBe(deviceId);
  expect(again.outbox().map(({ body }) => body['text'])).toEqual(['one', 'three']);
  await again.close();
});
