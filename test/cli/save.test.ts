// Files that others sent, saved by the terminal chat: under no name that they could make use of.
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fileOf } from '../../cli/find.ts';
import { saveFile } from '../../cli/save.ts';
import type { Cloud } from '../../local/cloud.ts';
import { closeWhenSettled, Devices, newUser } from '../client/devices.ts';
import { startCloud } from '../support/cloud.ts';

let cloud: Cloud;
let devices: Devices;
let directory: string;
beforeAll(async () => {
  cloud = await startCloud();
  devices = new Devices(cloud);
  directory = await mkdtemp(join(tmpdir(), 'save-'));
});
afterAll(async () => {
  await devices.close();
  await closeWhenSettled(cloud);
  await rm(directory, { recursive: true });
});

test('half a file is none: where it breaks off, nothing is left', async () => {
  const { im } = await devices.connect({ userId: newUser('ann') });
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-length': '1000' });
    response.write('half', () => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const content = { type: 'file', body: { url, name: 'half.txt' } } as const;
  const message = await im.send(`user:${im.userId}`, content).sent;
  await expect(saveFile(im, message, directory)).rejects.toThrow('terminated');
  expect(await readdir(directory)).not.toContain('half.txt');
  server.close();
});

test('a file is saved beside those that are there, and nowhere else', async () => {
  const { im } = await devices.connect({ userId: newUser('ann') });
  const conversation = im.conversation(`user:${im.userId}`);
  const names = ['notes.txt', '../../.notes.txt', '.profile', '\u001b[2J/etc/passwd'];
  for (const name of names) await (await conversation.sendFile(new Blob([name]), { name })).sent;
  await writeFile(join(directory, 'notes.txt'), 'mine');
  const saved: string[] = [];
  for (const back of [4, 3, 2, 1])
    saved.push(await saveFile(im, await fileOf(conversation, back), directory));
  expect(saved).toEqual(
    ['notes-1.txt', '_.._.notes.txt', 'profile', '[2J_etc_passwd'].map((name) => join(directory, name)),
  );
  expect(await Promise.all(saved.map((path) => readFile(path, 'utf8')))).toEqual(names);
  expect(await readFile(join(directory, 'notes.txt'), 'utf8')).toBe('mine');
  expect(await readdir(directory)).toHaveLength(5);
  await expect(fileOf(conversation, 5)).rejects.toThrow('no such file');
});
