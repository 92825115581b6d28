// Sound and moving pictures in the web chat, in a real browser: they are played in their place.
import { expect, test } from 'vitest';
import { newUser } from '../client/devices.ts';
import { openChat, say, startWorld } from './pages.ts';

const world = startWorld();

/** Half a second of silence. */
function silence(): Buffer {
  const [rate, samples] = [8_000, 4_000];
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE(36 + samples, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(rate, 24);
  header.writeUInt32LE(rate, 28);
  header.writeUInt16LE(1, 32);
  header.writeUInt16LE(8, 34);
  header.write('data', 36);
  header.writeUInt32LE(samples, 40);
  return Buffer.concat([header, Buffer.alloc(samples, 128)]);
}

test('sound has a player that knows how long it is; a video its place; what does not play is still a link', async () => {
  const [ann, ben] = [newUser('ann'), newUser('ben')];
  const { im } = await world.devices.connect({ userId: ben });
  const page = await world.pages.open(await world.pages.browser(), ann);
  await openChat(page, ben);
  await say(page, 'listen');
  await page
    .locator('input[type=file]')
    .setInputFiles({ name: 'silence.wav', mimeType: 'audio/wav', buffer: silence() });
  const audio = page.locator('audio');
  await audio.waitFor();
  expect(await audio.getAttribute('aria-label')).toBe('silence.wav');
  const duration = () => audio.evaluate((player) => (player as unknown as { duration: number }).duration);
  await expect.poll(duration, { timeout: 15_000 }).toBeCloseTo(0.5);

  // Its address answers when we say so: until then it has its place, as large as the message says.
  let answer = () => {};
  const mayAnswer = new Promise<void>((resolve) => (answer = resolve));
  await page.route('http://127.0.0.1:*/walk.webm', async (route) => {
    await mayAnswer;
    await route.fulfill({ status: 200, contentType: 'video/webm', body: 'no video' });
  });
  const url = `http://127.0.0.1:${world.cloud.port}/walk.webm`;
  await im.conversation(`user:${ann}`).send({
    type: 'video',
    body: { url, name: 'walk.webm', width: 720, height: 480 },
  }).sent;
  const video = page.locator('video');
  await video.waitFor();
  const { width, height } = (await video.boundingBox())!;
  expect([width, height]).toEqual([360, 240]);
  expect(await video.getAttribute('preload')).toBe('metadata');
  expect(await video.getAttribute('controls')).not.toBeNull();
  answer();
  await expect.poll(() => video.count(), { timeout: 15_000 }).toBe(0);
  await page.getByRole('link', { name: 'walk.webm' }).waitFor();
}, 90_000);
